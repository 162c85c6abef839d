import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeSafetensors } from '../../src/export/safetensors.ts';
import { GPT } from '../../src/model/gpt.ts';
import type { Linear } from '../../src/model/layers.ts';
import { noiseScaleOf } from '../../src/report/inside.ts';
import type { Precision } from '../../src/tensor/capabilities.ts';
import { sizeOf } from '../../src/tensor/shape.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { Windows } from '../../src/text/windows/windows.ts';
import { modelConfig, resolveConfig, type TrainConfig } from '../../src/train/config.ts';
import type { RunEvent, TrainRunOptions } from '../../src/train/run/events.ts';
import { trainRun } from '../../src/train/run/run.ts';
import { readLog } from '../../src/train/runFolder.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { Watch } from '../../src/train/watch/watch.ts';
import { testEngine } from '../helpers/engine.ts';
import { expectClose, randomIds } from '../helpers/numbers.ts';

const engine = await testEngine();
const scratch = mkdtempSync(join(tmpdir(), 'dawnlm-watch-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** A watched trainer of `tiny`; `plant` changes its weights before the first step. */
function watched(settings: Partial<TrainConfig>, every = 2, plant?: (model: GPT) => void) {
  const config = resolveConfig('tiny', { warmupSteps: 0, schedule: 'constant', learningRate: 0.01, ...settings });
  const model = new GPT(engine, modelConfig(config, 31)).initialize(1);
  plant?.(model);
  const trainer = new Trainer(model, config);
  const watch = new Watch(trainer, every);
  const windows = new Windows(Uint16Array.from(randomIds([5000], 31, 1)), config);
  const { gradientAccumulation: count } = config;
  const step = () => watch.train(Array.from({ length: count }, (_, i) => windows.batch(trainer.step * count + i)));
  return { model, trainer, watch, step };
}

const norm = (numbers: Iterable<number>): number => Math.sqrt([...numbers].reduce((sum, x) => sum + x * x, 0));
const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, x, i) => sum + x * b[i], 0);

/** What the blocks compute of the batch: read back, for the same to be calculated in float64. */
async function activationsOf(model: GPT, ids: Tensor) {
  const seen = model.blocks.map(() => ({ qkv: undefined as Tensor | undefined, added: new Map<Linear, Tensor[]>() }));
  engine.withoutGradients(() =>
    model.hidden(ids, {
      observer: {
        attending: (qkv, layer) => void Object.assign(seen[layer], { qkv }),
        adding: (y, { stream, by, layer }) => void seen[layer].added.set(by, [y, stream]),
      },
    }),
  );
  return Promise.all(
    model.blocks.map(async ({ projection, down }, layer) => {
      const [heads, stream] = seen[layer].added.get(projection)!;
      const [units] = seen[layer].added.get(down)!;
      const weight = await projection.weight.floats();
      const [qkv, y, x, u] = await Promise.all([seen[layer].qkv!, heads, stream, units].map((one) => one.floats()));
      return { qkv, heads: y, stream: x, units: u, weight, transposed: projection.transposed };
    }),
  );
}

/** Entropy and share of a head, as their definitions say. */
function headOf(
  { qkv, heads, stream, weight, transposed }: Awaited<ReturnType<typeof activationsOf>>[number],
  { config: { nHead: H, nKvHead: K, nEmbd: C, blockSize: T } }: GPT,
  head: number,
) {
  const [D, rows] = [C / H, heads.length / C];
  const width = (H + 2 * K) * D;
  const key = H + Math.floor(head / (H / K));
  let [entropy, square] = [0, 0];
  for (let row = 0; row < rows; row++) {
    const weights = Array.from({ length: (row % T) + 1 }, (_, j) => {
      const [q, k] = [row * width + head * D, (row - (row % T) + j) * width + key * D];
      return Math.exp(dot(qkv.subarray(q, q + D), qkv.subarray(k, k + D)) / Math.sqrt(D));
    });
    const sum = weights.reduce((total, one) => total + one, 0);
    for (const one of weights) entropy -= (one / sum) * Math.log(one / sum);
    for (let c = 0; c < C; c++) {
      let part = 0;
      for (let d = head * D; d < (head + 1) * D; d++) {
        part += heads[row * C + d] * weight[transposed ? c * C + d : d * C + c];
      }
      square += part * part;
    }
  }
  return { entropy: entropy / rows, share: Math.sqrt(square) / norm(stream) };
}

function deadOf({ units }: { units: Float32Array }, tokens: number): number {
  const width = units.length / tokens;
  const threshold = 0.01 * (norm(units) / Math.sqrt(units.length));
  const peaks = Array.from({ length: width }, (_, c) =>
    Math.max(...Array.from({ length: tokens }, (_, t) => Math.abs(units[t * width + c]))),
  );
  return peaks.filter((peak) => peak <= threshold).length / width;
}

describe('a watched step is measured as float64 does', () => {
  const hasHalves = engine.capabilities.features.includes('shader-f16');
  const inParts = { style: 'llama', gradientAccumulation: 3, dropout: 0.1 };
  const settings: [string, Precision, Partial<TrainConfig>][] = [
    ['gpt2, AdamW', 'float32', {}],
    ['gpt2 with biases, Muon, in two batches', 'float32', { bias: true, optimizer: 'muon', gradientAccumulation: 2 }],
    [
      'llama, Muon, grouped',
      'float32',
      { style: 'llama', optimizer: 'muon', nHead: 4, nKvHead: 2, tieEmbeddings: false },
    ],
    ['llama, AdamW, dropout, in three batches', 'float32', inParts],
    ['gpt2, AdamW', 'mixed', {}],
    ['llama, AdamW, dropout, in three batches', 'mixed', inParts],
  ];
  it.each(settings.filter(([, precision]) => precision === 'float32' || hasHalves))(
    '%s, %s',
    async (_, precision, settings) => {
      engine.precision = precision;
      const { model, trainer, watch, step } = watched(settings);
      const { parameters } = model;
      const read = async () => ({
        values: new Map(parameters.split(await parameters.values.floats()).map(({ name, data }) => [name, data])),
        gradients: parameters.split(await parameters.gradients!.floats(), 'gradients'),
      });
      step();
      expect(await watch.read()).toBeUndefined();
      const before = await read();
      step();
      const after = await read();
      const [scaleBefore, lossScale] = (await trainer.metrics(2)).map((one) => one.lossScale);
      const seen = (await watch.read())!;

      const matrices = parameters.specs.filter(({ shape }) => shape.length > 1);
      expect(seen.weights.map(({ name }) => name)).toEqual(matrices.map(({ name }) => name));
      for (const { name, rms, update, gradient } of seen.weights) {
        const [then, now] = [before.values.get(name)!, after.values.get(name)!];
        const slope = after.gradients.find((one) => one.name === name)!.data;
        const expected = [
          norm(now) / Math.sqrt(now.length),
          norm(Float64Array.from(now, (w, i) => w - then[i])) / norm(now),
          norm(slope) / lossScale,
        ];
        const ratios = [rms, update, gradient].map((value, i) => value / expected[i]);
        expectClose(ratios, [1, 1, 1], 1e-5, name);
        expect(update).toBeGreaterThan(1e-5);
      }
      const flat = ({ gradients }: typeof before, scale: number) =>
        gradients.flatMap(({ data }) => [...data].map((g) => g / scale));
      const product = dot(flat(before, scaleBefore), flat(after, lossScale));
      const most = norm(flat(before, scaleBefore)) * norm(flat(after, lossScale));
      expect(Math.abs(seen.gradientProduct! - product)).toBeLessThan(1e-5 * most);

      const [{ ids }] = trainer.batches;
      const activations = await activationsOf(model, ids);
      activations.forEach((layer, l) => {
        seen.heads[l].forEach((head, h) => {
          const expected = headOf(layer, model, h);
          expectClose(
            [head.entropy, head.share / expected.share],
            [expected.entropy, 1],
            precision === 'mixed' ? 3e-3 : 1e-4,
            `head ${l} ${h}`,
          );
        });
        expect(seen.deadUnits[l]).toBe(deadOf(layer, sizeOf(ids.shape)));
      });
    },
  );

  it('a head whose part of the projection is nothing adds nothing, one that cannot ask looks at all alike, units that are cut off are dead', async () => {
    const still = { learningRate: 0, minLearningRate: 0 };
    const { model, watch, step } = watched(still, 1, ({ parameters, config: { nEmbd: C } }) => {
      const at = 'transformer.h.1.';
      const clear = (name: string, isCleared: (row: number, column: number) => boolean) => {
        const tensor = parameters.get(`${at}${name}.weight`);
        const [rows, columns] = tensor.shape;
        const fresh = parameters.join((other, shape) =>
          Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(1 + i * i + other.length)),
        );
        const data = fresh
          .slice(0, rows * columns)
          .map((value, i) => (isCleared(Math.floor(i / columns), i % columns) ? 0 : value));
        tensor.write(data);
      };
      clear('attn.c_proj', (row) => row < C / 2); //                  what the first of two heads writes
      clear('attn.c_attn', (_, column) => column >= C / 2 && column < C); // the queries of the second
      clear('mlp.c_fc', (_, column) => column % 4 === 0);
    });
    step();
    const { heads, deadUnits, weights } = (await watch.read())!;
    const [dead, uniform] = heads[1];
    const { blockSize: T } = model.config;
    const logs = Array.from({ length: T }, (_, t) => Math.log(t + 1) / T).reduce((sum, one) => sum + one, 0);
    expect(dead.share).toBe(0);
    expect(uniform.share).toBeGreaterThan(0.1);
    expect(uniform.entropy).toBeCloseTo(logs, 5);
    expect(dead.entropy).toBeLessThan(logs - 0.1);
    expect(deadUnits).toEqual([0, 0.25]);
    expect(weights.map(({ update }) => update)).toEqual(weights.map(() => 0));
  });
});

const TEXT = Array.from({ length: 300 }, (_, i) => `Line ${i}: the whale, the sea and ${i % 7} sailors.\n`).join('');

async function run(name: string, settings: Partial<TrainConfig>, options: Partial<TrainRunOptions> = {}) {
  const corpus = {
    ...{ name: 'lines', source: 'this test', licence: 'none' },
    async *bytes() {
      yield new TextEncoder().encode(TEXT);
    },
  };
  const every = { logEvery: 5, evalEvery: 6, checkpointEvery: 6, steps: 14, warmupSteps: 2, dropout: 0.1 };
  const config = resolveConfig('tiny', { ...every, ...settings });
  const folder = join(scratch, name);
  const adapter = { name: 'the test adapter', software: true };
  const { log } = await trainRun({ engine, adapter, corpus, config, folder, resume: false, ...options });
  const { tensors } = decodeSafetensors(readFileSync(join(folder, 'resume.safetensors')), name);
  const inside = log.flatMap(({ step, inside }) => (inside ? { step, ...inside } : []));
  return { log, inside, folder, tensors: new Map([...tensors].map(([key, { data }]) => [key, [...data]])) };
}

describe.each<Partial<TrainConfig>>([{ optimizer: 'muon' }, { style: 'llama', gradientAccumulation: 2 }])(
  'a watched run (%o)',
  (settings) => {
    const watching = { ...settings, watch: true, watchEvery: 2 };

    const name = `${Object.keys(settings)}`;
    let planned = 0;
    let whole: Awaited<ReturnType<typeof run>>;
    beforeAll(async () => {
      whole = await run(`watched ${name}`, watching, {
        onEvent: (event: RunEvent) => {
          if (event.type !== 'plan') return;
          planned = event.memory.find(({ what }) => what === 'measurements inside')!.sizeBytes;
        },
      });
    });

    it('has the losses and weights of one that is not, to the bit; its log is read back', async () => {
      const plain = await run(`plain ${name}`, settings);
      const { log, inside, tensors, folder } = whole;
      const losses = (records: typeof log) =>
        records.map((one) => [one.step, one.loss, one.gradientNorm, one.validationLoss]);
      expect(losses(log)).toEqual(losses(plain.log));
      expect(tensors).toEqual(plain.tensors);
      expect(plain.inside).toEqual([]);
      expect(inside.map(({ step }) => step)).toEqual([2, 4, 6, 8, 10, 12, 14]);
      expect(await readLog(folder)).toEqual(log);
      expect(inside.map(({ noiseScale }) => noiseScale).slice(0, 2)).toEqual([null, null]);
      expect(inside.at(-1)!.noiseScale).toBe(noiseScaleOf(log) ?? null);
      const numbers = [...tensors.values()].reduce((sum, { length }) => sum + length, 0) / 3; // with two moments each
      expect(planned).toBeGreaterThan(2 * 4 * numbers);
    });

    it('that was stopped and resumed goes on as if it had not been', async () => {
      const controller = new AbortController();
      const onEvent = (event: RunEvent) => {
        if (event.type === 'log' && event.record.step >= 8) controller.abort();
      };
      await run(`parts ${name}`, watching, { signal: controller.signal, onEvent });
      const { inside, tensors } = await run(`parts ${name}`, watching, { resume: true });
      expect(tensors).toEqual(whole.tensors);
      expect(inside).toEqual(whole.inside);
    });
  },
);

it('watching begins and ends with a resumed run, which stays the same run', async () => {
  const controller = new AbortController();
  const onEvent = (event: RunEvent) => {
    if (event.type === 'log' && event.record.step >= 5) controller.abort();
  };
  await run('later', {}, { signal: controller.signal, onEvent });
  const { inside, tensors } = await run('later', { watch: true, watchEvery: 1 }, { resume: true });
  expect(inside.map(({ step }) => step)).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14]);
  expect(inside.map(({ gradientProduct }) => gradientProduct === null)).toEqual([true, ...Array(8).fill(false)]);
  expect(tensors).toEqual((await run('never', {})).tensors);
});
