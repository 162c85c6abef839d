import { z } from 'zod';
import { check, wrongUse } from '../../schema.ts';
import type { StepSettings } from '../../train/stepper.ts';
import * as shared from '../settings.ts';

export { SEED } from '../settings.ts';

export const STOP_ON = ['f1', 'loss'] as const;

/** Everything that the tuning of a tagger depends on, beside its base, its sentences and its adapter. */
export const TagSettings = shared.FineTuneSettings.extend({
  batchSize: z.int().min(1).describe('sentences in a batch (default: 16)'),
  bidirectional: z.boolean().default(false).describe('let each word see those behind it: lifts the causal mask'),
  stopOn: z.enum(STOP_ON).default('f1').describe('what validations are judged by: entity F1, or the loss'),
  patience: shared.FineTuneSettings.shape.patience.default(5),
});
export type TagSettings = z.infer<typeof TagSettings>;
export type TagOverrides = shared.Overrides<TagSettings>;

/** Learning rates that did well on 500 sentences of synthetic-names. */
const DEFAULTS: shared.FineTuneDefaults = {
  ...{ epochs: 20, validations: 15 },
  rates: {
    full: { learningRate: 3e-3, baseRate: 0.3 },
    lora: { learningRate: 5e-3, baseRate: 0 },
    last: { learningRate: 3e-3, baseRate: 0.5 },
    head: { learningRate: 1e-2, baseRate: 0 },
  },
};

/** Settings for so many training sentences. @throws UsageError for settings that are out of range or exclude one another */
export const resolveTag = (overrides: TagOverrides, sentences: number): TagSettings =>
  check(TagSettings, shared.settingsFor(overrides, sentences, DEFAULTS), wrongUse);

/** A linear decay to zero, as BERT is tuned (Devlin et al., 2019). */
export const stepSettings = (settings: TagSettings): StepSettings =>
  shared.stepSettings(settings, { schedule: 'linear', minLearningRate: 0, beta2: 0.999 });
