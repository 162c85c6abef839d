import type { TrainConfig } from '../train/config.ts';

/** Something that a reader of a run should know. */
export interface Finding {
  /** Stable, for programs: 'rate-too-high', 'validation-overlap', ... */
  readonly name: string;
  readonly severity: 'problem' | 'note';
  /** What was measured, with the figures, one sentence. */
  readonly sentence: string;
  /** What to change: a sentence, and as settings of train where that can be said. */
  readonly advice?: { readonly sentence: string; readonly settings?: Partial<TrainConfig> };
}
