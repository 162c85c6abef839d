import type { Point } from './table.ts';

/** What a point takes when it is new, in ms. */
export interface FirstRun {
  compiledMs: number;
  /** A first look at the time of a run. */
  runMs: number;
}

/** How a tuning point is timed. */
export interface Stopwatch {
  /** Compiles a point and runs it; undefined where the point fails. */
  first(point: Point): Promise<FirstRun | undefined>;
  /** How long one run of a point takes that was compiled before, in ms. */
  again(point: Point): Promise<number>;
  /** Whether a point's results are those of another, within rounding: drivers have bugs too. */
  agree(point: Point, other: Point): Promise<boolean>;
}

export interface ChallengeLimits {
  /** When no further point is tried, by the clock `now`, in ms. */
  deadline: number;
  now: () => number;
  /** A point that takes longer to compile is not taken, and none is tried after it: a first run must never wait long. */
  compileMs: number;
  /** Ends the search early. */
  signal?: AbortSignal;
}

export interface Verdict {
  chosen: Point;
  /** How many times as fast as the preferred point the chosen one is; 1 where that one stays. */
  gain: number;
  /** Points that were tried beside the preferred one. */
  tried: number;
  /** Why no more were tried. */
  ended: 'all tried' | 'time is up' | 'slow to compile';
}

/** A challenger must be this many times as fast: what is closer is noise, and would change bits for nothing. */
const LEAST_GAIN = 1.05;
const ROUNDS = 5;
/** After one round, a challenger that takes this many times as long is given up; after the first look, twice that. */
const HOPELESS = 1.5;

const median = (values: readonly number[]): number => Float64Array.from(values).sort()[values.length >> 1];

/**
 * How many times as fast as `best` a challenger is, or 0 where it is slower in more than one round. Both take turns, so that a machine that slows down meanwhile slows both,
 * and each begins every other round, so that neither always finds the other's data in the caches.
 */
async function duel(best: Point, challenger: Point, stopwatch: Stopwatch): Promise<number> {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    for (const which of round % 2 === 0 ? [0, 1] : [1, 0]) {
      times[which].push(await stopwatch.again(which === 0 ? best : challenger));
    }
    if (round === 0 && times[1][0] > HOPELESS * times[0][0]) break;
  }
  const lost = times[1].filter((time, round) => time >= times[0][round]).length;
  return lost > 1 ? 0 : median(times[0]) / median(times[1]);
}

/** Tries points against the preferred one, whose run was seen to take `preferredMs`, and keeps the best. */
export async function challenge(
  preferred: Point,
  preferredMs: number,
  challengers: readonly Point[],
  stopwatch: Stopwatch,
  { deadline, now, compileMs, signal }: ChallengeLimits,
): Promise<Verdict> {
  let [chosen, gain, tried] = [preferred, 1, 0];
  const verdict = (ended: Verdict['ended']): Verdict => ({ chosen, gain, tried, ended });
  for (const point of challengers) {
    if (now() >= deadline || signal?.aborted) return verdict('time is up');
    tried++;
    const first = await stopwatch.first(point);
    if (!first) continue;
    if (first.compiledMs > compileMs) return verdict('slow to compile');
    if (first.runMs > 2 * HOPELESS * preferredMs) continue;
    const ratio = await duel(chosen, point, stopwatch);
    if (ratio > LEAST_GAIN && (await stopwatch.agree(preferred, point))) [chosen, gain] = [point, gain * ratio];
  }
  return verdict('all tried');
}
