import { defineKernel } from '../../tensor/kernel.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { CORRECTION1, CORRECTION2, UNSCALE } from './adamw.ts';

/*
 * Dynamic loss scaling (Micikevicius et al., "Mixed precision training", 2018, section 3.2): gradients are often below f16's
 * smallest number, 2^-24. The gradient of the loss is multiplied by a power of two, and so all others are, until the
 * optimizer divides. Where something overflows, the step is skipped and the scale halved; after 2,000 steps without, it is doubled.
 * All of it happens on the GPU: no step waits for the host.
 */

/** [scale, steps since it changed or one was skipped, AdamW's two bias corrections, steps skipped]: (5) f32, of whole numbers but two. */
const STATE_SIZE = 5;
const FIRST_SCALE = 2 ** 16;
const STEPS_TO_DOUBLE = 2000;
/** Bounds: the squares of the largest scaled gradients still fit f32, and the reciprocal is no denormal. */
const LEAST_SCALE = 2 ** -24;
const MOST_SCALE = 2 ** 32;

/** The state before the first step. */
export const lossScaleState = (): Float32Array<ArrayBuffer> => Float32Array.of(FIRST_SCALE, 0, 0, 0, 0);

/** Whether numbers can be a state: (STATE_SIZE) finite numbers, the first a positive one. */
export const isLossScaleState = (state: unknown): state is number[] =>
  Array.isArray(state) && state.length === STATE_SIZE && state.every(Number.isFinite) && state[0] > 0;

const begin = defineKernel({
  name: 'loss_scale_begin',
  bind: { lossScale: 'read', dLoss: 'write' },
  params: { share: 'f32' },
  grid: () => 1,
  wgsl: () => /* wgsl */ `
@compute @workgroup_size(1)
fn main() { dLoss[0] = lossScale[0] * params.share; }`,
});

/** The gradient that a loss begins with: scale times `share`.   lossScale: (5) f32 -> () */
export function scaledGradient(lossScale: Tensor, share: number): Tensor {
  const dLoss = lossScale.engine.empty([]);
  begin({ lossScale, dLoss }, { share });
  return dLoss;
}

/** The reciprocal of a power of two by its exponent, exactly: WGSL lets a division be off by 2.5 ulp. */
export const RECIPROCAL_WGSL = /* wgsl */ `
fn reciprocal(power: f32) -> f32 { return bitcast<f32>(0x7f000000u - bitcast<u32>(power)); }`;

/** Infinities and NaN are told by their bits, since WGSL may assume that there are none. */
const end = defineKernel({
  name: 'loss_scale_end',
  bind: { lossScale: 'write', norm: 'write u32', hyper: 'write', overflow: 'read u32' },
  params: {},
  grid: () => 1,
  wgsl: () => /* wgsl */ `${RECIPROCAL_WGSL}
@compute @workgroup_size(1)
fn main() {
  let scale = lossScale[0];
  let bits = norm[0];
  hyper[${UNSCALE}] = reciprocal(scale);
  if ((bits & 0x7f800000u) == 0x7f800000u || overflow[0] != 0u) {
    norm[0] = 0x7fc00000u;
    lossScale[0] = max(0.5 * scale, ${LEAST_SCALE});
    lossScale[1] = 0.0;
    lossScale[4] += 1.0;
    return;
  }
  norm[0] = bitcast<u32>(bitcast<f32>(bits) * reciprocal(scale));
  // 1 - beta^t as a running mean of ones: t counts the steps that were taken, which the host does not know
  let correction1 = hyper[1] * lossScale[2] + (1.0 - hyper[1]);
  let correction2 = hyper[2] * lossScale[3] + (1.0 - hyper[2]);
  hyper[${CORRECTION1}] = correction1;
  hyper[${CORRECTION2}] = correction2;
  lossScale[2] = correction1;
  lossScale[3] = correction2;
  let doubles = lossScale[1] + 1.0 >= ${STEPS_TO_DOUBLE}.0;
  lossScale[0] = select(scale, min(2.0 * scale, ${MOST_SCALE}.0), doubles);
  lossScale[1] = select(lossScale[1] + 1.0, 0.0, doubles);
}`,
});

/**
 * Ends the backward pass of a scaled loss. `norm` becomes that of the gradients without the scale, or NaN when it is not finite or
 * an operand overflowed f16: the optimizer then leaves everything as it is. `hyper` gets the scale's reciprocal and the bias
 * corrections after as many steps as were taken. The state gets the next step's scale.
 *
 * lossScale: (5) f32, norm: (1) f32, hyper: (HYPER_SIZE) f32, overflow: (1) u32
 */
export function endScaledStep(tensors: Record<'lossScale' | 'norm' | 'hyper' | 'overflow', Tensor>): void {
  end({ ...tensors }, {});
}
