import { expect, it } from 'vitest';
import { GPT } from '../../src/model/gpt.ts';
import { Windows } from '../../src/text/windows/windows.ts';
import { modelConfig, resolveConfig } from '../../src/train/config.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { testEngine } from '../helpers/engine.ts';
import { randomIds } from '../helpers/numbers.ts';

it('allocates nothing after the first steps, and 500 steps leave resident memory flat', async () => {
  const engine = await testEngine();
  const config = resolveConfig('tiny', { dropout: 0.1, steps: 1000 });
  const trainer = new Trainer(new GPT(engine, modelConfig(config, 31)).initialize(1), config);
  const windows = new Windows(Uint16Array.from(randomIds([5000], 31, 1)), config);
  const train = async (steps: number) => {
    for (let i = 0; i < steps; i++) {
      trainer.train([windows.batch(trainer.step)]);
      if (i % 20 === 19) await trainer.metrics(20);
    }
  };
  await train(60);
  const { pool } = engine.device;
  const before = { created: pool.created, allocated: pool.allocatedBytes, rss: process.memoryUsage().rss };
  await train(500);
  expect(pool.created).toBe(before.created);
  expect(pool.allocatedBytes).toBe(before.allocated);
  expect(process.memoryUsage().rss - before.rss).toBeLessThan(24 * 2 ** 20);
});

it('plans the memory that training then takes, within 20%', async () => {
  const engine = await testEngine();
  const { pool } = engine.device;
  const before = pool.allocatedBytes;
  const config = resolveConfig('tiny', { batchSize: 32, nEmbd: 64 });
  const model = new GPT(engine, modelConfig(config, 31)).initialize(1);
  const trainer = new Trainer(model, config);
  const planned = 4 * 4 * model.parameters.values.size + trainer.transientBytes;
  const windows = new Windows(Uint16Array.from(randomIds([5000], 31, 1)), config);
  for (let i = 0; i < 20; i++) trainer.train([windows.batch(i)]);
  await trainer.metrics(20);
  const taken = pool.allocatedBytes - before;
  expect(taken).toBeGreaterThan(0.8 * planned);
  expect(taken).toBeLessThan(1.2 * planned);
});

it('gives the losses of the naive kernels with the best ones, over 50 steps within 1e-3', async () => {
  const engine = await testEngine();
  const config = resolveConfig('tiny', { steps: 50, batchSize: 4 });
  const windows = new Windows(Uint16Array.from(randomIds([5000], 31, 1)), config);
  const losses: number[][] = [];
  for (const variant of ['naive', 'best']) {
    engine.variant = variant;
    const trainer = new Trainer(new GPT(engine, modelConfig(config, 31)).initialize(1), config);
    for (let i = 0; i < 50; i++) trainer.train([windows.batch(i)]);
    losses.push((await trainer.metrics(50)).map(({ loss }) => loss));
  }
  losses[0].forEach((loss, i) => {
    expect(Math.abs(losses[1][i] - loss)).toBeLessThan(1e-3);
  });
  expect(losses[0][49]).toBeLessThan(losses[0][0]);
});

it('takes the tokens of a context that grows as shorter windows at first, to the bit, and then as they are', async () => {
  const engine = await testEngine();
  const whole = resolveConfig('tiny', { style: 'llama', steps: 3, warmupSteps: 1, batchSize: 2, contextGrowth: 0.6 });
  const steps = [2, 1, 0].map((halvings) =>
    resolveConfig('tiny', { ...whole, contextGrowth: 0, blockSize: 32 >> halvings, batchSize: 2 << halvings }),
  );
  const windows = new Windows(Uint16Array.from(randomIds([5000], 31, 1)), whole);
  const trainer = new Trainer(new GPT(engine, modelConfig(whole, 31)).initialize(1), whole);
  for (const [step, config] of steps.entries()) {
    const { model } = trainer;
    const other = new Trainer(new GPT(engine, modelConfig(config, 31)), { ...config, steps: 3 });
    const { tensors } = await trainer.save();
    other.restore(step, (name) => tensors.find((tensor) => tensor.name === name)!.data.slice());
    for (const one of [trainer, other]) one.train([windows.batch(step)]);
    const [[ours], [theirs]] = await Promise.all([trainer, other].map((one) => one.metrics(1)));
    expect(ours, `step ${step}`).toEqual(theirs);
    expect(await model.parameters.values.floats()).toEqual(await other.model.parameters.values.floats());
  }
});
