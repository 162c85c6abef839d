import { describe, expect, it } from 'vitest';
import { layerNorm } from '../../../src/kernels/norm/layerNorm.ts';
import { testEngine } from '../../helpers/engine.ts';
import { describeAnchors, goldenCases, runOp } from '../../helpers/golden.ts';
import { expectClose, normalNumbers } from '../../helpers/numbers.ts';

describeAnchors(
  layerNorm,
  goldenCases('layer_norm').map(({ inputs, attributes, output, dOutput, gradients }) => ({
    inputs: [inputs.x, inputs.weight, inputs.bias],
    attributes: { eps: attributes.epsilon },
    output,
    dOutput,
    gradients: [gradients.x, gradients.weight, gradients.bias],
  })),
);

describe('layerNorm', () => {
  it('keeps its digits when the mean is a thousand deviations away', async () => {
    const shape = [2, 64];
    const x = { shape, data: normalNumbers(shape, 1).map((value) => Math.fround(1000 + value)) };
    const inputs = [x, { shape: [64], data: new Float32Array(64).fill(1) }];
    const { output } = await runOp(layerNorm, inputs, { attributes: { eps: 1e-5 }, dy: x });
    expectClose(output, layerNorm.definition.reference(inputs, { eps: 1e-5 }), 1e-4);
  });

  it('sums the weight gradient over many rows as it does over few', async () => {
    const shape = [1000, 5];
    const x = { shape, data: normalNumbers(shape, 1) };
    const weight = { shape: [5], data: Float32Array.of(1, 2, -1, 0, 3) };
    const run = (variant: string) =>
      runOp(layerNorm, [x, weight, weight], { attributes: { eps: 1e-5 }, dy: x, variant }).then(
        ({ gradients }) => gradients,
      );
    const [naive, rows] = [await run('naive'), await run('rows')];
    for (const i of [0, 1, 2]) expectClose(rows[i]!, naive[i]!, 1e-3);
  });

  it('names a weight of the wrong length', async () => {
    const engine = await testEngine();
    const [x, weight] = [engine.zeros([2, 4]), engine.zeros([3])];
    expect(() => layerNorm(x, weight, undefined, { eps: 1e-5 })).toThrow(
      'layerNorm: weight must be (4) for x (2, 4), got (3)',
    );
  });
});
