/** What each part of `dawnlm trust` is given: a trained model with the text that it has read. */
import type { Engine } from '../tensor/engine.ts';
import type { Dataset } from '../text/windows/dataset.ts';
import type { CorpusSource } from '../train/run/material.ts';
import type { SavedRun } from '../train/savedRun.ts';

/** How far a long work is: so many of so many, of what. */
export type OnProgress = (done: number, of: number, what: string) => void;

export interface QuestionedRun {
  readonly engine: Engine;
  readonly folder: string;
  readonly run: SavedRun;
  /** The text as the run was trained on it: cleaned and with canaries, where its settings say so. */
  readonly corpus: CorpusSource;
  /** Its training and validation parts as tokens. */
  readonly dataset: Dataset;
  /** Of every draw: the same seed gives the same findings. */
  readonly seed: number;
  /** How many samples, passages or windows are drawn. */
  readonly samples: number;
  /** Ends the work: a part then throws what `signal.throwIfAborted` does, and what it had found before is kept. */
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}
