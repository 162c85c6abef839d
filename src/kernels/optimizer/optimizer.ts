import type { Sizes } from '../../tensor/op.ts';
import { defineStruct } from '../../tensor/struct.ts';
import { linearProducts } from '../matmul/matmul.ts';

/** The settings of one step. */
export interface AdamwSettings {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** Gradients are scaled down to this global norm where theirs is larger; 0 for no clipping. */
  clipNorm: number;
}

/**
 * What shaders read of a step's settings. The corrections are 1 - beta^t; gradients are multiplied by `unscale`, which undoes a
 * scaled loss (1 otherwise). Loss scaling writes these three on the GPU (see `lossScale.ts`).
 */
export const SETTINGS = defineStruct('Settings', {
  learningRate: 'f32',
  beta1: 'f32',
  beta2: 'f32',
  epsilon: 'f32',
  weightDecay: 'f32',
  correction1: 'f32',
  correction2: 'f32',
  clipNorm: 'f32',
  unscale: 'f32',
});

/**
 * The elements of a tensor with the settings of step `step` (1 for the first).
 * The bias corrections are those of the betas as f32 has them: 1 - f32(0.999) is 5e-5 off 0.001, and would be so for good.
 */
export function packSettings(settings: AdamwSettings, step: number): Float32Array<ArrayBuffer> {
  const correction = (beta: number): number => 1 - Math.fround(beta) ** step;
  const [correction1, correction2] = [correction(settings.beta1), correction(settings.beta2)];
  return SETTINGS.floats({ ...settings, correction1, correction2, unscale: 1 });
}

/** What `packSettings` packed, by name, as f32 has it: for the float64 references. */
export const unpackSettings = (packed: ArrayLike<number>) =>
  Object.fromEntries(Object.keys(SETTINGS.members).map((name, i) => [name, packed[i]])) as Record<
    keyof typeof SETTINGS.members,
    number
  >;

/** What kernels bind to read a step's settings and the norm: as bits, for compilers may assume that floats are finite. */
export const STEP = { norm: 'read u32', settings: { access: 'read', struct: SETTINGS } } as const;

export const IS_FINITE = /* wgsl */ `
fn isFinite(bits: u32) -> bool { return (bits & 0x7f800000u) != 0x7f800000u; }`;

/** WGSL for kernels that bind STEP: what gradients are multiplied by. Clipping is that of torch.nn.utils.clip_grad_norm_. */
export const CLIPPING = /* wgsl */ `${IS_FINITE}
fn clipping() -> f32 {
  let clipped = min(1.0, settings.clipNorm / (bitcast<f32>(norm[0]) + 1e-6));
  return settings.unscale * select(clipped, 1.0, settings.clipNorm == 0.0);
}`;

/** `clipping` in float64. */
export const clippingReference = (
  { clipNorm, unscale }: Record<'clipNorm' | 'unscale', number>,
  norm: number,
): number => unscale * (clipNorm === 0 ? 1 : Math.min(1, clipNorm / (norm + 1e-6)));

/** The matrices of a block as they are stored: nearly all parameters of a transformer. For the ops' workloads. */
export const blockMatrices = (sizes: Sizes): [rows: number, columns: number][] =>
  linearProducts(sizes, [1])
    .slice(0, -1)
    .map(({ case: [{ b }] }) => b as [number, number]);
