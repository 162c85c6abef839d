import { describe, expect, it } from 'vitest';
import type { GPT } from '../../src/model/gpt.ts';
import { LoraAdapters, type LoraSettings, linearLayers, targetsOf } from '../../src/model/lora.ts';
import { STYLES } from '../../src/model/styles.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import { sizeOf } from '../../src/tensor/shape.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { resolveConfig } from '../../src/train/config.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { testEngine } from '../helpers/engine.ts';
import { smallModel } from '../helpers/models.ts';
import { expectClose, normalNumbers, randomIds } from '../helpers/numbers.ts';

const [B, T, V] = [3, 13, 23];
const settings = (model: GPT, more: Partial<LoraSettings> = {}): LoraSettings => ({
  ...{ rank: 3, alpha: 6, targets: targetsOf(model.config), dropout: 0 },
  ...more,
});

/** Adapters whose second matrices are no zeros: as if they had learned something. */
function learned(engine: Engine, model: GPT, seed: number, more: Partial<LoraSettings> = {}): LoraAdapters {
  const adapters = new LoraAdapters(engine, model, settings(model, more)).initialize(seed);
  adapters.parameters.specs.forEach(({ name, shape }, i) => {
    if (name.includes('lora_B')) adapters.parameters.get(name).write(normalNumbers(shape, seed + i, 0.1));
  });
  return adapters;
}

const logitsOf = (engine: Engine, model: GPT, state?: Tensor): Promise<Float32Array> => {
  const ids = engine.tensor(randomIds([B, T], V, 1), [B, T]);
  return engine.withoutGradients(() => model.logits(model.hidden(ids, { state }))).floats();
};

const lossOf = (engine: Engine, model: GPT): Tensor =>
  model.loss(...([1, 2].map((seed) => engine.tensor(randomIds([B, T], V, seed), [B, T])) as [Tensor, Tensor]));

describe.each(Object.keys(STYLES))('adapters of a model of the %s style', (style) => {
  it('change nothing at first', async () => {
    const engine = await testEngine();
    const model = smallModel(engine, style);
    const before = await logitsOf(engine, model);
    model.adapters = new LoraAdapters(engine, model, settings(model)).initialize(1);
    expectClose(await logitsOf(engine, model), before, 1e-6, 'logits');
  });

  it('merged into the weights compute what they computed beside them', async () => {
    const engine = await testEngine();
    const model = smallModel(engine, style);
    const plain = await logitsOf(engine, model);
    const adapters = learned(engine, model, 5);
    model.adapters = adapters;
    const beside = await logitsOf(engine, model);
    expect(Math.max(...beside.map((logit, i) => Math.abs(logit - plain[i])))).toBeGreaterThan(0.01);
    adapters.merge();
    expect(model.adapters).toBeUndefined();
    expectClose(await logitsOf(engine, model), beside, 2e-6, 'logits');
  });

  it('have the gradients that finite differences of the loss have', async () => {
    const engine = await testEngine();
    const model = smallModel(engine, style);
    const adapters = learned(engine, model, 9);
    model.adapters = adapters;
    const { parameters } = adapters;
    parameters.requireGradients();
    engine.backward(lossOf(engine, model));
    const gradients = parameters.split(await parameters.gradients!.floats(), 'gradients');
    for (const [i, { name, shape, data }] of gradients.entries()) {
      // along the gradient itself, where the change is largest: the slope is its length
      const length = Math.sqrt(data.reduce((sum, x) => sum + x * x, 0));
      const values = await parameters.get(name).floats();
      const step = 0.005;
      const at = async (sign: number): Promise<number> => {
        parameters.get(name).write(values.map((value, j) => value + (sign * step * data[j]) / length));
        return (await engine.withoutGradients(() => lossOf(engine, model)).floats())[0];
      };
      const slope = ((await at(1)) - (await at(-1))) / (2 * step);
      parameters.get(name).write(values);
      expect(sizeOf(shape), name).toBe(data.length);
      // rounding of a loss of 3 nats by 5e-7, over 2 steps, and the third derivative
      expect(Math.abs(slope - length), `${i} ${name}: slope ${slope}, gradient ${length}`).toBeLessThan(
        1e-4 + 0.01 * length,
      );
    }
  });

  it('learn while the model stays as it is, to the bit', async () => {
    const engine = await testEngine();
    const model = smallModel(engine, style, { dropout: 0.1 });
    const adapters = new LoraAdapters(engine, model, settings(model, { dropout: 0.1 })).initialize(1);
    model.adapters = adapters;
    const config = resolveConfig('tiny', { batchSize: B, blockSize: T, warmupSteps: 0, learningRate: 0.01, steps: 60 });
    const trainer = new Trainer(model, config, [{ parameters: adapters.parameters }]);
    const [base, own] = [await model.parameters.values.floats(), await adapters.parameters.values.floats()];
    const [inputs, targets] = [randomIds([B, T], V, 1), randomIds([B, T], V, 1).map((id) => (id + 1) % V)];
    for (let i = 0; i < 60; i++) trainer.train([{ inputs, targets }]);
    const losses = (await trainer.metrics(60)).map(({ loss }) => loss);
    expect(losses[59]).toBeLessThan(losses[0] - 0.1);
    expect(await model.parameters.values.floats()).toEqual(base);
    expect(await adapters.parameters.values.floats()).not.toEqual(own);
    expect(model.parameters.gradients).toBeUndefined();
  });

  it('serve one model in turn', async () => {
    const engine = await testEngine();
    const model = smallModel(engine, style);
    const sets = [undefined, learned(engine, model, 3), learned(engine, model, 4)];
    const logits: Float32Array[] = [];
    for (const adapters of [...sets, ...sets]) {
      model.adapters = adapters;
      logits.push(await logitsOf(engine, model));
    }
    expect(logits.slice(3)).toEqual(logits.slice(0, 3));
    expect(new Set(logits.map((one) => one[0])).size).toBe(3);
  });

  it('stand beside the layers that are named', async () => {
    const model = smallModel(await testEngine(), style);
    const { engine } = model.parameters;
    const [first] = targetsOf(model.config);
    const some = new LoraAdapters(engine, model, settings(model, { targets: [first] }));
    expect(some.layers.map(({ name }) => name.split('.').at(-1))).toEqual([first, first]);
    expect(new LoraAdapters(engine, model, settings(model)).layers).toHaveLength(8);
    expect(linearLayers(model.config)).toHaveLength(8);
    const count = some.layers.reduce((sum, { inner, outer }) => sum + 3 * (inner + outer), 0);
    expect(some.parameters.count).toBe(count);
  });
});

it('drops inputs of adapters in training alone, the same ones for the same step', async () => {
  const engine = await testEngine();
  const model = smallModel(engine, 'gpt2');
  model.adapters = learned(engine, model, 5, { dropout: 0.5 });
  const state = (step: number) => engine.tensor(Uint32Array.of(1, step), [2]);
  const [plain, first, again, second] = [
    await logitsOf(engine, model),
    await logitsOf(engine, model, state(0)),
    await logitsOf(engine, model, state(0)),
    await logitsOf(engine, model, state(1)),
  ];
  expect(again).toEqual(first);
  expect(second).not.toEqual(first);
  expect(plain).not.toEqual(first);
});

it('refuses targets that there are not, and senseless settings, in a sentence', async () => {
  const model = smallModel(await testEngine(), 'gpt2');
  const make = (more: Partial<LoraSettings>) => () =>
    new LoraAdapters(model.parameters.engine, model, settings(model, more));
  expect(make({ targets: ['q_proj'] })).toThrow(
    'the model has no linear layer "q_proj"; adapters can stand beside c_attn, attn.c_proj, c_fc, mlp.c_proj',
  );
  expect(make({ targets: [] })).toThrow('no targets were given');
  expect(make({ rank: 0 })).toThrow('the rank of adapters must be a whole number from 1 to 24, got 0');
  expect(make({ rank: 25 })).toThrow('got 25');
  expect(make({ alpha: Number.NaN })).toThrow('alpha must be above 0');
  expect(make({ dropout: 1 })).toThrow("the adapters' dropout must be at least 0 and below 1, got 1");
});
