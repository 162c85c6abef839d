import { extent, median } from 'simple-statistics';
import type { Engine, Recording } from '../tensor/engine.ts';

/** Work that is timed: called inside of a recording, each call adds the same dispatches. */
export type Work = () => void;

/** Work with the memory that it holds, which `free` hands back at once: garbage collection does not see its size. */
export interface HeldWork {
  work: Work;
  free(): void;
}

/** What several runs of the same took. */
export interface Timing {
  median: number;
  /** The lowest and the highest. */
  spread: readonly [low: number, high: number];
  runs: number;
}

/** One submission should take this long at least, so that what it costs to submit and to wait (0.2 ms) hardly counts. */
const SUBMISSION_MS = 8;
const MOST_REPEATS = 64;
/** Works that take longer are timed once, after one run for warming up. */
const SLOW_MS = 500;
/** Rounds of all others: at least three for a median, at most 15, and as many as this time allows. */
const BUDGET_MS = 300;

/** Median and spread of what was measured. */
export const timingOf = (values: readonly number[]): Timing => ({
  median: median(values),
  spread: extent(values),
  runs: values.length,
});

/** Times in ms as rates of `amount` a second. */
export const asRate = ({ median, spread: [low, high], runs }: Timing, amount: number): Timing => {
  const rate = (timeMs: number): number => (amount / timeMs) * 1000;
  return { median: rate(median), spread: [rate(high), rate(low)], runs };
};

/**
 * Time of one call of each work, in ms. The works take turns in one run, so that a machine that slows down meanwhile slows
 * all of them; compilation and the first runs are not counted.
 */
export async function interleaved(engine: Engine, works: readonly Work[]): Promise<Timing[]> {
  return (await timesInTurns(engine, works, BUDGET_MS)).map(timingOf);
}

/** Likewise all times, round by round, with as many rounds as `budgetMs` allows. */
export async function timesInTurns(engine: Engine, works: readonly Work[], budgetMs: number): Promise<number[][]> {
  const recordings: Recording<object>[] = [];
  try {
    return await takeTurns(engine, works, budgetMs, recordings);
  } finally {
    for (const recording of recordings) recording.dispose();
  }
}

async function takeTurns(
  engine: Engine,
  works: readonly Work[],
  budgetMs: number,
  made: Recording<object>[],
): Promise<number[][]> {
  const timed = [];
  for (const work of works) timed.push(await prepare(engine, work, made));
  const fast = timed.filter(({ onceMs }) => onceMs <= SLOW_MS);
  const roundMs = fast.reduce((sum, { onceMs, repeats }) => sum + onceMs * repeats, 0);
  const rounds = Math.min(15, Math.max(3, Math.ceil(budgetMs / roundMs)));
  for (let round = 0; round < rounds; round++) {
    for (const { run, repeats, times } of fast) times.push((await run()) / repeats);
  }
  return timed.map(({ onceMs, times }) => (times.length > 0 ? times : [onceMs]));
}

/** Compiles and warms up a work, and finds how often a submission repeats it. */
async function prepare(engine: Engine, work: Work, made: Recording<object>[]) {
  const once = recorded(engine, work, 1, made);
  await once();
  const onceMs = await once();
  const repeats = Math.min(MOST_REPEATS, Math.max(1, Math.ceil(SUBMISSION_MS / onceMs)));
  const run = repeats === 1 ? once : recorded(engine, work, repeats, made);
  if (repeats > 1) await run();
  return { run, onceMs, repeats, times: [] as number[] };
}

/** A function that runs the work `repeats` times in one submission and returns how long it took, in ms; its recording is `made`. */
function recorded(engine: Engine, work: Work, repeats: number, made: Recording<object>[]): () => Promise<number> {
  const recording = engine.record(() => {
    for (let i = 0; i < repeats; i++) work();
    return {};
  });
  made.push(recording);
  return async () => {
    const start = performance.now();
    recording.run();
    await engine.device.finish();
    return performance.now() - start;
  };
}
