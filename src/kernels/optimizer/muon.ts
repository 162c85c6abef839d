import type { Tensor } from '../../tensor/tensor.ts';
import { defineVectors, rowLayout, rowShader } from '../skeleton/snippets.ts';
import { type AdamwTensors, CLIPPING_WGSL } from './adamw.ts';
import { orthogonalize } from './orthogonalize.ts';

/** What Muon reads and changes in place: AdamW's tensors, of which it needs no second moment. */
export type MuonTensors = Omit<AdamwTensors, 'secondMoment'>;

/** Settings that stay the same all through a run. */
export interface MuonSettings {
  /** Decay of the running sum of gradients. */
  momentum: number;
  /** Muon's learning rate in units of AdamW's, which `hyper` holds. */
  factor: number;
}

/** Where n matrices of one shape (R, C) lie in the flat tensors. */
export interface MatrixStack {
  rows: number;
  columns: number;
  /** Per matrix, its first element and the elements from a row to the next: (n, 2) u32. Multiples of 4 where C is one. */
  places: Tensor;
}

/**
 * Moonlight's factor: a matrix with orthonormal rows or columns has elements of root mean square 1 / sqrt(max(R, C)), and AdamW's
 * updates have about 0.2 to 0.4. At 0.2 sqrt(max(R, C)) AdamW's learning rate and weight decay serve Muon as they are
 * (Liu et al., "Muon is scalable for LLM training", 2025, section 2.2).
 */
const sizeOfUpdate = ({ rows, columns }: MatrixStack): number => 0.2 * Math.sqrt(Math.max(rows, columns));

/** WGSL of both kernels: where row `row` of the stack begins in the flat tensors. T is f32 or vec4<f32>. */
const PLACE = /* wgsl */ `
  let matrix = row / params.M;
  let at = (places[2u * matrix] + row % params.M * places[2u * matrix + 1u]) / WIDTH;`;

const SIZES = { R: 'u32', C: 'u32', M: 'u32' } as const;
const shared = { lengths: ['C'], scalars: ['hyper'], ...rowLayout } as const;

/** m = momentum m + g, x = g + momentum m (Nesterov's), g clipped.   gradients, firstMoment: (N), x: (R / M, M, C) f32 */
const accumulate = defineVectors({
  ...shared,
  name: 'muon_momentum',
  params: { ...SIZES, momentum: 'f32' },
  bind: { gradients: 'read', firstMoment: 'write', x: 'write', places: 'read u32', norm: 'read u32', hyper: 'read' },
  wgsl: (point, adapter) => /* wgsl */ `
${CLIPPING_WGSL}
${rowShader(/* wgsl */ `${PLACE}
  if (!isFinite(norm[0])) { return; }
  let clip = clipping();
  for (var c = lane; c < columns; c += LANES) {
    let g = gradients[at + c] * clip;
    let m = params.momentum * firstMoment[at + c] + g;
    firstMoment[at + c] = m;
    x[row * params.C + c] = g + params.momentum * m;
  }`)(point, adapter)}`,
});

/** p = p (1 - lr weightDecay) - lr size x, lr being Muon's.   values: (N), x: (R / M, M, C) f32 */
const update = defineVectors({
  ...shared,
  name: 'muon_update',
  bind: { values: 'write', x: 'read', places: 'read u32', norm: 'read u32', hyper: 'read' },
  params: { ...SIZES, factor: 'f32', size: 'f32' },
  wgsl: (point, adapter) => /* wgsl */ `
${CLIPPING_WGSL}
${rowShader(/* wgsl */ `${PLACE}
  if (!isFinite(norm[0])) { return; }
  let rate = hyper[0] * params.factor;
  let decay = 1.0 - rate * hyper[4];
  for (var c = lane; c < columns; c += LANES) {
    values[at + c] = values[at + c] * decay - rate * params.size * x[row * params.C + c];
  }`)(point, adapter)}`,
});

/**
 * One step of Muon (Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024) for stacks of matrices that
 * lie in flat buffers, in place. With G clipped to the global norm of all gradients:
 *
 *     M = momentum M + G,   O = orthogonalize(G + momentum M),   W = W (1 - lr weightDecay) - lr 0.2 sqrt(max(R, C)) O
 *
 * M lives in the first moment's places. lr is `hyper`'s, times `factor`. Where the norm is not finite, nothing changes.
 */
export function muon(tensors: MuonTensors, stacks: readonly MatrixStack[], { momentum, factor }: MuonSettings): void {
  const { values, gradients, firstMoment, norm, hyper } = tensors;
  for (const stack of stacks) {
    const { rows: M, columns: C, places } = stack;
    const x = values.engine.empty([places.shape[0], M, C], 'f32', "the optimizer's matrices");
    const sizes = { R: places.shape[0] * M, C, M };
    accumulate({ gradients, firstMoment, x, places, norm, hyper }, { ...sizes, momentum });
    update({ values, x: orthogonalize(x), places, norm, hyper }, { ...sizes, factor, size: sizeOfUpdate(stack) });
  }
}

/** `muon` in float64 for one matrix that fills the arrays, in place; `hyper` as `adamwHyper` packs it. */
export function muonReference(
  arrays: Record<'values' | 'gradients' | 'firstMoment', Float64Array>,
  [rows, columns]: readonly [number, number],
  norm: number,
  hyper: ArrayLike<number>,
  { momentum, factor }: MuonSettings,
): void {
  if (!Number.isFinite(norm)) return;
  const { values: p, gradients, firstMoment: m } = arrays;
  const [rate, weightDecay, clipNorm] = [hyper[0] * factor, hyper[4], hyper[7]];
  const clip = hyper[8] * (clipNorm === 0 ? 1 : Math.min(1, clipNorm / (norm + 1e-6)));
  const g = gradients.map((value) => value * clip);
  for (let i = 0; i < m.length; i++) m[i] = momentum * m[i] + g[i];
  const x = { shape: [1, rows, columns], data: g.map((value, i) => value + momentum * m[i]) };
  const o = orthogonalize.definition.reference([x], {});
  const size = 0.2 * Math.sqrt(Math.max(rows, columns));
  for (let i = 0; i < p.length; i++) p[i] = p[i] * (1 - rate * weightDecay) - rate * size * o[i];
}
