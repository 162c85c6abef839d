/** A text that can be named on the command line: where it is had and what is known of it. */
export interface Corpus {
  /** As it is named on the command line, and the folder of its recipe and card. */
  readonly name: string;
  readonly title: string;
  readonly licence: string;
  readonly source: string;
  /** What to mind, in a sentence. */
  readonly note: string;
  /** Of the file's bytes, hex; a file that differs is not this corpus. */
  readonly sha256: string;
  readonly npmPackage: string;
  /** Path inside of the package. */
  readonly file: string;
}
