import { describe, expect, it } from 'vitest';
import { add } from '../../src/kernels/add.ts';
import type { GPT } from '../../src/model/gpt.ts';
import { STYLES } from '../../src/model/styles.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { resolveConfig } from '../../src/train/config.ts';
import { Stepper, type StepSettings, type TrainableParameters } from '../../src/train/stepper.ts';
import { testEngine } from '../helpers/engine.ts';
import { smallModel } from '../helpers/models.ts';
import { expectClose, randomIds } from '../helpers/numbers.ts';

const SETTINGS = resolveConfig('tiny', { warmupSteps: 0, learningRate: 0.01, schedule: 'constant' });

/** A stepper of a language model's loss on one batch, dropout included. */
function stepperOf(engine: Engine, model: GPT, names?: readonly string[], settings: StepSettings = SETTINGS): Stepper {
  const [ids, targets] = [5, 6].map((seed) => engine.tensor(randomIds([3, 13], 23, seed), [3, 13]));
  const loss = (state: Tensor) => model.loss(ids, targets, { state });
  return new Stepper(engine, { parameters: [{ parameters: model.parameters, names }], loss }, settings);
}

const valuesOf = async ({ parameters }: GPT): Promise<Map<string, Float32Array>> =>
  new Map(parameters.split(await parameters.values.floats()).map(({ name, data }) => [name, data]));

/** The second of two blocks, the last norm: `--method last`. */
const isLast = (name: string): boolean => /\.1\.|ln_f|model\.norm/.test(name);

describe.each(Object.keys(STYLES))('frozen parameters of the %s style', (style) => {
  it('stay as they are, to the bit, while all others move', async () => {
    const engine = await testEngine();
    const model = smallModel(engine, style, { dropout: 0.1 });
    const names = model.parameters.specs.map(({ name }) => name).filter(isLast);
    const before = await valuesOf(model);
    const stepper = stepperOf(engine, model, names);
    for (let i = 0; i < 3; i++) stepper.run();
    for (const [name, data] of await valuesOf(model)) {
      if (isLast(name)) expect(data, name).not.toEqual(before.get(name));
      else expect(data, name).toEqual(before.get(name));
    }
  });

  it('take no kernels and no memory, and leave the gradients of the others as they were', async () => {
    const engine = await testEngine();
    const [all, last] = [smallModel(engine, style), smallModel(engine, style)];
    const names = all.parameters.specs.map(({ name }) => name).filter(isLast);
    const [whole, part] = [stepperOf(engine, all), stepperOf(engine, last, names)];
    expect(part.rehearse().length).toBeLessThan(0.8 * whole.rehearse().length);
    expect(part.gradientBytes).toBeLessThan(0.6 * whole.gradientBytes);
    whole.run();
    part.run();
    const gradients = async ({ parameters }: GPT) =>
      parameters.split(await parameters.gradients!.floats(), 'gradients').filter(({ name }) => isLast(name));
    const expected = await gradients(all);
    const got = await gradients(last);
    expect(got.map(({ name }) => name).sort()).toEqual(names.sort());
    got.forEach(({ name, data }, i) => {
      expectClose(data, Float64Array.from(expected[i].data), 1e-6, name);
    });
  });

  it('go on where they were saved, bit for bit', async () => {
    const engine = await testEngine();
    const run = async (steps: number[]): Promise<Float32Array> => {
      let model = smallModel(engine, style, { dropout: 0.1 });
      const names = model.parameters.specs.map(({ name }) => name).filter(isLast);
      let stepper = stepperOf(engine, model, names);
      for (const count of steps) {
        for (let i = 0; i < count; i++) stepper.run();
        const { tensors } = await stepper.save();
        const saved = new Map(tensors.map(({ name, data }) => [name, data]));
        const { step } = stepper;
        model = smallModel(engine, style, { dropout: 0.1 });
        stepper = stepperOf(engine, model, names);
        stepper.restore(step, (name) => saved.get(name)!);
      }
      return model.parameters.values.floats();
    };
    expect(await run([2, 3])).toEqual(await run([5]));
  });
});

it('tells of no steps that were taken before it was restored', async () => {
  const engine = await testEngine();
  const [before, after] = [
    stepperOf(engine, smallModel(engine, 'gpt2')),
    stepperOf(engine, smallModel(engine, 'gpt2')),
  ];
  for (let i = 0; i < 3; i++) before.run();
  const saved = new Map((await before.save()).tensors.map(({ name, data }) => [name, data]));
  after.restore(before.step, (name) => saved.get(name)!);
  expect(await after.metrics(2)).toEqual([]);
  before.run();
  after.run();
  expect(await after.metrics(4)).toEqual(await before.metrics(1));
});

describe('several collections', () => {
  const pair = (engine: Engine, rates: readonly [number?, number?], clipNorm = 0) => {
    const models = [smallModel(engine, 'gpt2'), smallModel(engine, 'gpt2').initialize(8)];
    const [ids, targets] = [5, 6].map((seed) => engine.tensor(randomIds([3, 13], 23, seed), [3, 13]));
    const parameters = models.map(
      (model, i): TrainableParameters => ({ parameters: model.parameters, rate: rates[i] }),
    );
    const loss = () => add({ a: models[0].loss(ids, targets), b: models[1].loss(ids, targets) });
    return { models, stepper: new Stepper(engine, { parameters, loss }, { ...SETTINGS, clipNorm }) };
  };

  it('are clipped by the norm of all of them', async () => {
    const engine = await testEngine();
    const { models, stepper } = pair(engine, []);
    stepper.run();
    const [{ gradientNorm }] = await stepper.metrics(1);
    let squares = 0;
    for (const { parameters } of models) {
      for (const value of await parameters.gradients!.floats()) squares += value * value;
    }
    expectClose([gradientNorm], [Math.sqrt(squares)], 1e-5, 'norm');
  });

  it('have learning rates of their own', async () => {
    const engine = await testEngine();
    const moved = async (rates: readonly [number?, number?]) => {
      const { models, stepper } = pair(engine, rates);
      const before = await Promise.all(models.map(({ parameters }) => parameters.values.floats()));
      stepper.run();
      const after = await Promise.all(models.map(({ parameters }) => parameters.values.floats()));
      return after.map((values, i) => values.map((value, j) => value - before[i][j]));
    };
    const [whole, half, none] = [await moved([1, 1]), await moved([1, 0.5]), await moved([1, 0])];
    expect(half[0]).toEqual(whole[0]);
    expectClose(
      half[1],
      Float64Array.from(whole[1], (change) => change / 2),
      1e-4,
      'half the rate',
    );
    expect(none[1].every((change) => change === 0)).toBe(true);
  });
});

it('wants something to train', async () => {
  const engine = await testEngine();
  expect(() => stepperOf(engine, smallModel(engine, 'gpt2'), [])).toThrow('needs parameters that are trained');
});

it('goes on from one form of batches to another', async () => {
  const engine = await testEngine();
  const run = async (forms: readonly number[]): Promise<Float32Array> => {
    const model = smallModel(engine, 'gpt2');
    const batches = [13, 7, 13].map((T, i) => engine.tensor(randomIds([3, T], 23, i === 1 ? 6 : 5), [3, T]));
    const loss = (_state: Tensor, _index: number, form: number) => model.loss(batches[form], batches[form]);
    const stepper = new Stepper(engine, { parameters: [{ parameters: model.parameters }], loss }, SETTINGS);
    for (const form of forms) stepper.run(form);
    return model.parameters.values.floats();
  };
  const [once, again] = [await run([0, 1, 0]), await run([0, 1, 2])]; // forms 0 and 2 are the same numbers
  expect(again).toEqual(once);
  expect(await run([0, 0, 0])).not.toEqual(once);
});
