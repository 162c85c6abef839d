/** Made-up results of the transfer experiment. */

import type { RecallResult } from '../../../experiments/recall/run.ts';
import { compareCurves } from '../../../experiments/transfer/labelsNeeded.ts';
import type { Learner, TransferResult, TransferTaskResult } from '../../../experiments/transfer/result.ts';

export const SIZES = [8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 4732];

/** Score without labels, what labels can add, how many for half of that, and the spread over seeds. */
const SHAPES: Partial<Record<Learner, readonly [number, number, number, number]>> = {
  words: [0.2, 0.68, 120, 0.02],
  random: [0.22, 0.62, 300, 0.03],
  head: [0.35, 0.45, 30, 0.02],
  lora: [0.34, 0.56, 26, 0.02],
  full: [0.33, 0.59, 26, 0.015],
};

export type Curves = TransferTaskResult['curves'];

/** Learning curves that rise with the labels; a wiggle by seed, so that they spread. */
export function curvesOf(seeds: number, sizes = SIZES): Curves {
  const wiggle = (seed: number, n: number): number => Math.sin(7 * seed + Math.log2(n));
  const rising = Object.entries(SHAPES).map(([learner, [from, gain, half, spread]]) => ({
    learner: learner as Learner,
    points: sizes.map((n) => ({
      n,
      scores: Array.from({ length: seeds }, (_, seed) => from + (gain * n) / (n + half) + spread * wiggle(seed, n)),
    })),
  }));
  const majority = { learner: 'majority' as const, points: sizes.map((n) => ({ n, scores: Array(seeds).fill(0.27) })) };
  return [majority, ...rising];
}

/** Compared where there is something to compare. */
function compared(curves: Curves, other: Learner): TransferTaskResult['pretraining'] {
  const points = (learner: Learner) => curves.find((curve) => curve.learner === learner)?.points ?? [];
  const whole = [points('full'), points(other)].every(
    (curve) => curve.length > 0 && curve.every(({ scores }) => scores.length > 0 && scores.every(Number.isFinite)),
  );
  return whole ? compareCurves(points('full'), points(other)) : null;
}

export function task(changes: Partial<TransferTaskResult> = {}): TransferTaskResult {
  const { curves = curvesOf(5) } = changes;
  return {
    ...{ name: 'AG News', task: 'classify', metric: 'accuracy', classes: ['World', 'Sports', 'Business', 'Science'] },
    ...{
      tested: 1000,
      all: 4732,
      curves,
      loraShare: 0.0231,
      pretraining: compared(curves, 'random'),
      overWords: compared(curves, 'words'),
    },
    card: {
      ...{ name: 'AG News', task: 'classify', source: 'npm news 1.0.0', licence: 'CC0-1.0', note: 'Titles only.' },
      duplicates: { within: 12, across: 3, conflicting: 1 },
      sha256: 'fe28',
      parts: {
        train: { examples: 4732, labels: { World: 1183, Sports: 1183, Business: 1183, Science: 1183 } },
        test: { examples: 1000, labels: { World: 270, Sports: 250, Business: 250 } },
      },
    },
    prompted: [0, 1, 4, 16].map((shots) => ({
      ...{ shots, meanShots: Math.min(shots, 7.4) },
      scores: [0.26, 0.25, 0.28].map((score) => score + 0.004 * shots),
    })),
    ...changes,
  };
}

export const tags = (): TransferTaskResult =>
  task({
    ...{ name: 'Entities', task: 'tag', metric: 'entity F1', classes: ['O', 'B-PER', 'I-PER'], prompted: [] },
    card: {
      ...task().card,
      task: 'tag',
      parts: { train: { examples: 4732, labels: { PER: 9 }, words: 70_123 } },
    },
  });

export const recall: RecallResult = {
  ...{ seed: 1, chance: 0.125, parameters: 101_234, steps: 40, timeMs: 2000, questions: 1024, history: [], stages: [] },
  task: { keys: 16, values: 8, pairs: 24, mostShots: 16 },
  model: { style: 'llama', nLayer: 2, nHead: 4, nEmbd: 64 },
  scores: Array.from({ length: 17 }, (_, shots) => ({
    ...{ shots, accuracy: shots === 0 ? 0.127 : 1 - 0.004 * shots, interval: [0.1, 0.99] as [number, number] },
  })),
};

export const transfer = (changes: Partial<TransferResult> = {}): TransferResult => ({
  ...{
    version: 1,
    startedAt: '2025-11-23T03:12:09Z',
    seconds: 8123,
    complete: true,
    sizes: SIZES,
    seeds: [1, 2, 3, 4, 5],
    validated: 100,
  },
  adapter: { name: 'llvmpipe', software: true },
  base: {
    ...{ folder: 'runs/stories', sha256: 'ab12', parameters: 3_214_592, validationLoss: 1.8834 },
    dataCard: {
      ...{ name: 'Stories', source: 'npm stories 1.0.0', licence: 'CC-BY-4.0', sha256: 'cd34', tokenizer: 'bpe' },
      ...{ vocabularySize: 4096, bytes: 5e7, characters: 4.9e7, trainTokens: 12_345_678, validationTokens: 1_300_000 },
    },
  },
  tasks: [task(), tags()],
  recall,
  ...changes,
});

/** A result of one task. */
export const withTask = (changes: Parameters<typeof task>[0]): Partial<TransferResult> => ({ tasks: [task(changes)] });

/** A task of which nothing was measured. */
export const nothing = { curves: [], pretraining: null, overWords: null, loraShare: null, prompted: [], classes: [] };

const holes = curvesOf(5).map(({ learner, points }) => ({
  learner,
  points: points.map(({ n, scores }, i) => ({ n, scores: i % 2 ? [] : [Number.NaN, ...scores] })),
}));

/** What a report must bear. */
export const RESULTS: [string, Partial<TransferResult>][] = [
  ['all that was planned', {}],
  ['half of it', { complete: false, tasks: [task({ curves: curvesOf(2, SIZES.slice(0, 3)) })], recall: null }],
  ['a start', { complete: false, tasks: [], sizes: [], seeds: [], recall: null }],
  ['tasks without a curve', withTask(nothing)],
  ['curves without points', withTask({ ...nothing, curves: curvesOf(5, []) })],
  ['curves with holes', withTask({ curves: holes })],
  ['a single seed', { seeds: [1], ...withTask({ curves: curvesOf(1) }) }],
  ['a single size', { sizes: [32], ...withTask({ curves: curvesOf(5, [32]) }) }],
  ['no validation loss', { base: { ...transfer().base, validationLoss: null } }],
  ['recall without scores', { recall: { ...recall, scores: [] } }],
  ['prompts without scores', withTask({ prompted: [{ shots: 1, meanShots: 1, scores: [] }] })],
  ['scores of nothing', withTask({ ...nothing, curves: [{ learner: 'full', points: [{ n: 8, scores: [0, 0] }] }] })],
];
