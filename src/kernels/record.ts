import { defineKernel } from '../tensor/kernel.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Numbers that a slot of the ring holds. */
export const METRICS = 4;

/** One invocation: the numbers are few.   ring: (S, 4) f32, state: (2) u32, loss: (), norm: (1) f32 */
const kernel = defineKernel({
  name: 'store_metrics',
  bind: { ring: 'write', state: 'read u32', loss: 'read', norm: 'read' },
  params: { S: 'u32' },
  grid: () => 1,
  wgsl: () => /* wgsl */ `
@compute @workgroup_size(1)
fn main() {
  let slot = ${METRICS}u * (state[1] % params.S);
  ring[slot] = loss[0];
  ring[slot + 1u] = norm[0];
  ring[slot + 2u] = f32(state[1]);
  ring[slot + 3u] = 0.0;
}`,
});

/**
 * Stores what a step has to tell into slot `step % S` of a ring, so that the host reads losses once in many steps instead
 * of waiting for each: [loss, norm, step, 0]. The step, exact to 2^24, says whether a slot is as new as it should be.
 *
 * ring: (S, METRICS) f32, state: (2) u32 [seed, step], loss: (), norm: (1) f32
 */
export function storeMetrics(ring: Tensor, state: Tensor, loss: Tensor, norm: Tensor): void {
  kernel({ ring, state, loss, norm }, { S: ring.shape[0] });
}
