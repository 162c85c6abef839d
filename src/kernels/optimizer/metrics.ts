import { defineKernel } from '../../tensor/kernel.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { UNSCALE } from './adamw.ts';
import { RECIPROCAL_WGSL } from './lossScale.ts';

/** Numbers that a slot of the ring holds. */
export const METRICS = 4;

/** One invocation: the numbers are few.   ring: (S, 4) f32, state: (2) u32, loss: (), norm: (1), hyper: (HYPER_SIZE) f32 */
const kernel = defineKernel({
  name: 'store_metrics',
  bind: { ring: 'write', state: 'read u32', loss: 'read', norm: 'read', hyper: 'read' },
  params: { S: 'u32' },
  grid: () => 1,
  wgsl: () => /* wgsl */ `${RECIPROCAL_WGSL}
@compute @workgroup_size(1)
fn main() {
  let slot = ${METRICS}u * (state[1] % params.S);
  ring[slot] = loss[0];
  ring[slot + 1u] = norm[0];
  ring[slot + 2u] = f32(state[1]);
  ring[slot + 3u] = reciprocal(hyper[${UNSCALE}]);
}`,
});

/**
 * Stores what a step has to tell into slot `step % S` of a ring, so that the host reads losses once in many steps instead
 * of waiting for each: [loss, norm, step, loss scale]. The step, exact to 2^24, says whether a slot is as new as it should be. The scale is 1 without mixed precision.
 *
 * ring: (S, METRICS) f32, state: (2) u32 [seed, step], loss: (), norm: (1), hyper: (HYPER_SIZE) f32
 */
export function storeMetrics(ring: Tensor, step: Record<'state' | 'loss' | 'norm' | 'hyper', Tensor>): void {
  kernel({ ring, ...step }, { S: ring.shape[0] });
}
