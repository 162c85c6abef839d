import { describe, expect, it } from 'vitest';
import { upload } from '../../../src/check/ops.ts';
import { chunkRowsFor, headLoss, headLossPays } from '../../../src/kernels/loss/headLoss.ts';
import { crossEntropy, IGNORE } from '../../../src/kernels/loss/loss.ts';
import { matmul } from '../../../src/kernels/matmul/matmul.ts';
import type { Engine } from '../../../src/tensor/engine.ts';
import type { Numbers } from '../../../src/tensor/op.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { testEngine } from '../../helpers/engine.ts';
import { runOp } from '../../helpers/golden.ts';
import { expectClose, magnitude, normalNumbers, randomIds } from '../../helpers/numbers.ts';

const [R, C, V] = [150, 37, 211];

/** Rows and weights whose logits are of size 6, and targets of which some are ignored. */
const inputsOf = (ids = randomIds([R], V + 40, 3)) => ({
  hidden: { shape: [R, C], data: normalNumbers([R, C], 1) },
  weight: { shape: [V, C], data: normalNumbers([V, C], 2) },
  targets: { shape: [R], data: ids },
});

/** The loss and gradients of crossEntropy(hidden weight^T, targets), for the same inputs. */
async function composed(engine: Engine, inputs: ReturnType<typeof inputsOf>, dy: Numbers) {
  const { hidden, weight, targets } = upload(engine, inputs);
  for (const tensor of [hidden, weight]) {
    tensor.requiresGrad = true;
    tensor.grad = engine.zeros(tensor.shape);
  }
  const loss = crossEntropy({ logits: matmul({ a: hidden, b: weight }, { transposeB: true }), targets });
  engine.backward(loss, engine.tensor(dy.data, []));
  return {
    output: await loss.floats(),
    gradients: { hidden: await hidden.grad!.floats(), weight: await weight.grad!.floats() },
  };
}

describe.each([
  ['naive', undefined],
  ['chunked', 64],
  ['chunked', 128],
  ['chunked', undefined],
])('headLoss %s, chunks of %s', (variant, chunkRows) => {
  const attributes = chunkRows ? { chunkRows } : {};

  it('gives the loss and gradients of its composition', async () => {
    const dy = { shape: [], data: Float32Array.of(-3) };
    const { output, gradients } = await runOp(headLoss, inputsOf(), { attributes, variant, dy });
    const expected = await composed(await testEngine(), inputsOf(), dy);
    expectClose(output, expected.output, 1e-6 * magnitude(expected.output)); // both round logits of 37 terms
    // slopes of 1/R each, of which 211 or 150 are summed
    expectClose(gradients.hidden, expected.gradients.hidden, 1e-6);
    expectClose(gradients.weight, expected.gradients.weight, 1e-6);
  });

  it('is 0 with gradients of 0 where no target counts', async () => {
    const inputs = inputsOf(new Uint32Array(R).fill(IGNORE));
    const { output, gradients } = await runOp(headLoss, inputs, { attributes, variant });
    expect([...output]).toEqual([0]);
    for (const name of ['hidden', 'weight']) expect(gradients[name].every((slope) => slope === 0)).toBe(true);
  });

  it('stays finite with logits of 1e4', async () => {
    const hidden = { shape: [R, 1], data: new Float32Array(R).fill(100) };
    const weight = { shape: [3, 1], data: Float32Array.of(100, -100, 0) };
    const targets = { shape: [R], data: new Uint32Array(R).fill(1) };
    const { output, gradients } = await runOp(headLoss, { hidden, weight, targets }, { attributes, variant });
    expect([...output]).toEqual([2e4]);
    expectClose(gradients.weight, [100, -100, 0], 1e-4);
    expectClose(gradients.hidden, new Float32Array(R).fill(200 / R), 1e-5);
  });
});

describe('headLoss', () => {
  it('makes no gradient that nobody wants', async () => {
    const engine = await testEngine();
    const { hidden, weight, targets } = upload(engine, inputsOf());
    const products = (work: () => Tensor): number =>
      engine.observe(work).filter(({ kernel }) => kernel.spec.name === 'matmul').length;
    const loss = () => headLoss({ hidden, weight, targets }, { chunkRows: 64 });
    expect(products(loss)).toBe(3);
    hidden.requiresGrad = true;
    expect(products(loss)).toBe(6);
    weight.requiresGrad = true;
    expect(products(loss)).toBe(9);
    expect(products(() => engine.withoutGradients(loss))).toBe(3);
    engine.backward(loss());
  });

  it('takes chunks of 64 rows or their multiples, evened out, and pays where logits are many', async () => {
    expect(chunkRowsFor(768, 50257, true)).toBe(128);
    expect(chunkRowsFor(768, 5003, true)).toBe(192);
    expect(chunkRowsFor(800, 5003, true)).toBe(192);
    expect(chunkRowsFor(600, 2003, true)).toBe(320); // two chunks and not one of 512 and one of 88
    expect(chunkRowsFor(12288, 50257, false)).toBe(320);
    const engine = await testEngine();
    const pays = (rows: number, width: number, vocabulary: number): boolean =>
      engine.device.capture(() => headLossPays(engine.empty([rows, width]), engine.empty([vocabulary, width]))).result;
    expect(pays(768, 128, 65)).toBe(false); //   one chunk would hold all
    expect(pays(7680, 128, 50257)).toBe(true);
    expect(pays(192, 1024, 20011)).toBe(false); // dWeight is larger than the logits and their gradient
  });

  it('names what does not fit', async () => {
    const engine = await testEngine();
    const [hidden, weight, targets] = [engine.zeros([2, 3, 4]), engine.zeros([5, 4]), engine.zeros([2, 3], 'u32')];
    expect(() => headLoss({ hidden, weight: engine.zeros([4, 5]), targets }, {})).toThrow(
      'headLoss: hidden (..., C) and weight (V, C) do not fit, got hidden (2, 3, 4), weight (4, 5)',
    );
    expect(() => headLoss({ hidden, weight, targets: engine.zeros([6], 'u32') }, {})).toThrow(
      'headLoss: targets must be (2, 3) for hidden (2, 3, 4), got (6)',
    );
    expect(() => headLoss({ hidden, weight, targets }, { chunkRows: 65 })).toThrow(
      'headLoss: chunkRows must be a multiple of 64, got 65',
    );
  });
});
