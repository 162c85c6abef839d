import { Block, Image, viewOf } from '../../gpu/memory.ts';
import type { Shape } from '../shape.ts';
import { Tensor, type TensorEngine } from '../tensor.ts';
import {
  GROUP,
  INPUTS,
  inputsPerTexel,
  type Packed,
  type PackedFormat,
  pack,
  SCALE_EXPONENT,
  type Strided,
} from './packing.ts';

/** What a shader is told of a packed operand. */
export interface PackedForm {
  readonly format: PackedFormat;
  /** Texels of a band across (see `Packed`); 0 where there is one only. */
  readonly band: number;
}

/**
 * A matrix of weights in fewer bits, of the shape (N, K): outputs, inputs. It is an operand of the kernels that know it, and
 * nothing else; its numbers have no other form on the adapter. Never written, never differentiated.
 */
export class QuantizedMatrix extends Tensor {
  readonly form: PackedForm;
  readonly image: Image;

  constructor(engine: TensorEngine, { shape, format, width, height, texels }: Packed) {
    super(engine, shape, 'packed', viewOf(new Block(0, 'a quantized matrix')));
    this.form = { format, band: 4 * width < shape[0] ? width : 0 };
    this.image = new Image(width, height, 'rgba32uint');
    engine.device.writeImage(this.image, texels);
  }

  /** Quantizes an (N, K) matrix. */
  static of(engine: TensorEngine, numbers: Strided, shape: Shape, format: PackedFormat): QuantizedMatrix {
    return new QuantizedMatrix(engine, pack(numbers, shape, format, engine.capabilities.textureSide));
  }

  /** Bytes on the adapter, scales included. */
  get sizeBytes(): number {
    return this.image.sizeBytes;
  }

  override reshape(): never {
    throw new Error('a quantized matrix has one shape');
  }

  override part(): never {
    throw new Error('a quantized matrix has no parts');
  }
}

/** A number at the top of a word keeps its sign, and is 2^24 (int8) or 2^28 (int4) times as large. */
const MASK = { 8: '0xff000000u', 4: '0xf0000000u' } as const;
const atTop = (word: string, shifts: readonly number[], mask: string): string =>
  `vec4<f32>(vec4<i32>((vec4<u32>(${word}) << vec4<u32>(${shifts.map((shift) => `${shift}u`).join(', ')})) & vec4<u32>(${mask})))`;

/** WGSL of a texel's four numbers for its input `u`, one an output. */
const FOUR = {
  f16: (texel: string, u: number): string =>
    `vec4<f32>(unpack2x16float(${texel}[${2 * u}]), unpack2x16float(${texel}[${2 * u + 1}]))`,
  int8: (texel: string, u: number): string => atTop(`${texel}[${u}]`, [24, 16, 8, 0], MASK[8]),
  int4: (texel: string, u: number): string =>
    atTop(`${texel}[${u >> 1}]`, u % 2 ? [12, 8, 4, 0] : [28, 24, 20, 16], MASK[4]),
} as const;
const TOP = { int8: 24, int4: 28 } as const;

/** Writes the WGSL that reads a packed operand of `K` (WGSL) inputs, bound as `name`. */
export class PackedReader {
  /** Inputs that a texel holds. */
  readonly inputs: number;

  constructor(
    private readonly name: string,
    private readonly form: PackedForm,
    private readonly K: string,
  ) {
    this.inputs = inputsPerTexel(form.format);
  }

  /** Whether numbers are to be multiplied by a scale. */
  get scaled(): boolean {
    return this.form.format !== 'f16';
  }

  /** Functions that the expressions below call: outputs are counted in quads, inputs one by one. */
  get functions(): string {
    const { name, inputs, K } = this;
    return /* wgsl */ `
fn ${name}_texel(quad: u32, k: u32) -> vec4<u32> { return textureLoad(${name}, ${this.place('quad', `k / ${inputs}u`)}); }
${this.scaled ? this.scaleFunction : ''}
fn ${name}_rows() -> u32 { return (${K} + ${INPUTS - 1}u) / ${INPUTS}u * ${INPUTS / inputs}u; }
fn ${name}_at(n: u32, k: u32) -> f32 {
  let bit = (4u * (k % ${inputs}u) + n % 4u) * ${32 / inputs}u;
  let word = ${name}_texel(n / 4u, k)[bit / 32u];
  return ${this.scaled ? this.integerAt : 'unpack2x16float(word)[bit / 16u % 2u]'};
}`;
  }

  /** The texel of a quad of outputs whose first input is `k`, a multiple of `inputs`. */
  texel(quad: string, k: string): string {
    return `${this.name}_texel(${quad}, ${k})`;
  }

  /** vec4: the scales of a quad of outputs at input `k`. */
  scale(quad: string, k: string): string {
    return `${this.name}_scale(${quad}, ${k})`;
  }

  /** vec4: what a texel holds for its input `u`, before scales. */
  four(texel: string, u: number): string {
    return FOUR[this.form.format](texel, u);
  }

  /** One number: of output `n` and input `k`. */
  at(n: string, k: string): string {
    return `${this.name}_at(${n}, ${k})`;
  }

  private get integerAt(): string {
    const bits = 32 / this.inputs;
    return `f32(i32((word << (${32 - bits}u - bit % 32u)) & ${MASK[bits as keyof typeof MASK]})) * ${this.name}_scale(n / 4u, k)[n % 4u]`;
  }

  private get scaleFunction(): string {
    const { name, form } = this;
    const exponent = -SCALE_EXPONENT - TOP[form.format as keyof typeof TOP];
    return /* wgsl */ `fn ${name}_scale(quad: u32, k: u32) -> vec4<f32> {
  let texel = textureLoad(${name}, ${this.place('quad', `${name}_rows() + k / ${2 * GROUP}u`)});
  let halves = select(texel.xy, texel.zw, (k & ${GROUP}u) > 0u);
  return vec4<f32>(unpack2x16float(halves.x), unpack2x16float(halves.y)) * ${(2 ** exponent).toExponential()};
}`;
  }

  /** Where row `row` of a quad's band is. */
  private place(quad: string, row: string): string {
    const { name, K } = this;
    const { band } = this.form;
    if (!band) return `vec2<u32>(${quad}, ${row})`;
    const scaleRows = this.scaled ? ` + (${K} + ${2 * GROUP - 1}u) / ${2 * GROUP}u` : '';
    return `vec2<u32>(${quad} % ${band}u, ${quad} / ${band}u * (${name}_rows()${scaleRows}) + ${row})`;
  }
}
