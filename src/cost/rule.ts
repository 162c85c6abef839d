/** How a model is shaped, and how fast it is taught, by its size: what the scaling law was measured with, and the dial goes by. */
import { resolveConfig, type TrainConfig } from '../train/config.ts';
import type { PRESETS } from '../train/presets.ts';

/** The settings that make a model's size. */
export type Shape = Pick<TrainConfig, 'nLayer' | 'nHead' | 'nEmbd'>;

/** Widths of one family of models, from smallest to largest: 9,000 to 170 million parameters, each less than twice the one before. */
export const WIDTHS = [
  ...[16, 24, 32, 40, 48, 56, 64, 72, 80, 96, 112, 128, 144, 160, 176, 192],
  ...[224, 256, 288, 320, 352, 384, 448, 512, 576, 640, 704, 768],
] as const;

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
export const RECIPE: keyof typeof PRESETS = 'fast';

/** Where the recipe says how wide the MLP is, that grows with the width, in such units: products of odd sizes are slow. */
const HIDDEN = 32;

/** Width at which the recipe's rates were found. */
const RECIPE_WIDTH = 128;

/**
 * Settings of a model that is sized by rule: its shape, and the rates that go with it. Every learning rate, AdamW's and Muon's, goes with
 * 1 / width, as those of hidden matrices do in muP (Yang et al., "Tensor programs V", 2022). Held-out loss of 4 layers on Moby Dick after
 * 400 steps of 12 x 64 characters, by AdamW's rate and Muon's (warm-up 50, cosine to 1e-4, seed 1337):
 *
 *     width 32    3e-3 with 0.9e-2 2.364, 1.8e-2 2.306, 3.6e-2 2.279, 7.2e-2 2.489;   6e-3 with 3.6e-2 2.223
 *                 12e-3 with 2.4e-2 2.205, 3.6e-2 2.150                  by the rule: 12e-3 and 3.6e-2
 *     width 64    3e-3 with 0.9e-2 2.166, 1.8e-2 2.047, 2.7e-2 2.073, 3.6e-2 2.142
 *                 6e-3 with 1.8e-2 2.022                                 by the rule: 6e-3 and 1.8e-2
 *     width 128   3e-3 with 0.5e-2 2.040, 0.9e-2 1.915, 1.2e-2 1.904, 1.8e-2 1.963
 *                                                                        by the rule: 3e-3 and 0.9e-2
 *
 * So the best pair found at 32, divided by four, ends 0.011 above the best found at 128, and the rate of 128 left as it is ends 0.21 above
 * the best at 32. That was the recipe `quick`; the present one minds its rates less (all held-out text):
 *
 *     width 32    1e-2 1.889, 2e-2 1.865, 4e-2 1.868, by the rule 4e-2
 *     width 64    1e-2 1.773, 2e-2 1.770, 4e-2 1.797, by the rule 2e-2
 *
 * Weight decay is a share of the rate, and follows it. Batches other than the recipe's were not tried.
 */
export function settingsOf(nEmbd: number, steps: number): Partial<TrainConfig> {
  const { learningRate, minLearningRate, warmupSteps, nHidden } = resolveConfig(RECIPE);
  const factor = RECIPE_WIDTH / nEmbd;
  return {
    ...shapeOf(nEmbd),
    ...(nHidden > 0 && { nHidden: Math.max(HIDDEN, HIDDEN * Math.round(nHidden / factor / HIDDEN)) }),
    learningRate: factor * learningRate,
    minLearningRate: factor * minLearningRate,
    steps,
    warmupSteps: Math.min(warmupSteps, Math.floor(steps / 8)),
  };
}
