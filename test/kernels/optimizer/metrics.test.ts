import { expect, it } from 'vitest';
import { HYPER_SIZE } from '../../../src/kernels/optimizer/adamw.ts';
import { METRICS, storeMetrics } from '../../../src/kernels/optimizer/metrics.ts';
import { testEngine } from '../../helpers/engine.ts';

it('stores the numbers of each step into its slot, also when replayed', async () => {
  const engine = await testEngine();
  const ring = engine.zeros([3, METRICS]);
  const state = engine.tensor(Uint32Array.of(9, 0), [2]);
  const loss = engine.tensor([0], []);
  const norm = engine.tensor([0], [1]);
  const hyper = engine.zeros([HYPER_SIZE]);
  const recording = engine.record(() => {
    storeMetrics(ring, { state, loss, norm, hyper });
    return {};
  });
  for (let step = 1; step <= 5; step++) {
    state.write(Uint32Array.of(9, step));
    loss.write(Float32Array.of(10 + step));
    norm.write(Float32Array.of(0.5 * step));
    hyper.write(new Float32Array(HYPER_SIZE).fill(2 ** -step, HYPER_SIZE - 1)); // the reciprocal of the loss scale
    recording.run();
  }
  expect([...(await ring.floats())]).toEqual([13, 1.5, 3, 8, 14, 2, 4, 16, 15, 2.5, 5, 32]);
});
