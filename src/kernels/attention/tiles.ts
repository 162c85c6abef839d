import { range, repeat } from '../skeleton/text.ts';
import { lanesOf, ownedBy, ownQuadsOf, stepOf, type TilePoint } from './layout.ts';

/*
 * Writes the kernels that loop over tiles of rows (see layout.ts). Their inner loops are unrolled, so there is a shader for each
 * head width D. Rows enter and leave registers in a loop whose length the compiler cannot know (ownQuads, from params.quads):
 * LLVM takes ten times as long over it unrolled.
 */

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

/** WGSL of quad `i` of row `row` of what is looped over. */
type Rows = (row: string, i: string) => string;

/**
 * Writes the WGSL for head width `D` at a tuning point. Names in it: owned row r is t`r`, with registers <name>`r`_`n` for
 * the quads that this lane (`part` of SPLIT) has of it; the loop stands at row j, takes rows j + c for c < step, and sums up
 * <name>`r`_`c` for each pair, up to `products` of them at once.
 */
export class TileWriter {
  private readonly quads: number;
  private readonly ownQuads: number;
  /** Quads of a staged row: with zeros, so that all lanes have as many. */
  private readonly pitch: number;
  private readonly lanes: number;
  private readonly step: number;
  private readonly tileRows: number;

  constructor(
    private readonly D: number,
    private readonly point: TilePoint,
    private readonly products: number,
  ) {
    this.quads = Math.ceil(D / 4);
    this.ownQuads = ownQuadsOf(D, point.SPLIT);
    this.pitch = this.ownQuads * point.SPLIT;
    this.lanes = lanesOf(point);
    this.step = stepOf(D, point);
    this.tileRows = this.step * Math.max(1, Math.floor(256 / this.pitch / this.step)); // a staged tile has at most about 4 KB
  }

  /** A line for each owned row. */
  rows(line: (r: number) => string): string {
    return repeat(this.point.R, line);
  }

  /** A line for each row of a step of the loop. */
  steps(line: (c: number) => string, separator?: string): string {
    return repeat(this.step, line, separator);
  }

  /** A line for each pair of the two. */
  pairs(line: (r: number, c: number) => string): string {
    return this.rows((r) => this.steps((c) => line(r, c)));
  }

  /** Rows that a workgroup owns. */
  get owned(): number {
    return ownedBy(this.point);
  }

  /** The shader around `body`, which sees `width` (of a row of qkv), `top` (the first token's row), `first` (owned row). */
  shader(sides: readonly string[], functions: string, body: string): string {
    const { SPLIT } = this.point;
    const rows = this.lanes / SPLIT;
    return /* wgsl */ `
const D = ${this.D}u;
${this.workgroupMemory(sides)}
${functions}
@compute @workgroup_size(${this.lanes})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let width = (params.H + 2u * params.KV) * D;
  let top = group.z * params.T;
  let first = group.x * ${this.owned}u;
  let part = lane % ${SPLIT}u;
  let ownQuads = (params.quads + ${SPLIT - 1}u) / ${SPLIT}u;
  var quad: array<vec4<f32>, ${this.ownQuads}>;
  ${this.rows((r) => `let own${r} = first + ${r * rows}u + lane / ${SPLIT}u; let t${r} = min(own${r}, params.T - 1u);`)}
  ${body}
}`;
  }

  private workgroupMemory(sides: readonly string[]): string {
    const { SUBGROUP, SPLIT, R } = this.point;
    const array = (name: string, length: number) => `var<workgroup> ${name}: array<vec4<f32>, ${length}>;`;
    const tiles = SUBGROUP ? [] : sides.map((name) => array(`${name}Tile`, this.tileRows * this.pitch));
    return [...tiles, ...(SPLIT > 1 ? [array('parts', this.products * R * this.lanes)] : [])].join('\n');
  }

  /**
   * Loads an owned row into registers; `also` runs beside, with `i` and its quad x. Of a lane that has a quad less than others
   * the last one is left as it was: it meets zeros of the tile only.
   */
  load(name: string, r: number, value: string, also = ''): string {
    return `for (var n = 0u; n < ownQuads; n++) {
    ${this.ownQuad}
    if (i < params.quads) { let x = ${value}; quad[n] = x; ${also} }
  }
  ${repeat(this.ownQuads, (n) => `let ${name}${r}_${n} = quad[${n}];`)}`;
  }

  /** Quad n of this lane is quad i of the row: neighbours take turns, so that they read neighbouring memory. */
  private get ownQuad(): string {
    return `let i = n * ${this.point.SPLIT}u + part;`;
  }

  /** Registers that an owned row is summed up in. */
  zeros(name: string, r: number): string {
    return repeat(this.ownQuads, (n) => `var ${name}${r}_${n} = vec4<f32>();`, ' ');
  }

  /** Stores those, unless the row is past the end: `put` is a statement about `i` and its quad x. */
  store(name: string, r: number, put: string): string {
    return `${repeat(this.ownQuads, (n) => `quad[${n}] = ${name}${r}_${n};`, ' ')}
  if (own${r} < params.T) {
    for (var n = 0u; n < ownQuads; n++) {
      ${this.ownQuad}
      if (i < params.quads) { let x = quad[n]; ${put} }
    }
  }`;
  }

  /** A statement that one lane of an owned row does, unless the row is past the end. */
  once(r: number, statement: string): string {
    return `if (own${r} < params.T && part == 0u) { ${statement} }`;
  }

  /** `sum`r_c += dot(`mine`r, row c of a side), of this lane's quads: `wholeDots` adds up the others'. */
  dots(sum: string, mine: string, side: string): string {
    return repeat(this.ownQuads, (n) =>
      this.steps(
        (c) =>
          `{ let x = ${this.shared(side, c, n)}; ${this.rows((r) => `${sum}${r}_${c} += dot(${mine}${r}_${n}, x);`)} }`,
      ),
    );
  }

  /** Turns the parts `sum`r_c that the lanes of a row have into their sums. */
  wholeDots(...sums: string[]): string {
    const pairs = sums.flatMap((sum) => range(this.point.R).map((r) => range(this.step).map((c) => `${sum}${r}_${c}`)));
    return this.addUp(pairs);
  }

  /** Turns the parts `sum`r that the lanes of a row have into their sum. */
  whole(sum: string): string {
    return this.addUp(range(this.point.R).map((r) => [`${sum}${r}`]));
  }

  /** Variables, up to four in a group, become sums over the lanes of a row: in the same order, and so the same, in all of them. */
  private addUp(groups: readonly (readonly string[])[]): string {
    const { SPLIT } = this.point;
    if (SPLIT === 1) return '';
    const four = (names: readonly string[]) => range(4).map((i) => names[i] ?? '0.0');
    const at = (g: number, lane: string) => `parts[${g * this.lanes}u + ${lane}]`;
    const read = (g: number) => repeat(SPLIT, (p) => at(g, `lane - part + ${p}u`), ' + ');
    return `
  ${groups.map((names, g) => `${at(g, 'lane')} = vec4<f32>(${four(names)});`).join('\n')}
  workgroupBarrier();
  ${groups.map((names, g) => `{ let sum = ${read(g)}; ${names.map((name, i) => `${name} = sum[${i}];`).join(' ')} }`).join('\n')}
  workgroupBarrier();`;
  }

  /** `sum`r = `sum`r * `factor`r + sum_c `weight`r_c * row c of a side. */
  add(sum: string, weight: string, side: string, factor?: string): string {
    return repeat(
      this.ownQuads,
      (n) => `{ ${this.steps((c) => `let x${c} = ${this.shared(side, c, n)};`)}
      ${this.rows((r) => {
        const before = factor ? `${sum}${r}_${n} * ${factor}${r}` : `${sum}${r}_${n}`;
        return `${sum}${r}_${n} = ${before} + ${this.steps((c) => `${weight}${r}_${c} * x${c}`, ' + ')};`;
      })} }`,
    );
  }

  /** Loops over rows from `begin` to before `end`, the same ones for the whole workgroup. */
  loop(sides: Record<string, Rows>, body: string): string {
    return this.point.SUBGROUP ? this.shuffled(sides, body) : this.staged(sides, body);
  }

  private shuffled(sides: Record<string, Rows>, body: string): string {
    const { SUBGROUP } = this.point;
    const loads = Object.entries(sides).map(([name, at]) =>
      this.steps((c) =>
        repeat(
          Math.ceil(this.quads / SUBGROUP),
          (k) => `let ${name}${c}_${k} = ${at(`row${c}`, `(${k * SUBGROUP}u + lane)`)};`,
        ),
      ),
    );
    return `
  for (var j = begin; j < end; j += ${this.step}u) {
    ${this.steps((c) => `let row${c} = min(j + ${c}u, end - 1u);`)}
    ${loads.join('\n')}
    ${body}
  }`;
  }

  private staged(sides: Record<string, Rows>, body: string): string {
    const { quads, pitch, tileRows, step } = this;
    const within = (value: string) => (pitch === quads ? value : `select(vec4<f32>(), ${value}, i < ${quads}u)`);
    const stage = Object.entries(sides).map(([name, at]) => `${name}Tile[e] = ${within(at('row', 'i'))};`);
    return `
  for (var tile = begin; tile < end; tile += ${tileRows}u) {
    workgroupBarrier();
    for (var e = lane; e < ${tileRows * pitch}u; e += ${this.lanes}u) {
      let row = min(tile + e / ${pitch}u, end - 1u);
      let i = e % ${pitch}u;
      ${stage.join('\n')}
    }
    workgroupBarrier();
    for (var j = tile; j < min(end, tile + ${tileRows}u); j += ${step}u) {
      ${body}
    }
  }`;
  }

  /** This lane's quad `n` of row j + c of a side. */
  private shared(side: string, c: number, n: number): string {
    const { SUBGROUP, SPLIT } = this.point;
    return SUBGROUP
      ? `subgroupShuffle(${side}${c}_${Math.floor(n / SUBGROUP)}, ${n % SUBGROUP}u)`
      : `${side}Tile[(j - tile + ${c}u) * ${this.pitch}u + ${n * SPLIT}u + part]`;
  }
}
