/** What a recipe is: how a known text or data set is made of packages, and what is known of it. */
import type { NpmPackage } from '../src/node/npm.ts';
import type { TaggedSentence } from '../src/text/labels/conll.ts';
import type { LabelledText } from '../src/text/labels/labelled.ts';
import type { DuplicateCounts } from '../src/text/labels/splits.ts';
import type { Parts } from '../src/text/labels/taskCard.ts';
import type { PackageFiles } from './files.ts';

/** What is known of a text or a data set that can be named on the command line. */
export interface Described {
  /** As it is named on the command line. */
  readonly name: string;
  /** Folder of its recipe and card under `data`. */
  readonly folder: string;
  readonly title: string;
  readonly licence: string;
  readonly source: string;
  /** What to mind, in a sentence. */
  readonly note: string;
  /** Of the bytes that are used, hex; what differs is not this text. */
  readonly sha256: string;
}

/** A file of a package that is installed with the program, used as it is. */
export interface InstalledCorpus extends Described {
  readonly npmPackage: string;
  /** Path inside of the package. */
  readonly file: string;
}

/** What is made from packages, which are fetched when it is first asked for. */
interface Recipe<T> extends Described {
  readonly packages: readonly NpmPackage[];
  readonly build: (files: PackageFiles) => Promise<T>;
}

export type BuiltCorpus = Recipe<string>;

/** A known text that is no more than that. */
export type TextCorpus = InstalledCorpus | BuiltCorpus;

/** Parts without duplicates, and how many there were. */
export interface Built<T> {
  readonly parts: Parts<T>;
  readonly duplicates: DuplicateCounts;
}

interface TaskSetOf<Task extends 'classify' | 'tag', T> extends Recipe<Built<T>> {
  readonly task: Task;
  /** Set where the licence is narrow: the packages are fetched only for somebody who asks for this very set. */
  readonly onRequest?: true;
}

/** Texts with a class each. `sha256` is that of the parts' CSV files, one after the other. */
export type ClassifySet = TaskSetOf<'classify', LabelledText>;

/** Sentences with a tag each word. `sha256` is that of the parts' CoNLL files, one after the other. */
export type TagSet = TaskSetOf<'tag', TaggedSentence>;

/** A data set with labels that can be named on the command line. */
export type TaskSet = ClassifySet | TagSet;
