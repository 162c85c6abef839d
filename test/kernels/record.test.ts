import { expect, it } from 'vitest';
import { METRICS, storeMetrics } from '../../src/kernels/record.ts';
import { testEngine } from '../helpers/engine.ts';

it('stores the numbers of each step into its slot, also when replayed', async () => {
  const engine = await testEngine();
  const ring = engine.zeros([3, METRICS]);
  const state = engine.tensor(Uint32Array.of(9, 0), [2]);
  const loss = engine.tensor([0], []);
  const norm = engine.tensor([0], [1]);
  const recording = engine.record(() => {
    storeMetrics(ring, state, loss, norm);
    return {};
  });
  for (let step = 1; step <= 5; step++) {
    state.write(Uint32Array.of(9, step));
    loss.write(Float32Array.of(10 + step));
    norm.write(Float32Array.of(0.5 * step));
    recording.run();
  }
  expect([...(await ring.floats())]).toEqual([13, 1.5, 3, 0, 14, 2, 4, 0, 15, 2.5, 5, 0]);
});
