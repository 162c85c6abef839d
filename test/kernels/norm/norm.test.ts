import { describe, expect, it } from 'vitest';
import { layerNorm, rmsNorm } from '../../../src/kernels/norm/norm.ts';
import { testEngine } from '../../helpers/engine.ts';
import { describeAnchors, goldenCases, runOp } from '../../helpers/golden.ts';
import { expectClose, normalNumbers } from '../../helpers/numbers.ts';

const anchors = (name: string) =>
  goldenCases(name).map(({ attributes, ...rest }) => ({ ...rest, attributes: { eps: attributes.epsilon } }));

describe('layerNorm', () => {
  describeAnchors(layerNorm, anchors('layer_norm'));

  it('keeps its digits when the mean is a thousand deviations away', async () => {
    const shape = [2, 64];
    const x = { shape, data: normalNumbers(shape, 1).map((value) => Math.fround(1000 + value)) };
    const inputs = { x, weight: { shape: [64], data: new Float32Array(64).fill(1) } };
    const { output } = await runOp(layerNorm, inputs, { attributes: { eps: 1e-5 }, dy: x });
    expectClose(output, layerNorm.definition.reference(inputs, { eps: 1e-5 }), 1e-4);
  });

  it('names a weight of the wrong length', async () => {
    const engine = await testEngine();
    const [x, weight] = [engine.zeros([2, 4]), engine.zeros([3])];
    expect(() => layerNorm({ x, weight }, { eps: 1e-5 })).toThrow(
      'layerNorm: weight must be (4) for x (2, 4), got (3)',
    );
  });
});

describe('rmsNorm', () => {
  describeAnchors(rmsNorm, anchors('rms_norm'));

  it('names a weight of the wrong length', async () => {
    const engine = await testEngine();
    expect(() => rmsNorm({ x: engine.zeros([2, 4]), weight: engine.zeros([4, 1]) }, { eps: 1e-5 })).toThrow(
      'rmsNorm: weight must be (4) for x (2, 4), got (4, 1)',
    );
  });
});

const weight = { shape: [5], data: Float32Array.of(1, 2, -1, 0, 3) };

it.each([
  ['layerNorm', layerNorm, { weight, bias: weight }],
  ['rmsNorm', rmsNorm, { weight }],
])('%s sums the gradients of its vectors over many rows as it does over few', async (_, op, vectors) => {
  const x = { shape: [1000, 5], data: normalNumbers([1000, 5], 1) };
  const run = (variant: string) => runOp(op, { x, ...vectors }, { attributes: { eps: 1e-5 }, dy: x, variant });
  const [naive, rows] = [await run('naive'), await run('rows')];
  expect(Object.keys(rows.gradients)).toEqual(['x', ...Object.keys(vectors)]);
  for (const [name, gradient] of Object.entries(rows.gradients)) expectClose(gradient, naive.gradients[name], 1e-3);
});

it('gives the gradient of one vector as it gives it with the other', async () => {
  const engine = await testEngine();
  const shape = [70, 12];
  const [data, dy] = [1, 2].map((seed) => normalNumbers(shape, seed));
  const gradients = async (trained: readonly string[]) => {
    const tensors = {
      x: engine.tensor(data, shape),
      weight: engine.tensor(normalNumbers([12], 3), [12]),
      bias: engine.zeros([12]),
    };
    const wanted = Object.entries(tensors).filter(([name]) => trained.includes(name));
    for (const [, tensor] of wanted) {
      tensor.requiresGrad = true;
      tensor.grad = engine.zeros(tensor.shape);
    }
    engine.backward(layerNorm(tensors, { eps: 1e-5 }), engine.tensor(dy, shape));
    return Promise.all(wanted.map(async ([, { grad }]) => grad?.floats()));
  };
  const [dx, dweight, dbias] = await gradients(['x', 'weight', 'bias']);
  expect(await gradients(['x'])).toEqual([dx]);
  expect(await gradients(['x', 'weight'])).toEqual([dx, dweight]);
  expect(await gradients(['bias'])).toEqual([dbias]);
});
