/** Learning rate, warm-up and clipping: whether steps were of a size at which anything can be learned. */
import { mean, median } from 'simple-statistics';
import { largest } from '../../numbers.ts';
import { exact, figure, loss, percent } from '../../report/format.ts';
import { learningRateAt } from '../../train/schedule.ts';
import type { Evidence } from '../evidence.ts';
import type { Finding } from '../finding.ts';

/**
 * A block adds to the stream what the next one reads beside it; a head that adds more than twice what is there drowns it. Sound runs of
 * two styles, three widths and rates from 1e-4 to 8e-3 ended with 0.9 at most, those whose first steps were too long with 3 to 50:
 * attention was driven to where it saturates, and Adam's steps are too small afterwards to bring it back.
 */
const DROWNED = 2;
/** An AdamW step moves each weight by about the rate: one that moves them by more than a tenth of what they are replaces them in ten. */
const LONG_STEP = 0.1;
/** Steps in which Adam's second moment is no average yet: 1 / (1 - beta2) of them, of which a tenth is the least that helps. */
const leastWarmup = ({ beta2 }: Evidence['config']): number =>
  Math.max(1, Math.round(0.1 / (1 - Math.min(beta2, 0.999))));
/** Weights that ended nearer to where they were drawn than half of their size have learned little but the frequencies. */
const UNMOVED = 0.5;
/** A gradient this many times the median of the steps before is a spike: batches of sound runs differ by a factor of 2 to 3. */
const SPIKE = 8;
/** Steps whose median a gradient is compared with; the first gradients, which all are large, are no spikes. */
const BEFORE = 50;
const FIRST = 10;

/** The largest share of a head in what the first block that is drowned reads. */
export function drowned({ pass }: Evidence): { layer: number; share: number } | undefined {
  const shares = (pass?.heads ?? []).map((heads) => largest(heads.map(({ share }) => share)));
  const layer = shares.findIndex((share) => share > DROWNED);
  return layer < 0 ? undefined : { layer, share: shares[layer] };
}

/** Standard deviation that fresh matrices of the blocks had. */
const freshSize = ({ moved }: Evidence): number => median([0.02, ...moved.map(({ fresh }) => fresh)]);

/** Where the smoothed loss had come 95% of the way down that it came at all. */
function stuckAt({ curve: { smoothed, first } }: Evidence): number {
  const low = smoothed.reduce((least, { value }) => Math.min(least, value), first);
  return smoothed.find(({ value }) => value <= first - 0.95 * (first - low))?.step ?? 0;
}

const lower = ({ config }: Evidence, factor: number): Partial<Evidence['config']> => {
  const learningRate = Number((config.learningRate / factor).toPrecision(2));
  return { learningRate, minLearningRate: Number((config.minLearningRate / factor).toPrecision(2)) };
};

/** Steps without a warm-up that were too long for fresh weights. */
export function noWarmup(run: Evidence): Finding | undefined {
  const { config, isFresh, pass } = run;
  const firstStep = learningRateAt(0, config) / freshSize(run);
  const damage = drowned(run);
  if (!isFresh || !pass || !damage || config.warmupSteps >= leastWarmup(config) || firstStep < LONG_STEP)
    return undefined;
  if (config.learningRate > curable(run)) return undefined;
  const warmupSteps = Math.max(10, Math.round(Math.min(0.1 * config.steps, 2000)));
  return {
    name: 'no-warm-up',
    severity: 'problem',
    sentence: `The first step, at the full rate of ${config.learningRate}, was ${figure(firstStep)} times the size of the fresh weights; a head of block ${damage.layer + 1} adds ${figure(damage.share)} times what it reads, as heads do that the first steps threw too far (sound: below 1).`,
    advice: { sentence: `Warm the rate up over ${warmupSteps} steps.`, settings: { warmupSteps } },
  };
}

/** The highest rate at which a warm-up is known to suffice: AdamW's of 1e-2 at width 128, falling with the width (Yang et al., 2022). */
const curable = ({ config: { nEmbd } }: Evidence): number => 1.2e-2 * Math.min(1, 128 / nEmbd);

/**
 * Gradients that were let through whole, and what the loss did after them. One of k times the usual norm makes Adam's second moment
 * 1 + (1 - beta2) k^2 times what it was, and the steps of the next 1 / (1 - beta2) smaller by the root of that.
 */
export function spikes(run: Evidence): Finding | undefined {
  const { config, curve } = run;
  const { norms, training, scatter } = curve;
  if (config.clipNorm > 0) return undefined;
  const factors = norms.map(({ step, value }, i) => {
    const before = norms.slice(Math.max(0, i - BEFORE), i).map((one) => one.value);
    return { step, value, usual: i < FIRST ? value : median(before) };
  });
  const high = factors.filter(({ value, usual }) => value > SPIKE * usual);
  if (high.length === 0) return undefined;
  const top = high.reduce((most, one) => (one.value / one.usual > most.value / most.usual ? one : most));
  const meanLoss = (from: number, to: number): number =>
    mean(training.filter(({ step }) => step > from && step <= to).map(({ value }) => value));
  const [before, after] = [meanLoss(top.step - FIRST, top.step), meanLoss(top.step, top.step + FIRST)];
  const shorter = Math.sqrt(1 + (1 - config.beta2) * (top.value / top.usual) ** 2);
  const hurt = after - before > scatter || shorter > 2 || drowned(run) !== undefined;
  return {
    name: 'spikes-without-clipping',
    severity: hurt || high.length > 2 ? 'problem' : 'note',
    sentence: `Gradients are not clipped, and ${high.length} of ${exact(norms.length)} were ${SPIKE} times as large as the steps before had them, or more; that of step ${exact(top.step)} was ${figure(top.value)} where ${figure(top.usual)} was usual, after which Adam's steps are ${figure(shorter)} times as short for long, and the loss went from ${loss(before)} to ${loss(after)} in ten steps.`,
    advice: { sentence: 'Clip gradients at a norm of 1.', settings: { clipNorm: 1 } },
  };
}

/** Steps that were too long: a run that blew up, or whose attention is thrown to where nothing can be learned any more. */
export function rateTooHigh(run: Evidence): Finding | undefined {
  const { config, status, curve } = run;
  const damage = drowned(run);
  const growth = growthOf(run);
  const stuck = curve.lateGain < Math.max(0.05, curve.scatter) && isPoor(run);
  if (status !== 'diverged' && !damage && !(growth > GROWN && stuck)) return undefined;
  if (!damage && status !== 'diverged' && !stuck) return undefined;
  const factor = config.learningRate > 1e-2 ? 30 : 10;
  const seen = [
    status === 'diverged' &&
      `the loss was no longer a number or exploded at step ${exact(curve.training.at(-1)!.step)}`,
    damage && `a head of block ${damage.layer + 1} adds ${figure(damage.share)} times what it reads (sound: below 1)`,
    growth > GROWN &&
      `the blocks' matrices make what goes through them ${figure(growth)} times as large (sound: below 1)`,
    stuck &&
      `nearly all of the fall in loss was over at step ${exact(stuckAt(run))} of ${exact(curve.training.length)}`,
  ].filter(Boolean);
  return {
    name: 'rate-too-high',
    severity: 'problem',
    sentence: `At a learning rate of ${config.learningRate} ${seen.join('; ')}.`,
    advice: { sentence: `Lower the learning rate ${factor} times.`, settings: lower(run, factor) },
  };
}

/**
 * What goes through a matrix comes out with its root mean square times the root of its width: at 1 it keeps its size, above that each block
 * makes it larger. Sound runs of AdamW ended at 0.1 to 0.6, of Muon at 0.9; walks of steps 30 times too long at 1.1 to 1.3.
 */
const GROWN = 1;

export const growthOf = ({ moved, config }: Evidence): number => {
  const inner = moved.filter((one) => one.inner).map(({ rms }) => rms * Math.sqrt(config.nEmbd));
  return inner.length > 0 ? median(inner) : 0;
};

/** Whether the run ended no better than bigrams. */
const isPoor = ({ curve, rungs }: Evidence): boolean => {
  const bigrams = rungs.find(({ order }) => order === 2);
  return bigrams !== undefined && (curve.lastValidation?.value ?? curve.last) > bigrams.loss;
};

/** Weights that hardly left the place where they were drawn. */
export function rateTooLow(run: Evidence): Finding | undefined {
  const { moved, config, curve, rungs } = run;
  if (moved.length === 0) return undefined;
  const distance = largest(moved.map((one) => one.distance));
  const { length } = curve.training;
  const frequencies = rungs.find(({ order }) => order === 1);
  const ended = curve.lastValidation?.value ?? curve.last;
  if (distance > UNMOVED || (frequencies && ended < frequencies.loss - 0.1)) return undefined;
  const reach = Array.from({ length }, (_, i) => learningRateAt(i, config)).reduce((sum, rate) => sum + rate, 0);
  // a sum of rates of some 10 times the fresh weights is what sound short runs have
  const factor = Math.min(300, Math.max(3, Number(((10 * freshSize(run)) / reach).toPrecision(1))));
  const few = length < 50;
  return {
    name: few ? 'too-few-steps' : 'rate-too-low',
    severity: 'problem',
    sentence: `No matrix moved by more than ${percent(distance)} of its fresh size in ${exact(length)} steps (sound: 100% and more), and the loss came from ${loss(curve.first)} to ${loss(curve.last)} only: all rates together come to ${figure(reach / freshSize(run))} times a fresh weight.`,
    advice: few
      ? { sentence: 'Train for more steps.', settings: { steps: 10 * length } }
      : { sentence: `Raise the learning rate ${factor} times.`, settings: lower(run, 1 / factor) },
  };
}
