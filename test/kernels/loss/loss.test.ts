import { describe, expect, it } from 'vitest';
import { crossEntropy, IGNORE, tokenLosses } from '../../../src/kernels/loss/loss.ts';
import { IGNORE as IGNORE_OF_BATCHES } from '../../../src/text/windows/windows.ts';
import { testEngine } from '../../helpers/engine.ts';
import { describeAnchors, goldenCases, runOp } from '../../helpers/golden.ts';
import { expectClose, normalNumbers } from '../../helpers/numbers.ts';

const ids = (shape: readonly number[], data: ArrayLike<number>) => ({ shape, data: Uint32Array.from(data) }); // -1 becomes IGNORE

describeAnchors(
  crossEntropy,
  goldenCases('cross_entropy').map(({ inputs: { logits, targets }, gradients, ...rest }) => ({
    ...rest,
    inputs: { logits, targets: ids(targets.shape, targets.data) },
    gradients: { logits: gradients.logits },
  })),
);

describe.each(['naive', 'rows'])('crossEntropy %s', (variant) => {
  it('is 0 with gradients of 0 where no target counts', async () => {
    const logits = { shape: [3, 5], data: normalNumbers([3, 5], 1) };
    const targets = ids([3], [IGNORE, IGNORE, IGNORE]);
    const { output, gradients } = await runOp(crossEntropy, { logits, targets }, { variant });
    expect([...output]).toEqual([0]);
    expect([...gradients.logits].map(Math.abs)).toEqual(new Array(15).fill(0));
  });

  it('stays finite with logits of 1e4', async () => {
    const logits = { shape: [2, 3], data: Float32Array.of(1e4, -1e4, 0, -1e4, -1e4, 1e4) };
    const { output, gradients } = await runOp(crossEntropy, { logits, targets: ids([2], [1, 2]) }, { variant });
    expect([...output]).toEqual([1e4]); // (2e4 + 0) / 2
    expect([...gradients.logits].map((slope) => slope + 0)).toEqual([0.5, -0.5, 0, 0, 0, 0]);
  });

  it('weighs rows: sum w l / sum w, without those that do not count', async () => {
    const logits = { shape: [3, 2], data: Float32Array.of(0, 0, 0, 0, 3, 4) };
    const weights = { shape: [3], data: Float32Array.of(3, 1, 100) };
    const inputs = { logits, targets: ids([3], [0, 1, IGNORE]), weights };
    const { output, gradients } = await runOp(crossEntropy, inputs, { variant });
    expectClose(output, [Math.LN2], 1e-6);
    expect([...gradients.logits].map((slope) => slope + 0)).toEqual([-0.375, 0.375, 0.125, -0.125, 0, 0]);
  });

  it('gives the same bits with weights of 1 as without', async () => {
    const targets = ids(
      [67],
      Array.from({ length: 67 }, (_, i) => i % 11),
    );
    const inputs = { logits: { shape: [67, 9], data: normalNumbers([67, 9], 1, 3) }, targets };
    const weights = { shape: [67], data: new Float32Array(67).fill(1) };
    const plain = await runOp(crossEntropy, inputs, { variant });
    const weighted = await runOp(crossEntropy, { ...inputs, weights }, { variant });
    expect(weighted.output).toEqual(plain.output);
    expect(weighted.gradients.logits).toEqual(plain.gradients.logits);
  });

  it('is 0 with gradients of 0 where all weights are 0', async () => {
    const logits = { shape: [3, 5], data: normalNumbers([3, 5], 1) };
    const weights = { shape: [3], data: new Float32Array(3) };
    const inputs = { logits, targets: ids([3], [0, 1, 2]), weights };
    const { output, gradients } = await runOp(crossEntropy, inputs, { variant });
    expect([...output]).toEqual([0]);
    expect([...gradients.logits].map(Math.abs)).toEqual(new Array(15).fill(0));
  });

  it('takes its gradient times that of the loss', async () => {
    const logits = { shape: [1, 2], data: Float32Array.of(0, 0) };
    const dy = { shape: [], data: Float32Array.of(8) };
    const { gradients } = await runOp(crossEntropy, { logits, targets: ids([1], [0]) }, { variant, dy });
    expect([...gradients.logits]).toEqual([-4, 4]);
  });
});

describe('tokenLosses', () => {
  it('averages to the cross-entropy, with 0 for what does not count', async () => {
    const logits = { shape: [5, 67], data: normalNumbers([5, 67], 1, 3) };
    const inputs = { logits, targets: ids([5], [3, IGNORE, 66, 0, 3]) };
    const { output: losses } = await runOp(tokenLosses, inputs);
    const { output: mean } = await runOp(crossEntropy, inputs);
    expect(losses[1]).toBe(0);
    expectClose([losses.reduce((sum, loss) => sum + loss, 0) / 4], mean, 1e-6);
  });

  it('names targets of another shape', async () => {
    const engine = await testEngine();
    const [logits, targets] = [engine.zeros([2, 3, 4]), engine.zeros([6], 'u32')];
    expect(() => tokenLosses({ logits, targets })).toThrow(
      'tokenLosses: targets must be (2, 3) for logits (2, 3, 4), got (6)',
    );
  });
});

it('names weights of another shape', async () => {
  const engine = await testEngine();
  const [logits, targets, weights] = [engine.zeros([6, 4]), engine.zeros([6], 'u32'), engine.zeros([4])];
  expect(() => crossEntropy({ logits, targets, weights })).toThrow(
    'crossEntropy: weights must be (6), one for each target, got (4)',
  );
});

it('ignores what the batches ignore', () => expect(IGNORE).toBe(IGNORE_OF_BATCHES));
