/** How the transfer report names learners and writes scores. */
import { mean } from 'simple-statistics';
import { NOTHING, percent, signed } from '../../src/report/format.ts';
import { deviation } from '../../src/tasks/metrics/statistics.ts';
import type { CurvePoint, LabelsNeeded } from '../transfer/labelsNeeded.ts';
import type { Learner, PromptedPoint, TransferTaskResult } from '../transfer/result.ts';

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

const finite = <T extends { readonly scores: readonly number[] }>(points: readonly T[]): T[] =>
  points
    .map((point) => ({ ...point, scores: point.scores.filter(Number.isFinite) }))
    .filter(({ scores }) => scores.length > 0);

/** The points of a learner that have scores, by rising n. */
export function curveOf({ curves }: TransferTaskResult, learner: Learner): CurvePoint[] {
  const points = curves.find((curve) => curve.learner === learner)?.points ?? [];
  return finite(points)
    .filter(({ n }) => n > 0)
    .toSorted((a, b) => a.n - b.n);
}

/** The numbers of shots that have scores. */
export const promptedOf = ({ prompted }: TransferTaskResult): PromptedPoint[] => finite(prompted);

/** "61.2% ± 2.1": mean and sample standard deviation; of a single score there is none. */
export const scoreInWords = (scores: readonly number[]): string =>
  meanInWords(mean(scores), deviation(scores), scores.length);

export const meanInWords = (score: number, spread: number, seeds: number): string =>
  seeds > 1 ? `${percent(score)} ± ${(100 * spread).toFixed(1)}` : percent(score);

/** A difference of scores in percentage points: "+3.1". */
export const pointsInWords = (difference: number): string => signed(100 * difference);

/** A probability; "–" where there is none. */
export function probabilityInWords(p: number | null): string {
  if (p === null) return NOTHING;
  return p < 0.0005 ? '< 0.001' : p.toFixed(3);
}

const ROUNDING = { about: 'halfExpand', 'more than': 'floor', 'at most': 'ceil' } as const;

/** Two digits: 8.1×, 12×, 120×. A bound is rounded to the side on which it stays true: 36.97 is more than 36×, at most 37×. */
export function times(factor: number, bound: LabelsNeeded['bound']): string {
  const digits = new Intl.NumberFormat('en', { maximumSignificantDigits: 2, roundingMode: ROUNDING[bound] });
  return `${digits.format(Number(factor.toPrecision(9)))}×`; // or 8.000000000000002 would be at most 8.1
}
