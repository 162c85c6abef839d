/** How a model is shaped, and how fast it is taught, by its size: what the scaling law was measured with, and the dial goes by. */
import { resolveConfig, type TrainConfig } from '../train/config.ts';
import type { PRESETS } from '../train/presets.ts';

/** The settings that make a model's size. */
export type Shape = Pick<TrainConfig, 'nLayer' | 'nHead' | 'nEmbd'>;

/** Widths of one family of models, from smallest to largest: each has about twice the parameters of the one before. */
export const WIDTHS = [32, 48, 64, 80, 96, 112, 128, 160, 192, 256, 320, 384, 512, 640, 768] as const;

/** Width that a layer more goes with, and the width of a head: `nano` has 4 layers and 4 heads at 128. */
const PER_LAYER = 32;

/**
 * The model of a width: as deep as it is wide in units of 32, but of two layers at least, its heads about 32 wide. So its size
 * is one number (nanochat's `depth` is such a dial too), and the matrices of its blocks hold 12 nLayer nEmbd^2 numbers.
 */
export function shapeOf(nEmbd: number): Shape {
  const wanted = nEmbd / PER_LAYER;
  const heads = Array.from({ length: Math.ceil(wanted) }, (_, i) => i + 1).filter((n) => nEmbd % (4 * n) === 0);
  const nHead = heads.reduce((best, n) => (Math.abs(n - wanted) < Math.abs(best - wanted) ? n : best), 1);
  return { nLayer: Math.max(2, Math.round(wanted)), nHead, nEmbd };
}

/** The model of a depth: width 32 for each layer. */
export const shapeOfDepth = (nLayer: number): Shape => ({
  nLayer,
  nHead: Math.max(1, nLayer),
  nEmbd: PER_LAYER * nLayer,
});

/** The preset from which the settings are taken that are no sizes, wherever a model is sized by rule. */
export const RECIPE: keyof typeof PRESETS = 'quick';

/** Width at which the recipe's rates were found. */
const RECIPE_WIDTH = 128;

/**
 * Settings of a model that is sized by rule: its shape, and the rates that go with it. Every learning rate, Muon's and AdamW's,
 * goes with 1 / width, as hidden matrices' do in muP (Yang et al., 2022). Held-out losses of 4 layers on Moby Dick, 400 steps of
 * 12 x 64 characters (rate in units of 3e-3 for AdamW, Muon's in the same units of 9e-3):
 * TABLE
 */
export function settingsOf(nEmbd: number, steps: number): Partial<TrainConfig> {
  const { learningRate, minLearningRate } = resolveConfig(RECIPE);
  const factor = RECIPE_WIDTH / nEmbd;
  return {
    ...shapeOf(nEmbd),
    learningRate: factor * learningRate,
    minLearningRate: factor * minLearningRate,
    steps,
    warmupSteps: Math.min(100, Math.floor(steps / 8)),
  };
}
