/** Entity-level scores, counted as conlleval does (Tjong Kim Sang and Buchholz 2000, "Introduction to the CoNLL-2000 shared task"). */
import { sum } from 'simple-statistics';
import { z } from 'zod';
import { UserError } from '../../errors.ts';
import { type Span, spansOf } from '../../text/labels/conll.ts';
import { lossFigure, Score, scoreOf } from './classification.ts';

const count = z.int().min(0);

/** The spans of one type. One is correct when its first word, its last word and its type are. */
const SpanScore = Score.extend({ type: z.string(), correct: count }).refine(
  ({ correct, predicted, support }) => correct <= Math.min(predicted, support),
  { path: ['correct'], error: 'is more than there are' },
);
export type SpanScore = Readonly<z.infer<typeof SpanScore>>;

/** Plain JSON data. */
export const SpanReport = z
  .object({
    ...{ sentences: count, tokens: count },
    /** Share of the words whose tag is right, `O` included. */
    tokenAccuracy: z.number().min(0).max(1),
    /** Over spans of all types; its type is 'all'. */
    overall: SpanScore,
    /** Types that occur, as truth or as prediction, in alphabetical order. */
    perType: z.array(SpanScore).readonly(),
  })
  .refine(
    ({ overall, perType }) =>
      (['support', 'predicted', 'correct'] as const).every(
        (what) => sum(perType.map((one) => one[what])) === overall[what],
      ),
    { path: ['overall'], error: 'does not agree with the scores of each type' },
  );
export type SpanReport = Readonly<z.infer<typeof SpanReport>>;

/** How well sentences were tagged. */
export const TagEvaluation = z.object({
  report: SpanReport,
  /** Mean cross-entropy of the tags that the model knows, nats a word. */
  loss: lossFigure,
});
export type TagEvaluation = Readonly<z.infer<typeof TagEvaluation>>;

/**
 * Precision, recall and F1 of whole spans, from a list of tags (BIO or IOB1, legal or not) a sentence; none reaches over a
 * sentence's end. Throws UserError without words; Error when truth and prediction differ in length.
 */
export function spanReport(
  truth: readonly (readonly string[])[],
  predicted: readonly (readonly string[])[],
): SpanReport {
  checkLengths(truth, predicted);
  const counts = new Map<string, Counts>();
  let tokens = 0;
  let hits = 0;
  for (const [s, tags] of truth.entries()) {
    tokens += tags.length;
    hits += tags.filter((tag, i) => tag === predicted[s][i]).length;
    countSpans(counts, spansOf(tags), spansOf(predicted[s]));
  }
  if (tokens === 0) throw new UserError('there are no words to evaluate on; give a file with at least one sentence');
  const perType = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([type, count]) => score(type, count));
  const overall = score('all', [...counts.values()].reduce(add, NONE));
  return { sentences: truth.length, tokens, tokenAccuracy: hits / tokens, overall, perType };
}

type Counts = Pick<SpanScore, 'correct' | 'predicted' | 'support'>;
const NONE: Counts = { correct: 0, predicted: 0, support: 0 };

const add = (a: Counts, b: Counts): Counts => ({
  correct: a.correct + b.correct,
  predicted: a.predicted + b.predicted,
  support: a.support + b.support,
});

const score = (type: string, { correct, predicted, support }: Counts): SpanScore => ({
  ...{ type, correct, ...scoreOf(correct, predicted, support) },
});

function countSpans(counts: Map<string, Counts>, truth: readonly Span[], predicted: readonly Span[]): void {
  const tally = (type: string, more: Partial<Counts>): void => {
    counts.set(type, add(counts.get(type) ?? NONE, { ...NONE, ...more }));
  };
  const found = new Set(predicted.map(keyOf));
  for (const span of predicted) tally(span.type, { predicted: 1 });
  for (const span of truth) tally(span.type, { support: 1, correct: found.has(keyOf(span)) ? 1 : 0 });
}

const keyOf = ({ type, start, end }: Span): string => `${start} ${end} ${type}`;

function checkLengths(truth: readonly (readonly string[])[], predicted: readonly (readonly string[])[]): void {
  const differs = truth.findIndex((tags, s) => tags.length !== predicted[s]?.length);
  if (differs < 0 && truth.length === predicted.length) return;
  throw new Error('spanReport: truth and prediction must have as many sentences, and as many tags in each');
}
