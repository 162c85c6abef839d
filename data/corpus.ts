import type { NpmPackage } from '../src/node/npm.ts';
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

/** A text that is made from packages which are fetched when it is first asked for. */
export interface BuiltCorpus extends Described {
  readonly packages: readonly NpmPackage[];
  readonly build: (files: PackageFiles) => Promise<string>;
}

/** A text that can be named on the command line. */
export type Corpus = InstalledCorpus | BuiltCorpus;
