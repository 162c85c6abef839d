/** Entity-level scores, counted as conlleval does (Tjong Kim Sang and Buchholz 2000, "Introduction to the CoNLL-2000 shared task"). */
import { UserError } from '../../errors.ts';
import { precisionRecall } from './classification.ts';

/** Words [start, end) that form one entity. */
export interface Chunk {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** A chunk is correct when its first word, its last word and its type are. A ratio without cases (0 / 0) is 0. */
export interface SpanScore {
  readonly type: string;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly correct: number;
  /** How many chunks were said to be of this type. */
  readonly predicted: number;
  /** How many there are. */
  readonly support: number;
}

/** Plain JSON data. */
export interface SpanReport {
  readonly sentences: number;
  readonly tokens: number;
  /** Share of the words whose tag is right, `O` included. */
  readonly tokenAccuracy: number;
  /** Over chunks of all types; its type is 'all'. */
  readonly overall: SpanScore;
  /** Types that occur, as truth or as prediction, in alphabetical order. */
  readonly perType: readonly SpanScore[];
}

const TAG = /^(?:O|([BI])(?:-(.*))?)$/su;

/**
 * The chunks of one sentence's tags, BIO or IOB1, legal or not, by conlleval's rules: one begins at every B, and at an I
 * that follows O, another type, or nothing; it ends before whatever begins the next, and before O.
 * Throws UserError on a tag that is not O, B, I, B-type or I-type.
 */
export function chunksOf(tags: readonly string[]): Chunk[] {
  const chunks: Chunk[] = [];
  let open: { type: string; start: number } | undefined;
  const close = (end: number): void => {
    if (open) chunks.push({ ...open, end });
    open = undefined;
  };
  for (const [i, tag] of tags.entries()) {
    const [prefix, type] = parseTag(tag);
    if (prefix === 'I' && open?.type === type) continue;
    close(i);
    if (prefix !== 'O') open = { type, start: i };
  }
  close(tags.length);
  return chunks;
}

function parseTag(tag: string): [prefix: string, type: string] {
  const match = TAG.exec(tag);
  if (match) return [match[1] ?? 'O', match[2] ?? ''];
  throw new UserError(
    `the tag ${JSON.stringify(tag)} is not one of BIO (O, B-type or I-type); convert the file's tags to BIO first`,
  );
}

/**
 * Precision, recall and F1 of whole chunks, a list of tags a sentence; no chunk reaches over a sentence's end.
 * Throws UserError without words and on tags that are not BIO; Error when truth and prediction differ in length.
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
    countChunks(counts, chunksOf(tags), chunksOf(predicted[s]));
  }
  if (tokens === 0) throw new UserError('there are no words to evaluate on; give a file with at least one sentence');
  const perType = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([type, count]) => score(type, count));
  const overall = score('all', [...counts.values()].reduce(add, NONE));
  return { sentences: truth.length, tokens, tokenAccuracy: hits / tokens, overall, perType };
}

interface Counts {
  readonly correct: number;
  readonly predicted: number;
  readonly support: number;
}
const NONE: Counts = { correct: 0, predicted: 0, support: 0 };

const add = (a: Counts, b: Counts): Counts => ({
  correct: a.correct + b.correct,
  predicted: a.predicted + b.predicted,
  support: a.support + b.support,
});

const score = (type: string, counts: Counts): SpanScore => ({
  type,
  ...precisionRecall(counts.correct, counts.predicted, counts.support),
  ...counts,
});

function countChunks(counts: Map<string, Counts>, truth: readonly Chunk[], predicted: readonly Chunk[]): void {
  const tally = (type: string, more: Partial<Counts>): void => {
    counts.set(type, add(counts.get(type) ?? NONE, { ...NONE, ...more }));
  };
  const found = new Set(predicted.map(keyOf));
  for (const chunk of predicted) tally(chunk.type, { predicted: 1 });
  for (const chunk of truth) tally(chunk.type, { support: 1, correct: found.has(keyOf(chunk)) ? 1 : 0 });
}

const keyOf = ({ type, start, end }: Chunk): string => `${start} ${end} ${type}`;

function checkLengths(truth: readonly (readonly string[])[], predicted: readonly (readonly string[])[]): void {
  const differs = truth.findIndex((tags, s) => tags.length !== predicted[s]?.length);
  if (differs < 0 && truth.length === predicted.length) return;
  throw new Error('spanReport: truth and prediction must have as many sentences, and as many tags in each');
}
