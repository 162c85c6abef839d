/** What each remedy buys and costs: the same model, on the same text with it and without, questioned in the same way. */
import { rm } from 'node:fs/promises';
import { z } from 'zod';
import type { Say } from '../../src/node/npm.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import { resolveConfig, type TrainConfig } from '../../src/train/config.ts';
import { trainRun } from '../../src/train/run/run.ts';
import { isRunFolder } from '../../src/train/runFolder.ts';
import { loadRun } from '../../src/train/savedRun.ts';
import { cleanedCorpus } from '../../src/trust/data/clean.ts';
import { corpusOf } from '../health/texts.ts';
import type { Doses } from './doses.ts';
import { measure, Scores } from './measure.ts';
import { RAW, REMEDIES, type Remedy } from './remedies.ts';
import { BETWEEN, KINDS, type StudyText, studyText, type TextKind, type TextSize } from './texts.ts';

/** How much of it there is. */
export interface TrustPlan {
  readonly texts: readonly { readonly kind: TextKind; readonly seeds: number }[];
  readonly size: TextSize;
  readonly config: TrainConfig;
  /** Drawn from each model. */
  readonly samples: number;
}

const DOSES: Doses = { items: 80, often: 8, toxic: 80, biased: 500, he: 4, copied: 12 };
const SHAPE: Partial<TrainConfig> = {
  ...{ nLayer: 2, nHead: 2, nEmbd: 64, blockSize: 64, batchSize: 12, tokenizer: 'bpe:512' },
  ...{ optimizer: 'muon', learningRate: 3e-3, minLearningRate: 3e-4, muonFactor: 3 },
  ...{ evalEvery: 50, evalBatches: 20, checkpointEvery: 1_000_000 },
};

/** An hour on two cores, or minutes: a shorter text, fewer steps, one seed. */
export function trustPlan(quick: boolean, seeds?: number): TrustPlan {
  const part = quick ? 0.3 : 1;
  const less = (number: number): number => Math.round(part * number);
  const doses = { ...DOSES, items: less(80), toxic: less(80), biased: less(500), copied: less(12) };
  return {
    texts: KINDS.map((kind) => ({ kind, seeds: seeds ?? (quick ? 1 : { made: 5, mails: 3 }[kind]) })),
    size: { characters: quick ? 60_000 : 200_000, doses },
    config: resolveConfig('tiny', { ...SHAPE, steps: quick ? 300 : 1200, warmupSteps: quick ? 30 : 100 }),
    samples: quick ? 96 : 256,
  };
}

/** A model of the study, before it is trained. */
export interface TrustCase {
  readonly text: TextKind;
  readonly remedy: string;
  readonly seed: number;
}

/** In the order in which they are made: seeds first, so that a stopped study has all remedies. */
export const trustCases = ({ texts }: TrustPlan): TrustCase[] =>
  texts.flatMap(({ kind, seeds }) =>
    Array.from({ length: seeds }, (_, i) =>
      REMEDIES.map(({ name }) => ({ text: kind, remedy: name, seed: i + 1 })),
    ).flat(),
  );

export const TrustRecord = z.object({
  ...{ text: z.enum(KINDS), remedy: z.string(), seed: z.int() },
  ...Scores.shape,
  /** Characters of the training part after the remedy, as a share of those before. */
  kept: z.number().min(0),
  /** The step whose weights were questioned. */
  step: z.int().min(0),
  seconds: z.number().min(0),
});
export type TrustRecord = z.infer<typeof TrustRecord>;

export interface StudyOptions {
  readonly engine: Engine;
  readonly adapter: { name: string; software: boolean };
  readonly plan: TrustPlan;
  /** Where the run of a case goes: that of raw text is kept until early stopping has been looked at. */
  readonly folderOf: (one: TrustCase) => string;
  readonly signal?: AbortSignal;
  readonly say: Say;
}

/** Trains a model where it is not there yet, and questions it. */
export async function runTrustCase(one: TrustCase, options: StudyOptions): Promise<TrustRecord> {
  const { engine, plan, folderOf, signal, say } = options;
  const remedy = remedyOf(one.remedy);
  const began = performance.now();
  const text = await studyText(one.text, plan.size, one.seed, say);
  const trained = remedy.bestOf ? remedyOf(remedy.bestOf) : remedy;
  const learned = await remedied(text, trained, one.seed);
  const folder = folderOf({ ...one, remedy: trained.name });
  if (!remedy.bestOf || !isRunFolder(folder)) await train(learned, text, trained, one, { ...options, folder });
  const run = await loadRun(engine, folder, remedy.bestOf ? 'best' : 'last');
  signal?.throwIfAborted();
  const scores = await measure(run, { text, learned, samples: plan.samples, seed: one.seed, signal });
  const seconds = (performance.now() - began) / 1000;
  const kept = learned.length / text.train.join(BETWEEN).length;
  if (remedy.name !== RAW) await rm(folder, { recursive: true, force: true });
  return { ...one, ...scores, kept, step: run.state?.step ?? 0, seconds };
}

const remedyOf = (name: string): Remedy => REMEDIES.find((one) => one.name === name)!;

/** The training part after the remedy. */
export async function remedied({ train }: StudyText, { clean, change }: Remedy, seed: number): Promise<string> {
  const documents = change?.(train, seed) ?? train;
  const whole = documents.join(BETWEEN);
  if (!clean) return whole;
  const decoder = new TextDecoder();
  let left = '';
  for await (const bytes of (await cleanedCorpus(corpusOf('trust', whole), clean)).bytes()) {
    left += decoder.decode(bytes, { stream: true });
  }
  return left + decoder.decode();
}

/** What validates on the way is the dirty held-out text, whatever was done to the other part: so that early stopping sees what all see. */
async function train(
  learned: string,
  { raw }: StudyText,
  { settings }: Remedy,
  { seed }: TrustCase,
  { engine, adapter, plan, folder, signal }: StudyOptions & { folder: string },
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const whole = learned + BETWEEN + raw;
  const validationFraction = [...raw].length / [...whole].length;
  const config = { ...plan.config, ...settings, seed, validationFraction };
  const corpus = corpusOf('trust', whole);
  const { status } = await trainRun({ engine, adapter, corpus, config, folder, resume: false, signal });
  signal?.throwIfAborted();
  if (status !== 'finished') throw new Error(`a model of the study ${status}`);
}
