import { defineKernel } from '../../tensor/kernel.ts';
import { defineStruct } from '../../tensor/struct.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { IS_FINITE, SETTINGS } from './optimizer.ts';

/*
 * Dynamic loss scaling (Micikevicius et al., "Mixed precision training", 2018, section 3.2): gradients are often below f16's
 * smallest number, 2^-24. The gradient of the loss is multiplied by a power of two, and so all others are, until the
 * optimizer divides. Where something overflows, the step is skipped and the scale halved; after 2,000 steps without, it is doubled.
 * All of it happens on the GPU: no step waits for the host.
 */

/** Steps are those since the scale changed or one was skipped; the corrections are AdamW's, of the bias of its moments. */
export const LOSS_SCALE = defineStruct('LossScale', {
  scale: 'f32',
  steps: 'f32',
  correction1: 'f32',
  correction2: 'f32',
  skipped: 'f32',
});
const FIRST_SCALE = 2 ** 16;
const STEPS_TO_DOUBLE = 2000;
/** Bounds: the squares of the largest scaled gradients still fit f32, and the reciprocal is no denormal. */
const LEAST_SCALE = 2 ** -24;
const MOST_SCALE = 2 ** 32;

/** The state before the first step. */
export const lossScaleState = (): Float32Array<ArrayBuffer> =>
  LOSS_SCALE.floats({ scale: FIRST_SCALE, steps: 0, correction1: 0, correction2: 0, skipped: 0 });

/** Whether numbers can be a state: (LOSS_SCALE.size) finite numbers, the first a positive one. */
export const isLossScaleState = (state: unknown): state is number[] =>
  Array.isArray(state) && state.length === LOSS_SCALE.size && state.every(Number.isFinite) && state[0] > 0;

const begin = defineKernel({
  name: 'loss_scale_begin',
  bind: { lossScale: { access: 'read', struct: LOSS_SCALE }, dLoss: 'write' },
  params: { share: 'f32' },
  grid: () => 1,
  wgsl: () => /* wgsl */ `
@compute @workgroup_size(1)
fn main() { dLoss[0] = lossScale.scale * params.share; }`,
});

/** The gradient that a loss begins with: scale times `share`.   lossScale: (LOSS_SCALE.size) f32 -> () */
export function scaledGradient(lossScale: Tensor, share: number): Tensor {
  const dLoss = lossScale.engine.empty([]);
  begin({ lossScale, dLoss }, { share });
  return dLoss;
}

/** The reciprocal of a power of two by its exponent, exactly: WGSL lets a division be off by 2.5 ulp. */
export const RECIPROCAL_WGSL = /* wgsl */ `
fn reciprocal(power: f32) -> f32 { return bitcast<f32>(0x7f000000u - bitcast<u32>(power)); }`;

const end = defineKernel({
  name: 'loss_scale_end',
  bind: {
    lossScale: { access: 'write', struct: LOSS_SCALE },
    norm: 'write u32',
    settings: { access: 'write', struct: SETTINGS },
    overflow: 'read u32',
  },
  params: {},
  grid: () => 1,
  wgsl: () => /* wgsl */ `${IS_FINITE}${RECIPROCAL_WGSL}
@compute @workgroup_size(1)
fn main() {
  let scale = lossScale.scale;
  let bits = norm[0];
  settings.unscale = reciprocal(scale);
  if (!isFinite(bits) || overflow[0] != 0u) {
    norm[0] = 0x7fc00000u;
    lossScale.scale = max(0.5 * scale, ${LEAST_SCALE});
    lossScale.steps = 0.0;
    lossScale.skipped += 1.0;
    return;
  }
  norm[0] = bitcast<u32>(bitcast<f32>(bits) * reciprocal(scale));
  // 1 - beta^t as a running mean of ones: t counts the steps that were taken, which the host does not know
  let correction1 = settings.beta1 * lossScale.correction1 + (1.0 - settings.beta1);
  let correction2 = settings.beta2 * lossScale.correction2 + (1.0 - settings.beta2);
  settings.correction1 = correction1;
  settings.correction2 = correction2;
  lossScale.correction1 = correction1;
  lossScale.correction2 = correction2;
  let steps = lossScale.steps + 1.0;
  let doubles = steps >= ${STEPS_TO_DOUBLE}.0;
  lossScale.scale = select(scale, min(2.0 * scale, ${MOST_SCALE}.0), doubles);
  lossScale.steps = select(steps, 0.0, doubles);
}`,
});

/**
 * Ends the backward pass of a scaled loss. `norm` becomes that of the gradients without the scale, or NaN when it is not finite or
 * an operand overflowed f16: the optimizer then leaves everything as it is. `settings` get the scale's reciprocal and the bias
 * corrections after as many steps as were taken. The state gets the next step's scale.
 *
 * lossScale: (LOSS_SCALE.size) f32, norm: (1) f32, settings: (SETTINGS.size) f32, overflow: (1) u32
 */
export function endScaledStep(tensors: Record<'lossScale' | 'norm' | 'settings' | 'overflow', Tensor>): void {
  end({ ...tensors }, {});
}
