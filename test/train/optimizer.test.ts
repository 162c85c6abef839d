import { describe, expect, it } from 'vitest';
import { muonReference } from '../../src/kernels/optimizer/muon.ts';
import { packSettings } from '../../src/kernels/optimizer/optimizer.ts';
import { resolveConfig } from '../../src/train/config.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { testEngine } from '../helpers/engine.ts';
import { smallModel } from '../helpers/models.ts';
import { expectClose, randomIds } from '../helpers/numbers.ts';

const SETTINGS = { batchSize: 3, blockSize: 13, warmupSteps: 0, learningRate: 0.01, schedule: 'constant' };
const inputs = randomIds([3, 13], 23, 5);
const batch = { inputs, targets: randomIds([3, 13], 23, 6) };

/** A small model's parameters before and after a step, its gradients, and the norm of all of them. */
async function step(style: 'gpt2' | 'llama', optimizer: 'adamw' | 'muon') {
  const model = smallModel(await testEngine(), style);
  const { parameters } = model;
  const config = resolveConfig('tiny', { ...SETTINGS, muonFactor: 1.5, optimizer });
  const before = await parameters.values.floats();
  const trainer = new Trainer(model, config);
  trainer.train([batch]);
  const [{ gradientNorm: norm }] = await trainer.metrics(1);
  const parts = (flat: Float32Array) => new Map(parameters.split(flat).map((part) => [part.name, part]));
  const [after, gradients] = [await parameters.values.floats(), await parameters.gradients!.floats()];
  return { config, norm, before: parts(before), after: parts(after), gradients: parts(gradients) };
}

/** Columns [from, from + count) of a row-major matrix. */
const columns = (data: Float32Array, width: number, from: number, count: number): Float64Array =>
  Float64Array.from(data.filter((_, i) => i % width >= from && i % width < from + count));

describe.each(['gpt2', 'llama'] as const)('Muon on a model of the %s style', (style) => {
  it("takes the blocks' matrices one by one, and leaves the rest to AdamW, to the bit", async () => {
    const { config, norm, before, after, gradients } = await step(style, 'muon');
    const plain = await step(style, 'adamw');
    const { learningRate, beta1, beta2, epsilon, weightDecay, clipNorm } = config;
    const settings = packSettings({ learningRate, beta1, beta2, epsilon, weightDecay, clipNorm }, 1);
    let matrices = 0;
    for (const [name, { shape, data }] of after) {
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
    expect(matrices).toBe(2 * (style === 'gpt2' ? 6 : 7));
  });
});
