import type { Tensor } from '../../tensor/tensor.ts';
import { defineRows } from '../skeleton/rows.ts';
import type { AdamwTensors } from './adamw.ts';
import { CLIPPING, clippingReference, IS_FINITE, STEP, unpackSettings } from './optimizer.ts';
import { orthogonalize } from './orthogonalize.ts';

/** What Muon reads and changes in place: AdamW's tensors, of which it needs no second moment. */
export type MuonTensors = Omit<AdamwTensors, 'secondMoment'>;

/** Settings that stay the same all through a run. */
export interface MuonSettings {
  /** Decay of the running sum of gradients. */
  momentum: number;
  /** Muon's learning rate in units of AdamW's, which `settings` holds. */
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
const sizeOfUpdate = ({ rows, columns }: Omit<MatrixStack, 'places'>): number =>
  0.2 * Math.sqrt(Math.max(rows, columns));

/** Whose row `row` of the stack is: where it begins in the flat tensors. */
const PLACE = /* wgsl */ `
    let matrix = row / params.M;
    let at = (places[2u * matrix] + row % params.M * places[2u * matrix + 1u]) / WIDTH;`;

const SIZES = { R: 'u32', C: 'u32', M: 'u32' } as const;

/** m = momentum m + g, x = g + momentum m (Nesterov's), g clipped.   gradients, firstMoment: (N), x: (R / M, M, C) f32 */
const accumulate = defineRows({
  name: 'muon_momentum',
  bind: { gradients: 'read T', firstMoment: 'write T', x: 'write T', places: 'read u32', ...STEP },
  params: { ...SIZES, momentum: 'f32' },
  functions: CLIPPING,
  columns: () => /* wgsl */ `
  if (!isFinite(norm[0])) { return; }
  let clip = clipping();`,
  body: ({ each }) => /* wgsl */ `${PLACE}
    ${each(/* wgsl */ `
      let g = gradients[at + c] * clip;
      let m = params.momentum * firstMoment[at + c] + g;
      firstMoment[at + c] = m;
      x[start + c] = g + params.momentum * m;`)}`,
});

/** p = p (1 - lr weightDecay) - lr size x, lr being Muon's.   values: (N), x: (R / M, M, C) f32 */
const update = defineRows({
  name: 'muon_update',
  bind: { values: 'write T', x: 'read T', places: 'read u32', ...STEP },
  params: { ...SIZES, factor: 'f32', size: 'f32' },
  functions: IS_FINITE,
  columns: () => /* wgsl */ `
  if (!isFinite(norm[0])) { return; }
  let rate = settings.learningRate * params.factor;
  let decay = 1.0 - rate * settings.weightDecay;`,
  body: ({ each }) => /* wgsl */ `${PLACE}
    ${each('values[at + c] = values[at + c] * decay - rate * params.size * x[start + c];')}`,
});

/**
 * One step of Muon (Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024) for stacks of matrices that
 * lie in flat buffers, in place. With G clipped to the global norm of all gradients:
 *
 *     M = momentum M + G,   O = orthogonalize(G + momentum M),   W = W (1 - lr weightDecay) - lr 0.2 sqrt(max(R, C)) O
 *
 * M lives in the first moment's places. lr is that of `settings`, times `factor`. Where the norm is not finite, nothing changes.
 */
export function muon(tensors: MuonTensors, stacks: readonly MatrixStack[], { momentum, factor }: MuonSettings): void {
  const { values, gradients, firstMoment, norm, settings } = tensors;
  for (const stack of stacks) {
    const { rows: M, columns: C, places } = stack;
    const x = values.engine.empty([places.shape[0], M, C], 'f32', "the optimizer's matrices");
    const sizes = { R: places.shape[0] * M, C, M };
    accumulate({ gradients, firstMoment, x, places, norm, settings }, { ...sizes, momentum });
    const step = { values, x: orthogonalize({ x }), places, norm, settings };
    update(step, { ...sizes, factor, size: sizeOfUpdate(stack) });
  }
}

/** `muon` in float64 for one matrix that fills the arrays, in place; `packed` as `packSettings` packs it. */
export function muonReference(
  arrays: Record<'values' | 'gradients' | 'firstMoment', Float64Array>,
  [rows, columns]: readonly [number, number],
  norm: number,
  packed: ArrayLike<number>,
  { momentum, factor }: MuonSettings,
): void {
  if (!Number.isFinite(norm)) return;
  const { values: p, gradients, firstMoment: m } = arrays;
  const settings = unpackSettings(packed);
  const rate = settings.learningRate * factor;
  const clip = clippingReference(settings, norm);
  const g = gradients.map((value) => value * clip);
  for (let i = 0; i < m.length; i++) m[i] = momentum * m[i] + g[i];
  const x = { shape: [1, rows, columns], data: g.map((value, i) => value + momentum * m[i]) };
  const o = orthogonalize.definition.reference({ x }, {});
  const size = sizeOfUpdate({ rows, columns });
  for (let i = 0; i < p.length; i++) p[i] = p[i] * (1 - rate * settings.weightDecay) - rate * size * o[i];
}
