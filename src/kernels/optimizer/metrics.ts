import { defineKernel } from '../../tensor/kernel.ts';
import { defineStruct } from '../../tensor/struct.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { RECIPROCAL_WGSL } from './lossScale.ts';
import { SETTINGS } from './optimizer.ts';

/** What a slot of the ring holds. The step, exact to 2^24, says whether it is as new as it should be; the scale is 1 without mixed precision. */
export const METRICS = defineStruct('Metrics', { loss: 'f32', gradientNorm: 'f32', step: 'f32', lossScale: 'f32' });

/** One invocation: the numbers are few. */
const kernel = defineKernel({
  name: 'store_metrics',
  bind: {
    ...{ ring: 'write', state: 'read u32', loss: 'read', norm: 'read' },
    settings: { access: 'read', struct: SETTINGS },
  },
  params: { S: 'u32' },
  grid: () => 1,
  wgsl: () => /* wgsl */ `${RECIPROCAL_WGSL}
@compute @workgroup_size(1)
fn main() {
  let slot = ${METRICS.size}u * (state[1] % params.S);
  ring[slot + ${METRICS.at('loss')}u] = loss[0];
  ring[slot + ${METRICS.at('gradientNorm')}u] = norm[0];
  ring[slot + ${METRICS.at('step')}u] = f32(state[1]);
  ring[slot + ${METRICS.at('lossScale')}u] = reciprocal(settings.unscale);
}`,
});

/**
 * Stores what a step has to tell into slot `step % S` of a ring, so that the host reads losses once in many steps instead
 * of waiting for each.
 *
 * ring: (S, METRICS.size) f32, state: (2) u32 [seed, step], loss: (), norm: (1), settings: (SETTINGS.size) f32
 */
export function storeMetrics(ring: Tensor, step: Record<'state' | 'loss' | 'norm' | 'settings', Tensor>): void {
  kernel({ ring, ...step }, { S: ring.shape[0] });
}
