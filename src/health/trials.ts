import type { GPT } from '../model/gpt.ts';
import type { Point } from '../report/series.ts';
import type { Engine } from '../tensor/engine.ts';
import type { TrainConfig } from '../train/config.ts';
import type { Material } from '../train/run/material.ts';

/** What trials are made with. */
export interface Trials {
  readonly engine: Engine;
  readonly config: TrainConfig;
  /** The run's text under settings, in the run's tokens; or in those of a tokenizer that is made for it by the settings. */
  readonly material: (config: TrainConfig, refit: boolean) => Promise<Material>;
  /** The run's last weights, and its best ones. */
  readonly weights: (which: 'last' | 'best') => Promise<GPT>;
  /** Training losses that the run itself logged. */
  readonly logged: readonly Point[];
  /** Steps of each training, from 50 to 200. */
  readonly steps: number;
  readonly signal?: AbortSignal;
  readonly onStep?: (what: string, step: number) => void;
}
