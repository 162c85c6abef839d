/** A tiny model learns to recall from its prompt, and is asked with 0 to 16 shots. */
import { mean } from 'simple-statistics';
import { z } from 'zod';
import { GPT } from '../../src/model/gpt.ts';
import { Scorer } from '../../src/model/score.ts';
import { argmax, wilsonInterval } from '../../src/tasks/metrics/classification.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import { modelConfig, resolveConfig, type TrainConfig } from '../../src/train/config.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { RecallTask, recallBatch, recallQuestion, recallVocabulary } from './recall.ts';

const count = z.int().min(0);
const share = z.number().min(0).max(1);

/** A part of the curriculum: sequences of one length. */
const RecallStage = z.object({
  ...{ pairs: count, batchSize: count },
  /** Different keys in a sequence at most, at its beginning and from 70% of it on. */
  distinct: z.tuple([count, count]).readonly(),
  /** Optimizer steps at most. */
  steps: count,
  /** Loss at which it ends early. */
  until: z.number(),
});
export type RecallStage = Readonly<z.infer<typeof RecallStage>>;

/** The loss on the way, averaged over the last steps, in nats an answer. */
const RecallPoint = z.object({ step: count, loss: z.number() });
export type RecallPoint = Readonly<z.infer<typeof RecallPoint>>;

/** Right answers with some number of shots, and their 95% interval: `wilsonInterval`. */
const RecallScore = z.object({ shots: count, accuracy: share, interval: z.tuple([share, share]).readonly() });
export type RecallScore = Readonly<z.infer<typeof RecallScore>>;

export const RecallResult = z.object({
  seed: count,
  task: RecallTask,
  /** Right answers by guessing: 1 / values. */
  chance: share,
  model: z.object({ style: z.string(), nLayer: count, nHead: count, nEmbd: count }),
  parameters: count,
  stages: z.array(RecallStage.extend({ taken: count, loss: z.number() })).readonly(),
  steps: count,
  /** Training, without the questions. */
  timeMs: z.number().min(0),
  history: z.array(RecallPoint).readonly(),
  /** Questions asked with each number of shots: fresh sequences, none of which was trained on. */
  questions: count,
  scores: z.array(RecallScore).readonly(),
});
export type RecallResult = Readonly<z.infer<typeof RecallResult>>;

export interface RecallOptions {
  engine: Engine;
  seed: number;
  /** Fewer steps on long sequences. */
  quick: boolean;
  onProgress?: (point: RecallPoint & { readonly stage: number }) => void;
}

const TASK: RecallTask = { keys: 16, values: 8, pairs: 24, mostShots: 16 };

/**
 * Many short sequences first, where attending to the right one of three keys is found in some hundred steps; on long ones alone
 * the loss stays where averaging over all values has it. Rotary positions carry over to the longer sequences, learned ones do not.
 */
const stagesFor = (quick: boolean): RecallStage[] => [
  { pairs: 6, batchSize: 128, distinct: [3, 3], steps: 1500, until: 0.05 },
  { pairs: TASK.pairs, batchSize: 32, distinct: [4, TASK.mostShots], steps: quick ? 200 : 600, until: 0 },
];

const CONFIG = resolveConfig('tiny', {
  ...{ style: 'llama', nLayer: 2, nHead: 4, nEmbd: 64, tieEmbeddings: false, blockSize: 2 * TASK.pairs },
  ...{ learningRate: 3e-3, minLearningRate: 1e-3, warmupSteps: 20, weightDecay: 0, precision: 'float32' },
});

/** Fresh weights in units of GPT-2's, whose 0.02 is for widths of 768 and more: at 64 it leaves attention blind for long. */
const WEIGHT_SCALE = 4;

/** Questions with each number of shots: a standard deviation of 0.01 around a guess. */
const QUESTIONS = 1024;

/** Steps between two looks at the loss, which is averaged over them. */
const LOOK_EVERY = 20;

/** Trains on the task from fresh weights, then asks. The same seed on the same adapter gives the same numbers. */
export async function runRecall({ engine, seed, quick, onProgress }: RecallOptions): Promise<RecallResult> {
  const config = { ...CONFIG, seed };
  const model = await freshModel(engine, config);
  const stages: RecallResult['stages'][number][] = [];
  const history: RecallPoint[] = [];
  const start = performance.now();
  let step = 0;
  for (const [i, stage] of stagesFor(quick).entries()) {
    const points = await trainStage(model, config, stage, step, (point) => onProgress?.({ ...point, stage: i + 1 }));
    for (const point of points) history.push(point);
    const last = points.at(-1)!;
    stages.push({ ...stage, taken: last.step - step, loss: last.loss });
    step = last.step;
  }
  const timeMs = performance.now() - start;
  const { style, nLayer, nHead, nEmbd } = model.config;
  return {
    ...{ seed, task: TASK, chance: 1 / TASK.values, model: { style, nLayer, nHead, nEmbd } },
    ...{ parameters: model.parameters.count, stages, steps: step, timeMs, history, questions: QUESTIONS },
    scores: await askAll(model, seed),
  };
}

async function freshModel(engine: Engine, config: TrainConfig): Promise<GPT> {
  const model = new GPT(engine, modelConfig(config, recallVocabulary(TASK))).initialize(config.seed);
  for (const { name, init } of model.parameters.specs) {
    if (typeof init === 'string') continue;
    const tensor = model.parameters.get(name);
    tensor.write((await tensor.floats()).map((weight) => WEIGHT_SCALE * weight));
  }
  return model;
}

/** Trains until the loss is low enough or the steps are used up. `first`: steps of the stages before. */
async function trainStage(
  model: GPT,
  config: TrainConfig,
  stage: RecallStage,
  first: number,
  onPoint: (point: RecallPoint) => void,
): Promise<RecallPoint[]> {
  const { pairs, batchSize, steps, until } = stage;
  const trainer = new Trainer(model, { ...config, blockSize: 2 * pairs, batchSize, steps });
  const points: RecallPoint[] = [];
  for (let step = 0; step < steps; step++) {
    trainer.train([recallBatch({ ...TASK, pairs }, batchSize, distinctAt(stage, step), config.seed, first + step)]);
    if ((step + 1) % LOOK_EVERY !== 0) continue;
    const point = { step: first + step + 1, loss: mean((await trainer.metrics(LOOK_EVERY)).map(({ loss }) => loss)) };
    points.push(point);
    onPoint(point);
    if (point.loss <= until) break;
  }
  trainer.dispose();
  return points;
}

/** How many different keys sequences may have at a step of a stage. */
function distinctAt({ distinct: [from, to], steps }: RecallStage, step: number): number {
  return Math.min(to, from + Math.floor(((to - from + 1) * step) / (0.7 * steps)));
}

/** The share of right answers with each number of shots; the answer is the likeliest of the values. */
async function askAll(model: GPT, seed: number): Promise<RecallScore[]> {
  const scorer = new Scorer(model, 64);
  const continuations = Array.from({ length: TASK.values }, (_, value) => [value]);
  const scores: RecallScore[] = [];
  for (let shots = 0; shots <= TASK.mostShots; shots++) {
    const asked = Array.from({ length: QUESTIONS }, (_, i) => recallQuestion(TASK, shots, seed, i));
    const likelihoods = await scorer.score(asked.map(({ ids }) => ({ prompt: ids, continuations })));
    const right = asked.filter(({ answer }, i) => argmax(likelihoods[i].map(({ sum }) => sum)) === answer).length;
    scores.push({ shots, accuracy: right / QUESTIONS, interval: wilsonInterval(right, QUESTIONS) });
  }
  scorer.dispose();
  return scores;
}
