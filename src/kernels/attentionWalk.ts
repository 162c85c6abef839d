import type { Capabilities } from '../tensor/kernel.ts';

/*
 * What the fast kernels of attention share. Every lane owns R rows (queries; keys where their gradients are summed up) in
 * registers and walks over the rows of the other side, J at a time. What a walk reads is the same for all lanes, and there
 * are two ways to hand it around, by the tuning constant SUBGROUP:
 *   n  a workgroup is one subgroup of n lanes; they load a row together, four numbers each, and shuffle it to one another:
 *      for CPU adapters, where a load costs a dozen multiply-adds, a shuffle one, and a barrier many.
 *   0  64 lanes stage tiles of rows in workgroup memory and all read the same address, which GPUs broadcast.
 * The inner loops are unrolled, so there is a kernel for each head width D. Rows enter and leave registers in a loop whose
 * length the compiler cannot know (params.quads, always ceil(D / 4)): LLVM takes ten times as long over it unrolled.
 */
export interface WalkPoint extends Record<string, number> {
  R: number;
  SUBGROUP: number;
}

/** T tokens, H query heads, KV key heads, `quads` = ceil(D / 4); a grid of `heads` x B times tiles of owned rows. */
export const WALK_PARAMS = {
  B: 'u32',
  T: 'u32',
  H: 'u32',
  KV: 'u32',
  causal: 'u32',
  heads: 'u32',
  quads: 'u32',
} as const;
export type WalkParams = Record<keyof typeof WALK_PARAMS, number>;

/** Rows of a walk that are taken together: sums that do not wait for one another. */
const J = 2;
const lanesOf = ({ SUBGROUP }: WalkPoint): number => SUBGROUP || 64;

/** Two rows a lane halve the loads of a walk; past D = 64 their compilation takes too long for the gain. */
export const walkLayout = {
  tune: { R: [1, 2], SUBGROUP: [0, 4, 8, 32] },
  valid: ({ R, SUBGROUP }: WalkPoint, { subgroupSize }: Capabilities): boolean =>
    SUBGROUP ? SUBGROUP === subgroupSize : R === 1,
  prefer: ({ software, subgroupSize }: Capabilities, { quads }: WalkParams): WalkPoint =>
    software && [4, 8].includes(subgroupSize)
      ? { R: quads > 16 ? 1 : 2, SUBGROUP: subgroupSize }
      : { R: 1, SUBGROUP: 0 },
  grid: ({ B, T, heads }: WalkParams, point: WalkPoint): readonly [number, number, number] => [
    Math.ceil(T / (lanesOf(point) * point.R)),
    heads,
    B,
  ],
};

/** Heads are moved four numbers at a time where their width allows: the type of a binding. */
export const quadsOf = <A extends 'read' | 'write'>(access: A, D: number): A | `${A} vec4<f32>` =>
  D % 4 === 0 ? `${access} vec4<f32>` : access;

/** WGSL `<name>At(start, i)`: numbers 4i to 4i + 3 of the head that begins at element `start`; zeros past its width. */
export const reader = (name: string, D: number): string =>
  D % 4 === 0
    ? `fn ${name}At(start: u32, i: u32) -> vec4<f32> { return ${name}[start / 4u + i]; }`
    : `fn ${name}At(start: u32, i: u32) -> vec4<f32> {
  let e = start + 4u * i;
  let inside = vec4<u32>(0u, 1u, 2u, 3u) + 4u * i < vec4<u32>(${D}u);
  return select(vec4<f32>(), vec4<f32>(${name}[e], ${name}[e + 1u], ${name}[e + 2u], ${name}[e + 3u]), inside);
}`;

/** WGSL `<name>Put(start, i, value)`, its inverse; `store` makes the statement for a place and a value. */
export const writer = (
  name: string,
  D: number,
  store = (place: string, value: string) => `${place} = ${value};`,
): string =>
  D % 4 === 0
    ? `fn ${name}Put(start: u32, i: u32, value: vec4<f32>) { ${store(`${name}[start / 4u + i]`, 'value')} }`
    : `fn ${name}Put(start: u32, i: u32, value: vec4<f32>) {
  for (var c = 0u; c < 4u && 4u * i + c < ${D}u; c++) { ${store(`${name}[start + 4u * i + c]`, 'value[c]')} }
}`;

/** `count` pieces of WGSL. */
export const repeat = (count: number, line: (i: number) => string, separator = '\n'): string =>
  Array.from({ length: count }, (_, i) => line(i)).join(separator);

/** WGSL of quad `i` of row `row` of a tensor that is walked over. */
type Stream = (row: string, i: string) => string;

/**
 * Writes the WGSL for head width `D` at a tuning point. Names in it: owned row r is t`r`, with registers <name>`r`_`i` for
 * its quads; a walk stands at row j, takes rows j + c for c < J, and sums up <name>`r`_`c` for each pair.
 */
export class WalkWriter {
  private readonly quads: number;
  private readonly lanes: number;
  private readonly tileRows: number;

  constructor(
    private readonly D: number,
    private readonly point: WalkPoint,
  ) {
    this.quads = Math.ceil(D / 4);
    this.lanes = lanesOf(point);
    this.tileRows = J * Math.max(1, Math.floor(256 / this.quads / J)); // a staged tile has at most about 4 KB
  }

  /** A line for each owned row. */
  rows(line: (r: number) => string): string {
    return repeat(this.point.R, line);
  }

  /** A line for each row of a step of the walk. */
  steps(line: (c: number) => string, separator?: string): string {
    return repeat(J, line, separator);
  }

  /** A line for each pair of the two. */
  pairs(line: (r: number, c: number) => string): string {
    return this.rows((r) => this.steps((c) => line(r, c)));
  }

  /** Rows that a workgroup owns. */
  get owned(): number {
    return this.lanes * this.point.R;
  }

  /** The shader around `body`, which sees `width` (of a row of qkv), `top` (the first token's row), `first` (owned row). */
  shader(streams: readonly string[], functions: string, body: string): string {
    const tile = (name: string) => `var<workgroup> ${name}Tile: array<vec4<f32>, ${this.tileRows * this.quads}>;`;
    return /* wgsl */ `
const D = ${this.D}u;
${this.point.SUBGROUP ? '' : streams.map(tile).join('\n')}
${functions}
@compute @workgroup_size(${this.lanes})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let width = (params.H + 2u * params.KV) * D;
  let top = group.z * params.T;
  let first = group.x * ${this.owned}u;
  var quad: array<vec4<f32>, ${this.quads}>;
  ${this.rows((r) => `let own${r} = first + ${r * this.lanes}u + lane; let t${r} = min(own${r}, params.T - 1u);`)}
  ${body}
}`;
  }

  /** Loads an owned row into registers; `also` runs beside, with `i` and quad[i]. */
  load(name: string, r: number, value: string, also = ''): string {
    return `for (var i = 0u; i < params.quads; i++) { quad[i] = ${value}; ${also} }
  ${repeat(this.quads, (i) => `let ${name}${r}_${i} = quad[${i}];`)}`;
  }

  /** Registers that an owned row is summed up in. */
  zeros(name: string, r: number): string {
    return repeat(this.quads, (i) => `var ${name}${r}_${i} = vec4<f32>();`, ' ');
  }

  /** Stores those, unless the row is past the end: `put` is a statement about `i` and quad[i]. */
  store(name: string, r: number, put: string): string {
    return `${repeat(this.quads, (i) => `quad[${i}] = ${name}${r}_${i};`, ' ')}
  if (own${r} < params.T) { for (var i = 0u; i < params.quads; i++) { ${put} } }`;
  }

  /** `sum`r_c += dot(`mine`r, row c of the stream). */
  dots(sum: string, mine: string, stream: string): string {
    return repeat(this.quads, (i) =>
      this.steps(
        (c) =>
          `{ let x = ${this.shared(stream, c, i)}; ${this.rows((r) => `${sum}${r}_${c} += dot(${mine}${r}_${i}, x);`)} }`,
      ),
    );
  }

  /** `sum`r = `sum`r * `factor`r + sum_c `weight`r_c * row c of the stream. */
  add(sum: string, weight: string, stream: string, factor?: string): string {
    return repeat(
      this.quads,
      (i) => `{ ${this.steps((c) => `let x${c} = ${this.shared(stream, c, i)};`)}
      ${this.rows((r) => {
        const before = factor ? `${sum}${r}_${i} * ${factor}${r}` : `${sum}${r}_${i}`;
        return `${sum}${r}_${i} = ${before} + ${this.steps((c) => `${weight}${r}_${c} * x${c}`, ' + ')};`;
      })} }`,
    );
  }

  /** Walks over rows from `begin` to before `end` (the same for the whole workgroup, as are the streams). */
  walk(streams: Record<string, Stream>, body: string): string {
    return this.point.SUBGROUP ? this.shuffled(streams, body) : this.staged(streams, body);
  }

  private shuffled(streams: Record<string, Stream>, body: string): string {
    const { SUBGROUP } = this.point;
    const loads = Object.entries(streams).map(([name, at]) =>
      this.steps((c) =>
        repeat(
          Math.ceil(this.quads / SUBGROUP),
          (k) => `let ${name}${c}_${k} = ${at(`row${c}`, `(${k * SUBGROUP}u + lane)`)};`,
        ),
      ),
    );
    return `
  for (var j = begin; j < end; j += ${J}u) {
    ${this.steps((c) => `let row${c} = min(j + ${c}u, end - 1u);`)}
    ${loads.join('\n')}
    ${body}
  }`;
  }

  private staged(streams: Record<string, Stream>, body: string): string {
    const { quads, tileRows } = this;
    const stage = Object.entries(streams).map(([name, at]) => `${name}Tile[e] = ${at('row', `(e % ${quads}u)`)};`);
    return `
  for (var tile = begin; tile < end; tile += ${tileRows}u) {
    workgroupBarrier();
    for (var e = lane; e < ${tileRows * quads}u; e += ${this.lanes}u) {
      let row = min(tile + e / ${quads}u, end - 1u);
      ${stage.join('\n')}
    }
    workgroupBarrier();
    for (var j = tile; j < min(end, tile + ${tileRows}u); j += ${J}u) {
      ${body}
    }
  }`;
  }

  /** Quad `i` of row j + c of a stream, known to every lane. */
  private shared(stream: string, c: number, i: number): string {
    const { SUBGROUP } = this.point;
    return SUBGROUP
      ? `subgroupShuffle(${stream}${c}_${Math.floor(i / SUBGROUP)}, ${i % SUBGROUP}u)`
      : `${stream}Tile[(j - tile + ${c}u) * ${this.quads}u + ${i}u]`;
  }
}
