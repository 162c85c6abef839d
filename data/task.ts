import type { NpmPackage } from '../src/node/npm.ts';
import type { TaggedSentence } from '../src/text/labels/conll.ts';
import type { LabelledText } from '../src/text/labels/labelled.ts';
import type { DuplicateCounts } from '../src/text/labels/splits.ts';
import type { Parts } from '../src/text/labels/taskCard.ts';
import type { Described } from './corpus.ts';
import type { PackageFiles } from './files.ts';

/** What a recipe makes: parts without duplicates, and how many there were. */
export interface Built<T> {
  readonly parts: Parts<T>;
  readonly duplicates: DuplicateCounts;
}

interface TaskSetOf<Task extends 'classify' | 'tag', T> extends Described {
  readonly task: Task;
  readonly packages: readonly NpmPackage[];
  /** Set where the licence is narrow: the packages are fetched only for somebody who asks for this very set. */
  readonly onRequest?: true;
  readonly build: (files: PackageFiles) => Promise<Built<T>>;
}

/** Texts with a class each. `sha256` is that of the parts' CSV files, one after the other. */
export type ClassifySet = TaskSetOf<'classify', LabelledText>;

/** Sentences with a tag each word. `sha256` is that of the parts' CoNLL files, one after the other. */
export type TagSet = TaskSetOf<'tag', TaggedSentence>;

/** A data set with labels that can be named on the command line. */
export type TaskSet = ClassifySet | TagSet;
