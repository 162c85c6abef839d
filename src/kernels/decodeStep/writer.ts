import type { Capabilities } from '../../tensor/capabilities.ts';
import { type PackedForm, PackedReader } from '../../tensor/operands/quantized.ts';
import { repeat } from '../skeleton/text.ts';
import { type Product, packedProduct } from './packedProduct.ts';

/*
 * What the kernels of a decoding step share. Between them the residual stream is a sum of parts, (B, P, C): part 0 is the
 * stream before, with the bias of the layer that was added last; the others are what that layer's workgroups give, each from
 * its own heads or hidden units. So attention and MLP are one dispatch each: nobody waits for the sum, whoever reads adds up.
 *
 * A workgroup is one subgroup of L lanes and works for ROWS sequences, which share every load of a weight. Weights are images
 * of (inputs, outputs): texel (n, k) holds outputs 4n to 4n + 3 for input k; or packed. Of outputs, and so of everything that becomes an
 * input, lane l holds quads l, l + L, ...: entry e of an array stands for number 4 (e / 4 L + l) + e % 4.
 */
export interface StepPoint extends Record<string, number> {
  IMAGE: number;
  SUBGROUP: number;
  ROWS: number;
}

export const stepLayout = {
  tune: { IMAGE: [1], SUBGROUP: [4, 8], ROWS: [1, 2] },
  valid: ({ SUBGROUP }: StepPoint, { subgroupSize }: Capabilities): boolean => SUBGROUP === subgroupSize,
  prefer: ({ subgroupSize }: Capabilities, { B }: { B: number }): StepPoint => ({
    IMAGE: 1,
    SUBGROUP: subgroupSize,
    ROWS: B > 1 ? 2 : 1,
  }),
  enable: () => ['subgroups'] as const,
};

/** How the residual stream is normalized. */
export interface StepNorm {
  norm: 'layer' | 'rms';
  /** Added to the variance, or to the mean square. */
  eps: number;
}

/** Columns of quads that a product takes together: loads that do not wait for one another. More take LLVM long, and spill. */
export const TOGETHER = 2;

/** Writes the WGSL of a step's kernel at a tuning point. */
export class StepWriter {
  readonly L: number;
  readonly R: number;
  /** Quads of a lane that make up the width C. */
  readonly chunks: number;
  private readonly packed: Readonly<Record<string, PackedReader>>;

  /** `inputs` are those of each weight, which may be packed. */
  constructor(
    readonly C: number,
    { SUBGROUP, ROWS }: StepPoint,
    packed: Readonly<Record<string, PackedForm>>,
    inputs: Readonly<Record<string, number>>,
  ) {
    this.packed = Object.fromEntries(
      Object.entries(packed).map(([name, form]) => [name, new PackedReader(name, form, `${inputs[name]}u`)]),
    );
    this.L = SUBGROUP;
    this.R = ROWS;
    this.chunks = Math.ceil(C / 4 / SUBGROUP);
  }

  shader(declarations: string, body: string): string {
    return /* wgsl */ `
const L = ${this.L}u;
const C = ${this.C}u;
const QUADS = ${this.C / 4}u;
const CHUNKS = ${this.chunks}u;${Object.values(this.packed)
      .map((reader) => reader.functions)
      .join('')}
${declarations}
fn total(v: vec4<f32>) -> f32 { return v.x + v.y + v.z + v.w; }
@compute @workgroup_size(L)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  ${this.rows((r) => `let live${r} = group.y * ${this.R}u + ${r}u < params.B; let b${r} = min(group.y * ${this.R}u + ${r}u, params.B - 1u);`)}
  ${body}
}`;
  }

  /** WGSL once for each sequence of the workgroup. */
  rows(line: (r: number) => string): string {
    return repeat(this.R, line);
  }

  /** WGSL: the input that entry `e` of lane 0 stands for, where the array holds all of them. */
  get plainInput(): string {
    return `(e >> 2u) * ${4 * this.L}u + (e & 3u)`;
  }

  /** A bound that the compiler does not know, so that it does not unroll the loop. */
  opaque(count: number): string {
    return `min(${count}u, ${count}u * params.B)`;
  }

  /** Adds the parts up, gives `keep(r, value, quad)` the sum in the first workgroup, and makes `h` + row of it, normalized. */
  open({ norm, eps }: StepNorm, hasBias: boolean, keep?: (r: number) => string): string {
    const layer = norm === 'layer';
    return /* wgsl */ `
  ${this.rows((r) => `var x${r}: array<vec4<f32>, CHUNKS>; var h${r}: array<f32, ${4 * this.chunks}>; var sum${r} = 0.0;`)}
  for (var i = 0u; i < CHUNKS; i++) {
    let inside = i * L + lane < QUADS;
    let quad = min(i * L + lane, QUADS - 1u);
    ${this.rows(
      (r) => `{
      let first = b${r} * params.P * QUADS + quad;
      var value = parts[first];
      for (var p = 1u; p < params.P; p++) { value += parts[first + p * QUADS]; }
      ${keep ? `if (group.x == 0u && inside && live${r}) { ${keep(r)} }` : ''}
      value = select(vec4<f32>(), value, inside);
      x${r}[i] = value;
      sum${r} += ${layer ? 'total(value)' : 'dot(value, value)'};
    }`,
    )}
  }
  ${layer ? this.centre() : ''}
  ${this.rows((r) => `let scale${r} = inverseSqrt(subgroupAdd(${layer ? 'squares' : 'sum'}${r}) / f32(C) + ${eps.toExponential()});`)}
  for (var i = 0u; i < CHUNKS; i++) {
    let inside = i * L + lane < QUADS;
    let quad = min(i * L + lane, QUADS - 1u);
    let factor = select(vec4<f32>(), normWeight[quad], inside);
    ${hasBias ? 'let shift = select(vec4<f32>(), normBias[quad], inside);' : ''}
    ${this.rows(
      (r) => `{ let n = x${r}[i] * scale${r} * factor${hasBias ? ' + shift' : ''};
      h${r}[4u * i] = n.x; h${r}[4u * i + 1u] = n.y; h${r}[4u * i + 2u] = n.z; h${r}[4u * i + 3u] = n.w; }`,
    )}
  }`;
  }

  /** Subtracts the mean (from what lies past the width too: its factor is zero) and sums the squares. */
  private centre(): string {
    return /* wgsl */ `
  ${this.rows((r) => `let mean${r} = subgroupAdd(sum${r}) / f32(C); var squares${r} = 0.0;`)}
  for (var i = 0u; i < CHUNKS; i++) {
    let inside = i * L + lane < QUADS;
    ${this.rows((r) => `{ let apart = x${r}[i] - mean${r}; x${r}[i] = apart; squares${r} += select(0.0, dot(apart, apart), inside); }`)}
  }`;
  }

  /** Vector times matrix: each input goes round by a shuffle, each texel serves all rows. Adds to the columns' accumulators. */
  product(product: Product): string {
    const { from, entries, weight, input, columns } = product;
    if (this.packed[weight]) return packedProduct(this, this.packed[weight], product);
    const { L } = this;
    return /* wgsl */ `
  for (var e = 0u; e < ${this.opaque(entries)}; e++) {
    let k = ${input};
    ${this.rows((r) => `let v${r} = ${from}${r}[e];`)}
    ${repeat(
      L,
      (l) => `{ ${this.rows((r) => `let s${r} = subgroupShuffle(v${r}, ${l}u);`)}
      ${columns
        .map(
          ({ name, column }) =>
            `{ let w = textureLoad(${weight}, vec2<u32>(${column}, k + ${4 * l}u)); ${this.rows((r) => `${name}${r} += s${r} * w;`)} }`,
        )
        .join('\n')} }`,
    )}
  }`;
  }

  /** Declares the columns' accumulators. */
  zeros(names: readonly string[]): string {
    return this.rows((r) => names.map((name) => `var ${name}${r} = vec4<f32>();`).join(' '));
  }

  /** The last product of a sublayer: inputs to all C outputs, which become this workgroup's part. `stretch`: see `Product`. */
  intoPart(from: string, entries: number, weight: string, input: string, stretch = 4 * this.L): string {
    const width = Math.min(this.chunks, TOGETHER);
    const names = Array.from({ length: width }, (_, j) => `p${j}_`);
    return /* wgsl */ `
  for (var i = 0u; i < ${this.opaque(this.chunks)}; i += ${width}u) {
    ${this.zeros(names)}
    ${this.product({ from, entries, weight, input, stretch, columns: names.map((name, j) => ({ name, column: `(i + ${j}u) * L + lane` })) })}
    ${this.rows((r) =>
      names
        .map(
          (name, j) => `if (live${r} && (i + ${j}u) * L + lane < QUADS) {
      y[(b${r} * (groups.x + 1u) + 1u + group.x) * QUADS + (i + ${j}u) * L + lane] = ${name}${r}; }`,
        )
        .join('\n'),
    )}
  }`;
  }
}

/** The norm that the constants of a kernel say. */
export const normOf = ({ layer, eps }: Readonly<Record<string, number>>): StepNorm => ({
  norm: layer ? 'layer' : 'rms',
  eps,
});
