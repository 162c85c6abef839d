/** How a model is shaped, and how fast it is taught, by its size: what the scaling law was measured with, and the dial goes by. */
import type { TrainConfig } from '../train/config.ts';

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
