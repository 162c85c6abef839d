import { expect, it } from 'vitest';
import { METRICS, storeMetrics } from '../../../src/kernels/optimizer/metrics.ts';
import { SETTINGS, unpackSettings } from '../../../src/kernels/optimizer/optimizer.ts';
import { testEngine } from '../../helpers/engine.ts';

const NONE = unpackSettings(new Float32Array(SETTINGS.size));

it('stores the numbers of each step into its slot, also when replayed', async () => {
  const engine = await testEngine();
  const ring = engine.zeros([3, METRICS.size]);
  const state = engine.tensor(Uint32Array.of(9, 0), [2]);
  const loss = engine.tensor([0], []);
  const norm = engine.tensor([0], [1]);
  const settings = engine.zeros([SETTINGS.size]);
  const recording = engine.record(() => {
    storeMetrics(ring, { state, loss, norm, settings });
    return {};
  });
  for (let step = 1; step <= 5; step++) {
    state.write(Uint32Array.of(9, step));
    loss.write(Float32Array.of(10 + step));
    norm.write(Float32Array.of(0.5 * step));
    settings.write(SETTINGS.floats({ ...NONE, unscale: 2 ** -step })); // the reciprocal of the loss scale
    recording.run();
  }
  expect([...(await ring.floats())]).toEqual([13, 1.5, 3, 8, 14, 2, 4, 16, 15, 2.5, 5, 32]);
});
