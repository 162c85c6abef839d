import { expect, it } from 'vitest';
import { crossEntropy } from '../../src/kernels/loss/loss.ts';
import type { GPT } from '../../src/model/gpt.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { testEngine } from '../helpers/engine.ts';
import { smallModel } from '../helpers/models.ts';
import { expectClose, magnitude, randomIds } from '../helpers/numbers.ts';

/** A recorded step's gradients, with a loss. */
function recordStep(engine: Engine, model: GPT, loss: () => Tensor) {
  return engine.record(() => {
    engine.device.clear(model.parameters.gradients!.view);
    const value = loss();
    engine.backward(value);
    return { value };
  });
}

/** The same model and batch by `model.loss` and by logits that exist as a whole. */
function both(engine: Engine, model: GPT, B: number) {
  const T = model.config.blockSize;
  const [ids, targets] = [1, 2].map((seed) => engine.tensor(randomIds([B, T], model.config.vocabSize, seed), [B, T]));
  const whole = () => crossEntropy({ logits: model.logits(model.hidden(ids)), targets });
  return {
    chunked: recordStep(engine, model, () => model.loss(ids, targets)),
    whole: recordStep(engine, model, whole),
    evaluation: engine.withoutGradients(() => engine.record(() => ({ value: model.loss(ids, targets) }))),
    wholeEvaluation: engine.withoutGradients(() => engine.record(() => ({ value: whole() }))),
  };
}

const MIB = 2 ** 20;

it.each(['gpt2', 'llama'] as const)('%s: a large vocabulary costs a fraction of its logits', async (style) => {
  const engine = await testEngine();
  engine.variant = 'best';
  const model = smallModel(engine, style, { vocabSize: 5003, blockSize: 64, nLayer: 1 });
  model.parameters.requireGradients();
  const B = engine.capabilities.software ? 12 : 192; // GPUs take larger chunks
  const { chunked, whole, evaluation, wholeEvaluation } = both(engine, model, B);
  console.log(
    `${style}, ${64 * B} tokens of 5,003: ${(chunked.transientBytes / MIB).toFixed(1)} MiB, with whole logits ` +
      `${(whole.transientBytes / MIB).toFixed(1)}; without gradients ${(evaluation.transientBytes / MIB).toFixed(1)} ` +
      `and ${(wholeEvaluation.transientBytes / MIB).toFixed(1)}`,
  );
  expect(chunked.transientBytes).toBeLessThan(0.5 * whole.transientBytes);
  expect(evaluation.transientBytes).toBeLessThan(0.6 * wholeEvaluation.transientBytes);

  const outcome = async ({ outputs, run }: typeof chunked) => {
    run();
    return { loss: await outputs.value.floats(), gradients: await model.parameters.gradients!.floats() };
  };
  const [actual, expected] = [await outcome(chunked), await outcome(whole)];
  expectClose(actual.loss, expected.loss, 1e-5);
  expectClose(actual.gradients, expected.gradients, 1e-5 * magnitude(expected.gradients));
  const again = await outcome(chunked);
  expect(again.loss).toEqual(actual.loss);
  expect(Buffer.from(again.gradients.buffer).equals(Buffer.from(actual.gradients.buffer))).toBe(true);
  evaluation.run();
  expect(await evaluation.outputs.value.floats()).toEqual(actual.loss);
});

it('trains with the 50,257 tokens of GPT-2, whose logits no buffer holds', async () => {
  const engine = await testEngine();
  engine.variant = 'best';
  const model = smallModel(engine, 'gpt2', { vocabSize: 50257, blockSize: 64, nLayer: 1, nEmbd: 8 });
  model.parameters.requireGradients();
  const ids = engine.tensor(randomIds([12, 64], 50257, 1), [12, 64]);
  const { transientBytes, outputs, run } = recordStep(engine, model, () => model.loss(ids, ids));
  console.log(`768 tokens of 50,257: ${(transientBytes / MIB).toFixed(1)} MiB; their logits are 147.2 MiB`);
  run();
  expect(transientBytes).toBeLessThan(80 * MIB);
  expectClose(await outputs.value.floats(), [Math.log(50257)], 0.1);
});
