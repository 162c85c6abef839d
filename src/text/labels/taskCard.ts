/** What is known of a data set with labels, kept with each run that was tuned on it. */
import { sum } from 'simple-statistics';
import { z } from 'zod';
import { FileName, Sha256 } from '../../schema.ts';
import { spansOf, type TaggedSentence } from './conll.ts';
import { countLabels, type LabelledText } from './labelled.ts';
import { DuplicateCounts, type Splits } from './splits.ts';

/** The parts of a data set; further test parts may stand beside the three. */
export type Parts<T> = Splits<T> & Readonly<Record<string, readonly T[]>>;

/** What texts and words are labelled for. */
export const TASKS = ['classify', 'tag'] as const;

/** How much is in one part. */
const PartCounts = z.object({
  /** Texts or sentences. */
  examples: z.int().min(0),
  /** Examples of each class, or spans of each type. */
  labels: z.record(z.string(), z.int().min(0)),
  /** Of tagged sentences. */
  words: z.int().min(0).optional(),
});
export type PartCounts = z.infer<typeof PartCounts>;

/** The card of a data set: where it comes from, under which licence, and what is in it. */
export const TaskCard = z
  .object({
    name: z.string(),
    task: z.enum(TASKS),
    /** Packages and versions, or a file's name. */
    source: z.string(),
    licence: z.string(),
    /** What to mind, in a sentence. */
    note: z.string(),
    parts: z.record(FileName, PartCounts),
    /** Duplicates that were found and removed. */
    duplicates: DuplicateCounts,
    /** SHA-256 of the parts' files one after the other, or of the user's file; hex. */
    sha256: Sha256,
  })
  .refine(countsAgree, { path: ['parts'], error: 'hold counts that do not agree' });
export type TaskCard = z.infer<typeof TaskCard>;

/** Each text has a class; a span has a word at least, and so has a sentence. */
function countsAgree({ task, parts }: { task: string; parts: Readonly<Record<string, PartCounts>> }): boolean {
  return Object.values(parts).every(({ examples, labels, words = 0 }) => {
    const labelled = sum(Object.values(labels));
    return task === 'classify' ? labelled === examples : labelled <= words && examples <= words;
  });
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
