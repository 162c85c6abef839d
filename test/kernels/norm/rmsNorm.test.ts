import { expect, it } from 'vitest';
import { rmsNorm } from '../../../src/kernels/norm/rmsNorm.ts';
import { testEngine } from '../../helpers/engine.ts';
import { describeAnchors, goldenCases, runOp } from '../../helpers/golden.ts';
import { expectClose, normalNumbers } from '../../helpers/numbers.ts';

describeAnchors(
  rmsNorm,
  goldenCases('rms_norm').map(({ inputs: { x, weight }, attributes, gradients, ...rest }) => ({
    ...rest,
    inputs: [x, weight],
    attributes: { eps: attributes.epsilon },
    gradients: [gradients.x, gradients.weight],
  })),
);

it('rmsNorm sums the weight gradient over many rows as it does over few', async () => {
  const x = { shape: [1000, 5], data: normalNumbers([1000, 5], 1) };
  const weight = { shape: [5], data: Float32Array.of(1, 2, -1, 0, 3) };
  const run = (variant: string) => runOp(rmsNorm, [x, weight], { attributes: { eps: 1e-5 }, dy: x, variant });
  const [naive, rows] = [await run('naive'), await run('rows')];
  for (const i of [0, 1]) expectClose(rows.gradients[i]!, naive.gradients[i]!, 1e-3);
});

it('rmsNorm names a weight of the wrong length', async () => {
  const engine = await testEngine();
  expect(() => rmsNorm(engine.zeros([2, 4]), engine.zeros([4, 1]), { eps: 1e-5 })).toThrow(
    'rmsNorm: weight must be (4) for x (2, 4), got (4, 1)',
  );
});
