import { UserError } from '../../errors.ts';
import type { Numbers } from '../../tensor/op.ts';
import type { PackedFormat } from '../../tensor/operands/packing.ts';
import { PackedReader, QuantizedMatrix } from '../../tensor/operands/quantized.ts';
import type { ShaderContext } from '../../tensor/shader.ts';
import { format, type Shape, sameShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { matmul } from '../matmul/matmul.ts';
import { layerNorm, rmsNorm } from '../norm/norm.ts';
import { defineEach } from '../skeleton/each.ts';
import type { StepNorm } from './writer.ts';

/*
 * A decoding step's ops in the plain way: by the ops that training uses, and in float64.
 */

/** What every step reads: the stream's parts (B, P, C), and the weights of its norm (C). */
export interface StepInputs<T> {
  parts: T;
  normWeight: T;
  normBias?: T;
}

/** The sum of a stream's parts and its norm: (B, P, C) -> x, n (B, 1, C). */
export function sumAndNorm({ parts, normWeight: weight, normBias: bias }: StepInputs<Tensor>, { norm, eps }: StepNorm) {
  const [B, P] = parts.shape;
  const ones = parts.engine.tensor(new Float32Array(B * P).fill(1), [B, 1, P]);
  const x = matmul({ a: ones, b: parts }); // (B, 1, C)
  return { x, n: norm === 'layer' ? layerNorm({ x, weight, bias }, { eps }) : rmsNorm({ x, weight }, { eps }) };
}

/** What reads the last matrix where it is packed; else its numbers lie one way or the other. */
const weightsOf = ({ packed: { weight } }: ShaderContext): PackedReader | undefined =>
  weight && new PackedReader('weight', weight, 'params.K');
const PLAIN = 'f32(weight[select(k * params.C + c, c * params.K + k, params.transposed == 1u)])';

/** y[b,0,c] = x + bias, y[b,1+g,c] = the sum over the K / G inputs of group g, W wide, of u[b,k] weight[k,c]. */
const split = defineEach({
  name: 'split_into_parts',
  bind: { x: 'read', u: 'read', weight: 'operand', bias: 'read?', y: 'write' },
  params: { B: 'u32', C: 'u32', parts: 'u32', K: 'u32', W: 'u32', transposed: 'u32' },
  each: ['B', 'parts', 'C'],
  functions: (context) => weightsOf(context)?.functions ?? '',
  body: (context) => /* wgsl */ `
  let c = i % params.C;
  let part = i / params.C % params.parts;
  let b = i / params.C / params.parts;
  if (part == 0u) {
    y[i] = x[b * params.C + c]${context.has.bias ? ' + bias[c]' : ''};
    return;
  }
  var sum = 0.0;
  for (var k = (part - 1u) * params.W; k < min(part * params.W, params.K); k++) {
    sum += u[b * params.K + k] * ${weightsOf(context)?.at('c', 'k') ?? PLAIN};
  }
  y[i] = sum;`,
});

/** The last matrix of a sublayer, by groups of `width` inputs; `u` are its inputs: (B, K) numbers. */
export interface LastProduct<T> {
  x: T;
  u: T;
  weight: T;
  bias: T | undefined;
  width: number;
  transposed: boolean;
}

/** Writes the parts (B, 1 + G, C). */
export function splitInto(y: Tensor, { x, u, weight, bias, width: W, transposed }: LastProduct<Tensor>): void {
  const [B, parts, C] = y.shape;
  split({ x, u, weight, bias, y }, { B, C, parts, K: u.size / B, W, transposed: transposed ? 1 : 0 });
}

/** The same in float64. */
export function splitReference(
  { x, u, weight, bias, width, transposed }: LastProduct<Numbers>,
  [B, parts, C]: Shape,
): Float64Array {
  const y = new Float64Array(B * parts * C);
  const K = u.data.length / B;
  for (let b = 0; b < B; b++)
    for (let c = 0; c < C; c++) {
      y[b * parts * C + c] = x.data[b * C + c] + (bias?.data[c] ?? 0);
      for (let k = 0; k < K; k++) {
        const w = weight.data[transposed ? c * K + k : k * C + c];
        y[(b * parts + 1 + Math.floor(k / width)) * C + c] += u.data[b * K + k] * w;
      }
    }
  return y;
}

/** `sumAndNorm` in float64. */
export function sumAndNormReference(inputs: StepInputs<Numbers>, { norm, eps }: StepNorm) {
  const { parts, normWeight: weight, normBias: bias } = inputs;
  const [B, P, C] = parts.shape;
  const sums = new Float64Array(B * C);
  for (let i = 0; i < parts.data.length; i++) sums[Math.floor(i / P / C) * C + (i % C)] += parts.data[i];
  const x: Numbers = { shape: [B, 1, C], data: sums };
  const n = norm === 'layer' ? layerNorm.definition.reference({ x, weight, bias }, { eps }) : undefined;
  return { x, n: { shape: x.shape, data: n ?? rmsNorm.definition.reference({ x, weight }, { eps }) } };
}

/** Whether a step's weights are packed: all of them are, or none. */
export const isPacked = (weight: Tensor): boolean => weight instanceof QuantizedMatrix;

/** The formats that cases try, by the bits of a number. */
export const FORMATS: Readonly<Record<number, PackedFormat>> = { 16: 'f16', 8: 'int8', 4: 'int4' };

/** Refuses inputs whose shapes are not as wanted. @throws UserError that names op, input, expected and got */
export function checkShapes(op: string, shapes: object, wanted: Readonly<Record<string, Shape>>): void {
  for (const [name, shape] of Object.entries(shapes as Record<string, Shape>)) {
    if (!(name in wanted) || sameShape(shape, wanted[name])) continue;
    throw new UserError(`${op}: ${name} must be ${format(wanted[name])}, got ${format(shape)}`);
  }
}

/** The sizes of a stream (B, P, C). @throws UserError when it has other axes, or a width that does not split into quads */
export function streamSizes(op: string, parts: Shape) {
  const [B, P, C] = parts;
  if (parts.length === 3 && C % 4 === 0 && P > 0) return { B, P, C };
  throw new UserError(`${op}: parts must be (B, P, C) with C a multiple of 4, got ${format(parts)}`);
}
