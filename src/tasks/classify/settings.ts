import { z } from 'zod';
import { POOLINGS } from '../../model/heads.ts';
import { check, wrongUse } from '../../schema.ts';
import type { StepSettings } from '../../train/stepper.ts';
import * as shared from '../settings.ts';

export { SEED } from '../settings.ts';

/** Everything that the tuning of a classifier depends on, beside its base, its texts and its adapter. */
export const ClassifySettings = shared.FineTuneSettings.extend({
  batchSize: z.int().min(1).describe('texts in a batch (default: 16)'),
  pooling: z.enum(POOLINGS).default('mean').describe('where the state of a text is taken from'),
  maxTokens: z.int().min(1).optional().describe('read no more of each text, from its beginning'),
  classWeights: z.boolean().default(false).describe('every class counts for the same, however few examples it has'),
  patience: shared.FineTuneSettings.shape.patience.default(6),
});
export type ClassifySettings = z.infer<typeof ClassifySettings>;
export type ClassifyOverrides = shared.Overrides<ClassifySettings>;

const DEFAULTS: shared.FineTuneDefaults = {
  ...{ epochs: 10, validations: 20 },
  rates: {
    full: { learningRate: 3e-3, baseRate: 0.1 },
    lora: { learningRate: 3e-3, baseRate: 0 },
    last: { learningRate: 3e-3, baseRate: 0.3 },
    head: { learningRate: 1e-2, baseRate: 0 },
  },
};

/** Settings for `examples` training texts. @throws UsageError for settings that are out of range or exclude one another */
export const resolveClassify = (overrides: ClassifyOverrides, examples: number): ClassifySettings =>
  check(ClassifySettings, shared.settingsFor(overrides, examples, DEFAULTS), wrongUse);

/** A cosine down to a tenth of the rate. */
export const stepSettings = (settings: ClassifySettings): StepSettings =>
  shared.stepSettings(settings, { minLearningRate: settings.learningRate / 10 });
