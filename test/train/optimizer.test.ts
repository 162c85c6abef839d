import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { muonReference } from '../../src/kernels/optimizer/muon.ts';
import { packSettings } from '../../src/kernels/optimizer/optimizer.ts';
import type { GPT } from '../../src/model/gpt.ts';
import { resolveConfig } from '../../src/train/config.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { testEngine } from '../helpers/engine.ts';
import { smallModel } from '../helpers/models.ts';
import { expectClose, randomIds } from '../helpers/numbers.ts';

const SETTINGS = { batchSize: 3, blockSize: 13, warmupSteps: 0, learningRate: 0.01, schedule: 'constant' };
const inputs = randomIds([3, 13], 23, 5);
const batch = { inputs, targets: randomIds([3, 13], 23, 6) };

const namesOf = ({ parameters }: GPT, trained: RegExp): string[] =>
  parameters.specs.map(({ name }) => name).filter((name) => trained.test(name));

/** A small model's parameters before and after a step of those that are trained, their gradients, and the norm of all of them. */
async function step(style: 'gpt2' | 'llama', optimizer: 'adamw' | 'muon', trained: RegExp) {
  const model = smallModel(await testEngine(), style);
  const { parameters } = model;
  const config = resolveConfig('tiny', { ...SETTINGS, muonFactor: 1.5, optimizer });
  const before = await parameters.values.floats();
  const trainer = new Trainer(model, config, [{ parameters, names: namesOf(model, trained) }]);
  trainer.train([batch]);
  const [{ gradientNorm: norm }] = await trainer.metrics(1);
  const parts = (flat: Float32Array, layout: 'values' | 'gradients' = 'values') =>
    new Map(parameters.split(flat, layout).map((part) => [part.name, part]));
  const [after, gradients] = [await parameters.values.floats(), await parameters.gradients!.floats()];
  return { config, norm, before: parts(before), after: parts(after), gradients: parts(gradients, 'gradients') };
}

/** Columns [from, from + count) of a row-major matrix. */
const columns = (data: Float32Array, width: number, from: number, count: number): Float64Array =>
  Float64Array.from(data.filter((_, i) => i % width >= from && i % width < from + count));

const ALL = /./;
const LAST_BLOCK = /\.1\.|ln_f|model\.norm/;
/** What is trained is no neighbour: matrices of either block, an embedding between the frozen, the last norm. */
const HERE_AND_THERE = /wte|embed_tokens|\.0\.(self_)?attn|\.1\.mlp|ln_f|model\.norm/;

describe.each([
  ['gpt2', ALL, 12],
  ['llama', ALL, 14],
  ['gpt2', LAST_BLOCK, 6],
  ['llama', LAST_BLOCK, 7],
  ['gpt2', HERE_AND_THERE, 6],
  ['llama', HERE_AND_THERE, 7],
] as const)('Muon on a model of the %s style, of which %s is trained', (style, trained, count) => {
  it("takes the blocks' matrices one by one, and leaves the rest to AdamW, to the bit", async () => {
    const { config, norm, before, after, gradients } = await step(style, 'muon', trained);
    const plain = await step(style, 'adamw', trained);
    const { learningRate, beta1, beta2, epsilon, weightDecay, clipNorm } = config;
    const settings = packSettings({ learningRate, beta1, beta2, epsilon, weightDecay, clipNorm }, 1);
    let matrices = 0;
    for (const [name, { shape, data }] of after) {
      if (!trained.test(name)) {
        expect(data, name).toEqual(before.get(name)!.data);
        continue;
      }
      const isMatrix = /\.(h|layers)\.\d/.test(name) && shape.length === 2;
      if (!isMatrix) {
        expect([...data], name).toEqual([...plain.after.get(name)!.data]);
        continue;
      }
      const [rows, width] = shape;
      const count = name.includes('c_attn') ? width / 3 : width;
      for (let from = 0; from < width; from += count, matrices++) {
        const [values, gradient] = [before, gradients].map((all) => columns(all.get(name)!.data, width, from, count));
        const arrays = { values, gradients: gradient, firstMoment: new Float64Array(values.length) };
        muonReference(arrays, [rows, count], norm, settings, {
          momentum: config.muonMomentum,
          factor: config.muonFactor,
        });
        expectClose(columns(data, width, from, count), arrays.values, 2e-5, `${name} from column ${from}`);
      }
    }
    expect(matrices).toBe(count);
  });
});

it('refuses Muon where no matrix of a block is trained', async () => {
  const model = smallModel(await testEngine(), 'gpt2');
  const trainable = [{ parameters: model.parameters, names: namesOf(model, /wte|ln_f/) }];
  const config = resolveConfig('tiny', { ...SETTINGS, optimizer: 'muon' });
  expect(() => new Trainer(model, config, trainable)).toThrow(UsageError);
  expect(() => new Trainer(model, config, trainable)).toThrow(/none of them is trained here: use adamw/);
});
