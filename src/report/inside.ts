/** What the log of a watched run tells of its inside: series by name, the noise of gradients, steps that were cut short. */
import type { Inside, LogRecord } from './logRecord.ts';
import type { Point } from './series.ts';

/** The measurements of a run by name; each series in the order of steps, holding finite values alone. */
export interface InsideSeries {
  /** The last step that was watched, and what was seen. */
  readonly step: number;
  readonly last: Inside;
  /** Of each matrix or embedding. */
  readonly weights: readonly { name: string; rms: Point[]; update: Point[]; gradient: Point[] }[];
  /** By layer and head. */
  readonly heads: readonly (readonly { entropy: Point[]; share: Point[] }[])[];
  /** By layer. */
  readonly deadUnits: readonly Point[][];
  /** In tokens. */
  readonly noiseScale: Point[];
}

/** The measurements in a log; undefined where no step was watched. Of a step that was done again the later record holds. */
export function insideOf(log: readonly LogRecord[]): InsideSeries | undefined {
  const byStep = new Map<number, Inside>();
  for (const { step, inside } of log) if (inside) byStep.set(step, inside);
  const watched = [...byStep].sort(([a], [b]) => a - b);
  if (watched.length === 0) return undefined;
  const [step, last] = watched.at(-1)!;
  const series = (of: (inside: Inside) => number | null | undefined): Point[] =>
    watched.flatMap(([step, inside]) => {
      const value = of(inside);
      return Number.isFinite(value) ? [{ step, value: value! }] : [];
    });
  return {
    ...{ step, last },
    weights: last.weights.map(({ name }, i) => ({
      ...{ name, rms: series(({ weights }) => weights[i]?.rms), update: series(({ weights }) => weights[i]?.update) },
      gradient: series(({ weights }) => weights[i]?.gradient),
    })),
    heads: last.heads.map((layer, l) =>
      layer.map((_, h) => ({
        entropy: series(({ heads }) => heads[l]?.[h]?.entropy),
        share: series(({ heads }) => heads[l]?.[h]?.share),
      })),
    ),
    deadUnits: last.deadUnits.map((_, l) => series(({ deadUnits }) => deadUnits[l])),
    noiseScale: series(({ noiseScale }) => noiseScale),
  };
}

/** The block, from 0, that a parameter belongs to by its name; undefined for embeddings and the head. */
export function layerOf(name: string): number | undefined {
  const number = /\.(?:h|layers)\.(\d+)\./.exec(name)?.[1];
  return number === undefined ? undefined : Number(number);
}

/** What an average keeps of itself when the next pair comes: it is over some ten pairs. */
const KEPT = 0.9;
/** Pairs before which nothing is said. */
const LEAST_PAIRS = 3;

/**
 * The simple noise scale tr(S) / |G|^2 as of the end of a log, in tokens: the batch at which gradients are as much signal as noise
 * (McCandlish et al., "An empirical model of large-batch training", 2018, 2.2). G is the gradient over all text, S the covariance of
 * that of one token. Of two steps with batches of b tokens and gradients g and h, as good as of the same weights,
 *
 *     E[g h] = |G|^2,   E[(|g|^2 + |h|^2) / 2] = |G|^2 + tr(S) / b,
 *
 * each averaged over the pairs that were watched before one is divided by the other. Undefined while there are too few, or while
 * the signal is lost in the noise.
 */
export function noiseScaleOf(log: readonly LogRecord[]): number | undefined {
  let [signal, noise, pairs] = [0, 0, 0];
  let before: LogRecord | undefined;
  for (const record of log) {
    if (record.loss === undefined) continue;
    const pair = before?.step === record.step - 1 ? pairOf(before, record) : undefined;
    before = record;
    if (!pair) continue;
    signal = KEPT * signal + pair.signal;
    noise = KEPT * noise + pair.noise;
    pairs++;
  }
  return pairs >= LEAST_PAIRS && signal > 0 && noise > 0 ? noise / signal : undefined;
}

/** |G|^2 and tr(S) as two steps in a row tell them. */
function pairOf(before: LogRecord, record: LogRecord): Record<'signal' | 'noise', number> | undefined {
  const signal = record.inside?.gradientProduct ?? Number.NaN;
  const square = ((before.gradientNorm ?? Number.NaN) ** 2 + (record.gradientNorm ?? Number.NaN) ** 2) / 2;
  const noise = (record.tokens - before.tokens) * (square - signal);
  return Number.isFinite(noise) ? { signal, noise } : undefined;
}

/** How many of the steps in a log were not taken as the gradient said, as shares of 1. */
export interface CutShort {
  /** Scaled down to clipNorm. */
  readonly clipped: number;
  /** In mixed precision: skipped, since something overflowed. */
  readonly skipped: number;
}

/** Shares of clipped and of skipped steps; `clipNorm` 0 clips none. */
export function stepsCutShort(log: readonly LogRecord[], clipNorm: number): CutShort {
  const steps = log.filter(({ loss }) => loss !== undefined);
  const share = (isOne: (record: LogRecord) => boolean): number =>
    steps.length === 0 ? 0 : steps.filter(isOne).length / steps.length;
  return {
    clipped: share(({ gradientNorm = 0 }) => clipNorm > 0 && gradientNorm > clipNorm),
    skipped: share(({ skipped }) => skipped === true),
  };
}
