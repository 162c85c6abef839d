import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { resolveConfig } from '../../src/train/config.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { testEngine } from '../helpers/engine.ts';

/** Logits, gradients and ten losses of a small model of each style against PyTorch's (test/golden/README.md). */

interface Array2 {
  shape: number[];
  data: number[];
}
interface TokenBatch {
  inputs: Array2;
  targets: Array2;
}
interface Golden {
  config: Record<string, number & boolean>;
  parameters: Record<string, Array2>;
  batch: TokenBatch;
  logits: Array2;
  loss: number;
  gradients: Record<string, Array2>;
  training: {
    batches: TokenBatch[];
    losses: number[];
    gradientNorms: number[];
    finalParameters: Record<string, Array2>;
  };
}

const load = (name: string): Golden =>
  JSON.parse(readFileSync(new URL(`../golden/data/${name}-small.json`, import.meta.url), 'utf8'));

const configOf = (style: 'gpt2' | 'llama', c: Golden['config']): ModelConfig =>
  style === 'gpt2'
    ? {
        ...{ style, vocabSize: c.vocab_size, blockSize: c.n_positions, nLayer: c.n_layer, nHead: c.n_head },
        ...{ nKvHead: c.n_head, nEmbd: c.n_embd, nHidden: 4 * c.n_embd, dropout: 0, normEps: 1e-5 },
        ...{ ropeBase: 10000, tieEmbeddings: true, bias: true },
      }
    : {
        ...{ style, vocabSize: c.vocab_size, blockSize: c.max_position_embeddings, nLayer: c.num_hidden_layers },
        ...{ nHead: c.num_attention_heads, nKvHead: c.num_key_value_heads, nEmbd: c.hidden_size },
        ...{ nHidden: c.intermediate_size, dropout: 0, normEps: 1e-5, ropeBase: 10000 },
        ...{ tieEmbeddings: false, bias: false },
      };

const ids = ({ data }: Array2): Uint32Array<ArrayBuffer> => Uint32Array.from(data, (id) => (id < 0 ? 0xffffffff : id));
const batchOf = ({ inputs, targets }: TokenBatch) => ({ inputs: ids(inputs), targets: ids(targets) });

/** Distance of two arrays relative to the length of the expected one. */
function relativeError(actual: ArrayLike<number>, expected: readonly number[]): number {
  let difference = 0;
  let length = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i] - expected[i]) ** 2;
    length += expected[i] ** 2;
  }
  return Math.sqrt(difference / length);
}

/** The gradient of a key bias is zero in exact arithmetic (softmax ignores what all keys share): rounding is all there is. */
const withoutKeyBias = (name: string, numbers: ArrayLike<number>): number[] => {
  const all = Array.from(numbers);
  const third = all.length / 3;
  return name.endsWith('c_attn.bias') ? [...all.slice(0, third), ...all.slice(2 * third)] : all;
};

describe.each(['gpt2', 'llama'] as const)('%s style against PyTorch', (style) => {
  const golden = load(style);
  const fresh = async () => {
    const model = new GPT(await testEngine(), configOf(style, golden.config));
    const { parameters } = model;
    expect(parameters.specs.map(({ name }) => name).sort()).toEqual(Object.keys(golden.parameters).sort());
    parameters.values.write(parameters.join((name) => golden.parameters[name].data));
    return model;
  };

  it('gives the same logits', async () => {
    const model = await fresh();
    const { engine } = model.parameters;
    const logits = model.logits(model.hidden(engine.tensor(ids(golden.batch.inputs), golden.batch.inputs.shape)));
    expect(logits.shape).toEqual(golden.logits.shape);
    expect(relativeError(await logits.floats(), golden.logits.data)).toBeLessThan(1e-5);
  });

  it.each(['naive', 'best'])(
    'gives the same loss and the gradient of every parameter (%s kernels)',
    async (variant) => {
      const model = await fresh();
      const { engine } = model.parameters;
      const { gradients } = model.parameters.requireGradients();
      engine.variant = variant;
      const { inputs, targets } = batchOf(golden.batch);
      const loss = model.loss(
        engine.tensor(inputs, golden.batch.inputs.shape),
        engine.tensor(targets, golden.batch.targets.shape),
      );
      engine.backward(loss);
      expect(Math.abs((await loss.floats())[0] / golden.loss - 1)).toBeLessThan(1e-5);
      for (const { name, data } of model.parameters.split(await gradients!.floats())) {
        const expected = withoutKeyBias(name, golden.gradients[name].data);
        expect(relativeError(withoutKeyBias(name, data), expected), name).toBeLessThan(1e-4);
      }
    },
  );

  it('gives the same ten losses, gradient norms and final parameters', async () => {
    const model = await fresh();
    const { nLayer, nHead, nKvHead, nEmbd, blockSize } = model.config;
    const [batchSize, T] = golden.training.batches[0].inputs.shape;
    expect(T).toBeLessThanOrEqual(blockSize);
    const config = resolveConfig('tiny', {
      ...{ style, nLayer, nHead, nEmbd, nKvHead: style === 'llama' ? nKvHead : 0, batchSize, blockSize: T, steps: 10 },
      ...{ schedule: 'constant', learningRate: 1e-2, warmupSteps: 0, beta2: 0.95, weightDecay: 0.1, clipNorm: 1 },
    });
    const trainer = new Trainer(model, config);
    for (const batch of golden.training.batches) trainer.train([batchOf(batch)]);
    const metrics = await trainer.metrics(10);
    expect(metrics.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    metrics.forEach(({ loss, gradientNorm }, i) => {
      expect(Math.abs(loss / golden.training.losses[i] - 1), `loss ${i}`).toBeLessThan(1e-4);
      expect(Math.abs(gradientNorm / golden.training.gradientNorms[i] - 1), `norm ${i}`).toBeLessThan(1e-4);
    });
    for (const { name, data } of model.parameters.split(await model.parameters.values.floats())) {
      const expected = withoutKeyBias(name, golden.training.finalParameters[name].data);
      expect(relativeError(withoutKeyBias(name, data), expected), name).toBeLessThan(1e-4);
    }
  });
});
