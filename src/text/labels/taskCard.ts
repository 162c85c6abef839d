/** What is known of a data set with labels, kept with each run that was tuned on it. */
import { spansOf, type TaggedSentence } from './conll.ts';
import { countLabels, type LabelledText } from './labelled.ts';
import type { DuplicateCounts, Splits } from './splits.ts';

/** The parts of a data set; further test parts may stand beside the three. */
export type Parts<T> = Splits<T> & Readonly<Record<string, readonly T[]>>;

/** How much is in one part. */
export interface PartCounts {
  /** Texts or sentences. */
  readonly examples: number;
  /** Examples of each class, or spans of each type. */
  readonly labels: Readonly<Record<string, number>>;
  /** Of tagged sentences. */
  readonly words?: number;
}

/** The card of a data set: where it comes from, under which licence, and what is in it. */
export interface TaskCard {
  readonly name: string;
  readonly task: 'classify' | 'tag';
  /** Packages and versions, or a file's name. */
  readonly source: string;
  readonly licence: string;
  /** What to mind, in a sentence. */
  readonly note: string;
  readonly parts: Readonly<Record<string, PartCounts>>;
  /** Duplicates that were found and removed. */
  readonly duplicates: DuplicateCounts;
  /** SHA-256 of the parts' files one after the other, or of the user's file; hex. */
  readonly sha256: string;
}

/** Counts of each part's texts by class. */
export const countTexts = (parts: Readonly<Record<string, readonly LabelledText[]>>): TaskCard['parts'] =>
  mapParts(parts, (examples) => ({ examples: examples.length, labels: Object.fromEntries(countLabels(examples)) }));

/** Counts of each part's sentences, their words and their spans by type. */
export const countSentences = (parts: Readonly<Record<string, readonly TaggedSentence[]>>): TaskCard['parts'] =>
  mapParts(parts, (sentences) => ({
    examples: sentences.length,
    labels: Object.fromEntries(
      countLabels(sentences.flatMap(({ tags }) => spansOf(tags).map(({ type }) => ({ label: type })))),
    ),
    words: sentences.reduce((sum, { words }) => sum + words.length, 0),
  }));

function mapParts<T, U>(parts: Readonly<Record<string, T>>, to: (part: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, to(part)]));
}
