import { UserError } from '../errors.ts';
import { type BackwardCall, type Call, defineOp, type Each } from '../tensor/op.ts';
import type { ShaderContext } from '../tensor/shader.ts';
import { format, type Shape } from '../tensor/shape.ts';
import { ELEMENT_BYTES, type Target, type Tensor } from '../tensor/tensor.ts';
import { defineEach } from './skeleton/each.ts';
import { defineRows } from './skeleton/rows.ts';
import { assign, writeOrAdd } from './skeleton/text.ts';

/**
 * ids: (R) u32 with R = B T, begin: (B) u32, tokens: (V, C), positions: (S, C), y: (R, C) f32
 * `tokens` may be a part of a larger table, of the ids from `first` on: parts after the first one add to y.
 */
const looking = {
  bind: { ids: 'read u32', begin: 'read? u32', tokens: 'read T', positions: 'read? T', y: 'write T' },
  params: { R: 'u32', C: 'u32', T: 'u32', V: 'u32', S: 'u32', first: 'u32' },
} as const;

type Has = Pick<ShaderContext<(typeof looking)['bind']>, 'has'>;

const placeOf = (row: string, { has }: Has): string =>
  `${has.begin ? `begin[${row} / params.T] + ` : ''}${row} % params.T`;

/** Sums up column c of the two rows at `id` and `place`, into element `at`; a row past the end of its table, or before it, counts as zeros. */
const lookUp = ({ has }: Has, at: string): string => /* wgsl */ `
  var value = T();
  let own = id - params.first; // wraps past V where the id lies before
  if (own < params.V) { value = tokens[own * params.C + c]; }
  ${has.positions ? 'if (place < params.S) { value += positions[place * params.C + c]; }' : ''}
  if (params.first > 0u) { value += y[${at}]; }
  y[${at}] = value;`;

/** The lesson: one invocation an element. */
const naive = defineEach({
  name: 'embedding_naive',
  ...looking,
  each: ['R', 'C'],
  body: (text) => /* wgsl */ `
  let row = i / params.C;
  let c = i % params.C;
  let id = ids[row];
  let place = ${placeOf('row', text)};
  ${lookUp(text, 'i')}`,
});

/** The id is read once for all columns. */
const rows = defineRows({
  name: 'embedding_rows',
  ...looking,
  body: (text) => /* wgsl */ `
    let id = ids[row];
    let place = ${placeOf('row', text)};
    ${text.each(lookUp(text, 'start + c'))}`,
});

/** The lesson: for each row of the vocabulary all tokens are looked through, V * R steps.   dtokens: (V, C), dy: (R, C) */
const tokensGradientNaive = defineEach({
  name: 'embedding_dtokens_naive',
  bind: { ids: 'read u32', dy: 'read', dtokens: 'write' },
  params: { R: 'u32', C: 'u32', V: 'u32', accumulate: 'u32' },
  each: ['V', 'C'],
  body: /* wgsl */ `
  var sum = 0.0;
  for (var r = 0u; r < params.R; r++) {
    if (ids[r] == i / params.C) { sum += dy[r * params.C + i % params.C]; }
  }
  ${writeOrAdd('dtokens[i]', 'sum')}`,
});

/** For each token the first place of its id, and the next one (R where there is none).   ids, first, next: (R) u32 */
const link = defineEach({
  name: 'embedding_links',
  bind: { ids: 'read u32', first: 'write u32', next: 'write u32' },
  params: { R: 'u32' },
  each: ['R'],
  body: /* wgsl */ `
  let id = ids[i];
  var before = 0u;
  while (ids[before] != id) { before++; }
  first[i] = before;
  var after = i + 1u;
  while (after < params.R && ids[after] != id) { after++; }
  next[i] = after;`,
});

/**
 * The first place of an id owns its row of the table: it walks the chain of the later ones and adds their gradients to
 * dtokens, in order. The work does not depend on V, and no two workgroups touch one row, so no atomics are needed.
 */
const tokensGradientChains = defineRows({
  name: 'embedding_dtokens_chains',
  bind: { ids: 'read u32', first: 'read u32', next: 'read u32', dy: 'read T', dtokens: 'write T' },
  params: { R: 'u32', C: 'u32', V: 'u32' },
  held: false,
  body: ({ each }) => /* wgsl */ `
    let id = ids[row];
    if (first[row] != row || id >= params.V) { continue; }
    ${each(/* wgsl */ `
      var sum = T();
      for (var r = row; r < params.R; r = max(next[r], r + 1u)) { sum += dy[r * columns + c]; }
      dtokens[id * columns + c] += sum;`)}`,
});

/** dpositions[s] (+)= sum of dy[b,t] over the b where begin[b] + t = s.   dpositions: (R, C), dy: (B, T, C), begin: (B) u32 */
const positionsGradient = defineRows({
  name: 'embedding_dpositions',
  bind: { begin: 'read? u32', dy: 'read T', dpositions: 'write T' },
  params: { R: 'u32', C: 'u32', B: 'u32', T: 'u32', accumulate: 'u32' },
  constants: ({ accumulate }) => ({ accumulate }),
  held: false,
  body: ({ each, has, constants: { accumulate } }) =>
    each(/* wgsl */ `
      var sum = T();
      for (var b = 0u; b < params.B; b++) {
        let t = row${has.begin ? ' - begin[b]; // wraps past T where the row lies before it' : ';'}
        if (t < params.T) { sum += dy[(b * params.T + t) * columns + c]; }
      }
      ${assign('dpositions[start + c]', 'sum', accumulate)}`),
});

export type EmbeddingInputs = { ids: Tensor; tokens: Tensor; positions?: Tensor; start?: Tensor };

function shape({ ids, tokens, positions, start }: Each<EmbeddingInputs, Shape>): Shape {
  const refuse = (name: string, expected: string, got: Shape) => {
    throw new UserError(`embedding: ${name} must be ${expected}, got ${format(got)}`);
  };
  if (ids.length !== 2) refuse('ids', '(B, T)', ids);
  if (tokens.length !== 2) refuse('tokens', '(V, C)', tokens);
  const [[B, T], C] = [ids, tokens[1]];
  if (positions && (positions.length !== 2 || positions[1] !== C)) refuse('positions', `(S, ${C})`, positions);
  if (start && (start.length !== 1 || start[0] !== B)) refuse('start', `(${B})`, start);
  return [B, T, C];
}

function forward({ inputs: { ids, tokens, positions, start }, output: y, variant }: Call<EmbeddingInputs>): void {
  const [B, T, C] = y.shape;
  const kernel = variant === 'naive' ? naive : rows;
  const sizes = { R: B * T, C, T, S: positions?.shape[0] ?? 0 };
  for (const { table, first } of partsOf(tokens)) {
    kernel(
      { ids, begin: start, tokens: table, positions: first > 0 ? undefined : positions, y },
      { ...sizes, ...{ V: table.shape[0], first } },
    );
  }
}

/** Rows of a part begin at multiples of this many: at 256 bytes, which bindings ask for, whatever the width. */
const ROWS = 64;

/** A table as parts that can be bound: GPT-2's, of 147 MiB, is more than lavapipe binds at once, 128. */
function partsOf(table: Tensor): { table: Tensor; first: number }[] {
  const [V, C] = table.shape;
  const { bindingBytes } = table.engine.capabilities;
  if (V * C * ELEMENT_BYTES <= bindingBytes) return [{ table, first: 0 }];
  const most = Math.floor(bindingBytes / (C * ELEMENT_BYTES * ROWS)) * ROWS;
  return Array.from({ length: Math.ceil(V / most) }, (_, i) => {
    const first = i * most;
    return { table: table.part(first * C, [Math.min(most, V - first), C]), first };
  });
}

function addTokenGradients(ids: Tensor, dy: Tensor, { tensor: dtokens, accumulate }: Target, naively: boolean): void {
  const { engine } = ids;
  const [R, [V, C]] = [ids.size, dtokens.shape];
  if (naively) {
    tokensGradientNaive({ ids, dy, dtokens }, { R, C, V, accumulate });
    return;
  }
  if (!accumulate) engine.device.clear({ ...dtokens.view, sizeBytes: dtokens.size * ELEMENT_BYTES });
  const [first, next] = [engine.empty([R], 'u32'), engine.empty([R], 'u32')];
  link({ ids, first, next }, { R });
  tokensGradientChains({ ids, first, next, dy, dtokens }, { R, C, V });
}

function backward({ inputs: { ids, start }, dy, target, variant }: BackwardCall<EmbeddingInputs>): void {
  const [B, T, C] = dy.shape;
  const dtokens = target('tokens');
  if (dtokens) addTokenGradients(ids, dy, dtokens, variant === 'naive');
  const dpositions = target('positions');
  if (!dpositions) return;
  const { tensor, accumulate } = dpositions;
  positionsGradient({ begin: start, dy, dpositions: tensor }, { R: tensor.shape[0], C, B, T, accumulate });
}

/**
 * Embeddings of tokens and places: y[b,t] = tokens[ids[b,t]] + positions[start[b] + t]. Ids of V and more and places of S
 * and more give zeros. Without positions the second part is absent; without start it is 0.
 *
 * ids: (B, T) u32, tokens: (V, C), positions: (S, C), start: (B) u32, y: (B, T, C)
 * @throws UserError when shapes do not fit.
 */
export const embedding = defineOp<EmbeddingInputs>({
  name: 'embedding',
  inputs: ['ids', 'tokens', 'positions?', 'start?'],
  shape,
  run: {
    naive: forward,
    rows: {
      idea: 'A subgroup a row, on vectors of four: the id is read once for all columns. Backward, the work does not depend on V.',
      gain: 'lavapipe, (4, 256, 384): 6 times naive; backward, for 1,024 tokens of 4,099, 1.4 ms in place of 2,600',
      run: forward,
    },
  },
  reference: ({ ids, tokens, positions, start }) => {
    const [[B, T], [V, C]] = [ids.shape, tokens.shape];
    const y = new Float64Array(B * T * C);
    for (let i = 0; i < y.length; i++) {
      const [r, c] = [Math.floor(i / C), i % C];
      const [id, place] = [ids.data[r], (start?.data[Math.floor(r / T)] ?? 0) + (r % T)];
      if (id < V) y[i] = tokens.data[id * C + c];
      if (positions && place < positions.shape[0]) y[i] += positions.data[place * C + c];
    }
    return y;
  },
  backward,
  reduction: ({ ids: [B, T] }) => B * T,
  cases: [
    [{ ids: { shape: [1, 1], below: 1 }, tokens: [1, 1] }],
    [{ ids: { shape: [2, 5], below: 7 }, tokens: [7, 3], positions: [5, 3] }],
    [{ ids: { shape: [3, 7], below: 4 }, tokens: [11, 17], positions: [12, 17], start: { shape: [3], below: 9 } }],
    [{ ids: { shape: [2, 67], below: 5 }, tokens: [4, 12], positions: [70, 12] }],
  ],
  workloads: ({ B, T, C, V }) => [{ case: [{ ids: { shape: [B, T], below: V }, tokens: [V, C], positions: [T, C] }] }],
  operations: 1,
});
