import { defineKernel } from '../../tensor/kernel.ts';
import { writeOrAdd } from '../skeleton/text.ts';
import { TILE_PARAMS, type TilePoint, tileLayout } from './layout.ts';
import { maskOf } from './mask.ts';
import { reader, TileWriter, writer } from './tiles.ts';

/*
 * Attention without a T x T matrix (Dao et al., "FlashAttention", 2022): weights live in registers, the softmax keeps a
 * running maximum and sum, and the backward pass makes the weights anew from the saved log-sum-exp.
 *
 * Against naive, interleaved on 2 cores of lavapipe, in GFLOP/s of 4 B H T T D / 2 (and 2.5 times that for the backward pass):
 *   B 12, T 64, H 4, D 32:   forward 10 to 21 against 0.8 to 1.3, backward 9 to 18 against 0.5 to 1.1
 *   B 4, T 256, H 6, D 64:   forward 30 against 1.1, backward 23 against 1.2
 * SwiftShader: 3.0 against 0.25 and 2.7 against 0.29 forward, 1.5 and 2.1 against 0.3 backward. Staging through workgroup
 * memory (SUBGROUP 0), which GPUs want, gives 2 on lavapipe and 0.3 to 0.8 on SwiftShader.
 */

/** Where the key and the value head begin that belong to query head `head`. */
const HEADS_WGSL = /* wgsl */ `
  let kStart = (params.H + kvHead) * D;
  let vStart = kStart + params.KV * D;`;

const key = (row: string, i: string): string => `qkvAt((top + ${row}) * width + kStart, ${i})`;
const value = (row: string, i: string): string => `qkvAt((top + ${row}) * width + vStart, ${i})`;
const query = (row: string, i: string): string => `qkvAt((top + ${row}) * width + head * D, ${i})`;
/** A row of the output's shape. */
const out = (name: string, row: string, i: string): string => `${name}At(((top + ${row}) * params.H + head) * D, ${i})`;

/** Owned rows t`r` as queries that see the rows before `seen`: running maximum m, sum l and output o of the softmax. */
export const openQueries = (w: TileWriter, D: number, seen: (r: number) => string): string =>
  w.rows(
    (r) => `
  ${w.load('q', r, `${query(`t${r}`, 'i')} * ${1 / Math.sqrt(D)}`)}
  ${w.zeros('o', r)}
  var m${r} = -1e30;
  var l${r} = 0.0;
  let seen${r} = ${seen(r)};`,
  );

/** A step of their loop over k and v. */
export const runningSoftmax = (w: TileWriter): string => `
  ${w.pairs((r, c) => `var s${r}_${c} = 0.0;`)}
  ${w.dots('s', 'q', 'k')}
  ${w.wholeDots('s')}
  ${w.pairs((r, c) => `s${r}_${c} = select(-1e30, s${r}_${c}, j + ${c}u < seen${r});`)}
  ${w.rows(
    (r) => `
  let largest${r} = ${w.steps((c) => `max(s${r}_${c}, `, '')}m${r}${w.steps(() => ')', '')};
  let shrink${r} = exp(m${r} - largest${r});
  m${r} = largest${r};
  ${w.steps((c) => `let p${r}_${c} = exp(s${r}_${c} - m${r});`)}
  l${r} = l${r} * shrink${r} + ${w.steps((c) => `p${r}_${c}`, ' + ')};`,
  )}
  ${w.add('o', 'p', 'v', 'shrink')}`;

/**
 * Forward: lanes own queries and loop over keys and values with a running maximum m, sum l and output o of the softmax.
 * qkv: (B, T, (H + 2 KV) * D), lengths: (B) u32, y: (B, T, H * D), lse: (B, H, T) f32
 */
export const flashForward = defineKernel({
  name: 'attention_flash',
  bind: { qkv: 'read T', lengths: 'read? u32', y: 'write T', lse: 'write' },
  params: TILE_PARAMS,
  ...tileLayout(2), // q, o
  wgsl: (point: TilePoint, { has, constants: { D } }) => {
    const mask = maskOf(has.lengths);
    const w = new TileWriter(D, point, 1);
    const functions = reader('qkv', D) + writer('y', D);
    return w.shader(
      ['k', 'v'],
      functions,
      `
  let head = group.y;
  let kvHead = head / (params.H / params.KV);
  ${HEADS_WGSL}
  ${mask.tokens}
  ${openQueries(w, D, mask.seen)}
  let begin = 0u;
  let end = ${mask.lastKey(w.owned)};
  ${w.loop({ k: key, v: value }, runningSoftmax(w))}
  ${w.rows(
    (r) => `
  ${w.store('o', r, `yPut(((top + t${r}) * params.H + head) * D, i, ${mask.unlessPadding(r, `x / l${r}`, 'vec4<f32>()')});`)}
  ${w.once(r, `lse[(group.z * params.H + head) * params.T + t${r}] = ${mask.unlessPadding(r, `m${r} + log(l${r})`, '0.0')};`)}`,
  )}`,
    );
  },
});

const GRADIENT_PARAMS = { ...TILE_PARAMS, accumulate: 'u32' } as const;

/** Weights p = exp(s - lse) once more, and ds = p * (dp - delta), from s and dp. */
const softmaxGradient = (
  w: TileWriter,
  visible: (r: number, c: number) => string,
  at: (r: number, c: number) => string,
) =>
  w.pairs(
    (r, c) => `
    let p${r}_${c} = exp(select(-1e30, s${r}_${c} - lse${at(r, c)}, ${visible(r, c)}));
    let ds${r}_${c} = p${r}_${c} * (dp${r}_${c} - delta${at(r, c)});`,
  );

/**
 * Gradient of the queries: lanes own queries and loop over keys and values. With p the weights and dp = dy v,
 * ds = p * (dp - delta) and dq = sum ds k / sqrt(D), where delta = sum dy y is kept for `flashKeyGradient`.
 * y, dy: (B, T, H * D), lse, delta: (B, H, T), dqkv: like qkv, its query part
 */
export const flashQueryGradient = defineKernel({
  name: 'attention_flash_dq',
  bind: {
    qkv: 'read T',
    lengths: 'read? u32',
    y: 'read T',
    dy: 'read T',
    lse: 'read',
    delta: 'write',
    dqkv: 'write T',
  },
  params: GRADIENT_PARAMS,
  ...tileLayout(3), // q, dy, dq
  wgsl: (point: TilePoint, { has, constants: { D } }) => {
    const mask = maskOf(has.lengths);
    const w = new TileWriter(D, point, 2);
    const functions = reader('qkv', D) + reader('y', D) + reader('dy', D) + writer('dqkv', D, writeOrAdd);
    const step = `
    ${w.pairs((r, c) => `var s${r}_${c} = 0.0; var dp${r}_${c} = 0.0;`)}
    ${w.dots('s', 'q', 'k')}
    ${w.dots('dp', 'dy', 'v')}
    ${w.wholeDots('s', 'dp')}
    ${softmaxGradient(
      w,
      (r, c) => `j + ${c}u < seen${r}`,
      (r) => `${r}`,
    )}
    ${w.add('dq', 'ds', 'k')}`;
    return w.shader(
      ['k', 'v'],
      functions,
      `
  let head = group.y;
  let kvHead = head / (params.H / params.KV);
  ${HEADS_WGSL}
  ${mask.tokens}
  ${w.rows(
    (r) => `
  var delta${r} = 0.0;
  ${w.load('q', r, `${query(`t${r}`, 'i')} * ${1 / Math.sqrt(D)}`)}
  ${w.load('dy', r, out('dy', `t${r}`, 'i'), `delta${r} += dot(x, ${out('y', `t${r}`, 'i')});`)}
  ${w.zeros('dq', r)}
  let place${r} = (group.z * params.H + head) * params.T + t${r};
  let lse${r} = lse[place${r}];
  let seen${r} = ${mask.seen(r)};`,
  )}
  ${w.whole('delta')}
  ${w.rows((r) => w.once(r, `delta[place${r}] = delta${r};`))}
  let begin = 0u;
  let end = ${mask.lastKey(w.owned)};
  ${w.loop({ k: key, v: value }, step)}
  ${w.rows((r) => w.store('dq', r, `dqkvPut((top + t${r}) * width + head * D, i, x * ${1 / Math.sqrt(D)});`))}`,
    );
  },
});

/**
 * Gradients of keys and values: lanes own keys and loop over the queries that see them, of every head of the group:
 * dv = sum p dy and dk = sum ds q / sqrt(D).
 */
export const flashKeyGradient = defineKernel({
  name: 'attention_flash_dkv',
  bind: {
    qkv: 'read T',
    lengths: 'read? u32',
    dy: 'read T',
    lse: 'read',
    delta: 'read',
    dqkv: 'write T',
  },
  params: GRADIENT_PARAMS,
  ...tileLayout(4), // k, v, dk, dv
  wgsl: (point: TilePoint, { has, constants: { D } }) => {
    const mask = maskOf(has.lengths);
    const w = new TileWriter(D, point, 2);
    const functions = reader('qkv', D) + reader('dy', D) + writer('dqkv', D, writeOrAdd);
    const step = `
    ${w.steps((c) => `let place${c} = statistics + min(j + ${c}u, params.T - 1u); let lse${c} = lse[place${c}]; let delta${c} = delta[place${c}];`)}
    ${w.pairs((r, c) => `var s${r}_${c} = 0.0; var dp${r}_${c} = 0.0;`)}
    ${w.dots('s', 'k', 'q')}
    ${w.dots('dp', 'v', 'dy')}
    ${w.wholeDots('s', 'dp')}
    ${softmaxGradient(
      w,
      (r, c) => `j + ${c}u < tokens && j + ${c}u >= seenFrom${r}`,
      (_, c) => `${c}`,
    )}
    ${w.add('dv', 'p', 'dy')}
    ${w.add('dk', 'ds', 'q')}`;
    return w.shader(
      ['q', 'dy'],
      functions,
      `
  let kvHead = group.y;
  let groupSize = params.H / params.KV;
  ${HEADS_WGSL}
  ${mask.tokens}
  ${w.rows(
    (r) => `
  ${w.load('k', r, `${key(`t${r}`, 'i')} * ${1 / Math.sqrt(D)}`)}
  ${w.load('v', r, value(`t${r}`, 'i'))}
  ${w.zeros('dk', r)}
  ${w.zeros('dv', r)}
  let seenFrom${r} = ${mask.seenFrom(r)};`,
  )}
  let begin = select(0u, first, params.causal == 1u);
  let end = ${mask.lastQuery};
  for (var head = kvHead * groupSize; head < (kvHead + 1u) * groupSize; head++) {
    let statistics = (group.z * params.H + head) * params.T;
    ${w.loop({ q: query, dy: (row, i) => out('dy', row, i) }, step)}
  }
  ${w.rows(
    (r) => `
  ${w.store('dk', r, `dqkvPut((top + t${r}) * width + kStart, i, x * ${1 / Math.sqrt(D)});`)}
  ${w.store('dv', r, `dqkvPut((top + t${r}) * width + vStart, i, x);`)}`,
  )}`,
    );
  },
});
