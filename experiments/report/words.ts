/** How the transfer report names learners and writes scores. */

import { mean } from 'simple-statistics';
import { exact, figure, percent } from '../../src/report/format.ts';
import { deviation } from '../../src/tasks/metrics/statistics.ts';
import type { CurvePoint, LabelsNeeded } from '../transfer/labelsNeeded.ts';
import type { Learner, PromptedPoint, TransferTaskResult } from '../transfer/result.ts';

/** What stands in tables where nothing was measured. */
export const NOTHING = '–';

/** What each learner is, under the name that its curve bears. */
export const LEARNERS_IN_WORDS: readonly [Learner, string][] = [
  ['full', 'the pretrained transformer, all of it tuned'],
  ['lora', 'the pretrained transformer, low-rank adapters tuned beside its frozen weights'],
  ['head', 'the pretrained transformer frozen, a head tuned on it'],
  ['random', 'the same transformer from random weights, all of it trained'],
  ['words', 'no network: logistic regression on a bag of words; for tags of each word and those around it'],
  ['majority', 'the commonest label, whatever the text'],
];

/** LoRA is written as its authors do, the others as they are called. */
export const learnerName = (learner: Learner): string => (learner === 'lora' ? 'LoRA' : learner);

/** The points of a learner that have scores, by rising n. */
export function curveOf({ curves }: TransferTaskResult, learner: Learner): CurvePoint[] {
  const points = curves.find((curve) => curve.learner === learner)?.points ?? [];
  return points
    .map(({ n, scores }) => ({ n, scores: scores.filter(Number.isFinite) }))
    .filter(({ n, scores }) => n > 0 && scores.length > 0)
    .toSorted((a, b) => a.n - b.n);
}

/** The numbers of shots that have scores. */
export const promptedOf = ({ prompted }: TransferTaskResult): PromptedPoint[] =>
  prompted
    .map((point) => ({ ...point, scores: point.scores.filter(Number.isFinite) }))
    .filter(({ scores }) => scores.length > 0);

/** "61.2% ± 2.1": mean and sample standard deviation; of a single score there is none. */
export const scoreInWords = (scores: readonly number[]): string =>
  meanInWords(mean(scores), deviation(scores), scores.length);

export const meanInWords = (score: number, spread: number, seeds: number): string =>
  seeds > 1 ? `${percent(score)} ± ${(100 * spread).toFixed(1)}` : percent(score);

/** A difference of scores in percentage points: "+3.1", "−0.4", "0.0". */
export function pointsInWords(difference: number): string {
  const digits = Math.abs(100 * difference).toFixed(1);
  return Number(digits) === 0 ? digits : `${difference > 0 ? '+' : '−'}${digits}`;
}

/** A probability; "–" where there is none. */
export function probabilityInWords(p: number | null): string {
  if (p === null) return NOTHING;
  return p < 0.0005 ? '< 0.001' : p.toFixed(3);
}

/** Two digits: 8.1×, 12×, 120×. A bound is rounded to the side on which it stays true: 36.97 is more than 36×, at most 37×. */
export function times(factor: number, bound: LabelsNeeded['bound']): string {
  const unit = 10 ** (Math.floor(Math.log10(factor)) - 1);
  const round = { about: Math.round, 'more than': Math.floor, 'at most': Math.ceil }[bound];
  // Through nine digits, or 8.000000000000002 would be at most 8.1.
  return `${figure(Number((round(Number((factor / unit).toPrecision(9))) * unit).toPrecision(2)))}×`;
}

/** "8, 16 and 32". */
export function listInWords(parts: readonly (string | number)[]): string {
  const words = parts.map((part) => (typeof part === 'number' ? exact(part) : part));
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** "+1.0 to +2.5", or one of them where they read the same. */
export function rangeInWords(values: readonly number[], inWords: (value: number) => string): string {
  const [low, high] = [inWords(Math.min(...values)), inWords(Math.max(...values))];
  return low === high ? low : `${low} to ${high}`;
}

export const plural = (n: number, word: string): string => `${exact(n)} ${n === 1 ? word : `${word}s`}`;
