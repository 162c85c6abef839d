/** Chooses tuning points by measurement: for each kernel and shape class that some work dispatches, on scratch memory. */

import type { Engine } from '../engine.ts';
import type { Dispatched } from '../kernel.ts';
import { type ChallengeLimits, challenge, type Verdict } from './challenge.ts';
import { PointBench } from './pointBench.ts';
import { formatChoice, type Point, type TuningTable } from './table.ts';

/** A kernel on work of a shape class, to be tuned. */
export interface TuningTask {
  /** Its name in a table. */
  entry: string;
  /** See `Choices`. */
  shaders: string;
  /** A dispatch that stands for all of the class. */
  dispatch: Dispatched;
  /** How many of them the work has. */
  count: number;
  /** The points that can do it, the preferred one first. */
  points: readonly Point[];
}

/** What was found for a task. */
export interface Tuned extends Verdict {
  entry: string;
  /** Of the shaders that it was chosen among: see `Choices`. */
  shaders: string;
  preferred: Point;
  /** Points that can do the work. */
  points: number;
  /** Time of a dispatch at the preferred point, in ms. */
  preferredMs: number;
}

export interface TuneOptions {
  /** Time for trying points, in ms. The preferred ones, which the work needs anyway, are compiled on top of it. */
  budgetMs: number;
  /** See `ChallengeLimits`. */
  compileMs?: number;
  signal?: AbortSignal;
  onTuned?: (tuned: Tuned) => void;
}

/** What a first run may wait for one kernel. */
const COMPILE_MS = 1000;

/** What there is to tune in some work: kernels and classes with a choice, without those that tables know unless `again`. */
export function tuningTasks(dispatches: readonly Dispatched[], again = false): TuningTask[] {
  const tasks = new Map<string, TuningTask>();
  for (const dispatch of dispatches) {
    const { entry, points, measured, shaders } = dispatch.kernel.choices(dispatch.tensors, dispatch.params);
    const task = tasks.get(entry);
    if (task) task.count++;
    else if (measurable(dispatch) && (again || !measured))
      tasks.set(entry, { entry, shaders, dispatch, count: 1, points });
  }
  return [...tasks.values()].filter(({ points }) => points.length > 1);
}

/**
 * Index buffers must have contents: zeros would be other work, and a kernel that follows links might never end on them. A
 * single number, a flag, may be zero.
 */
function measurable({ kernel, tensors, known }: Dispatched): boolean {
  const indices = Object.entries(tensors).filter(([name]) =>
    ['read u32', 'read? u32'].includes(kernel.spec.bind[name] as string),
  );
  return indices.every(([, tensor]) => known.has(tensor) || tensor.size === 1);
}

/**
 * Measures tasks and returns what it found, those that take the most time first. Tasks for which the time did not suffice are
 * left out. Scratch memory is freed again.
 */
export async function tune(engine: Engine, tasks: readonly TuningTask[], options: TuneOptions): Promise<Tuned[]> {
  const { budgetMs, compileMs = COMPILE_MS, signal, onTuned } = options;
  const weighed: Weighed[] = [];
  for (const task of tasks) {
    if (signal?.aborted) return [];
    const times = await timePreferred(engine, task);
    if (times) weighed.push({ ...task, ...times });
  }
  weighed.sort((a, b) => b.preferredMs * b.count - a.preferredMs * a.count);
  const now = () => performance.now();
  const limits: ChallengeLimits = { deadline: now() + budgetMs, now, compileMs, signal };
  const found: Tuned[] = [];
  for (const task of weighed) {
    if (now() >= limits.deadline || signal?.aborted) break;
    const tuned = await tuneOne(engine, task, limits);
    onTuned?.(tuned);
    found.push(tuned);
  }
  return found;
}

/** What was found, as a table. */
export const tableOf = (found: readonly Tuned[]): TuningTable =>
  Object.fromEntries(found.map(({ entry, chosen: point, shaders }) => [entry, formatChoice({ point, shaders })]));

/** A task with what its preferred point costs. */
interface Weighed extends TuningTask {
  compiledMs: number;
  preferredMs: number;
}

/** Undefined where the point fails: whoever uses it will be told why. */
async function timePreferred(engine: Engine, { dispatch, points }: TuningTask) {
  const bench = new PointBench(engine, dispatch);
  try {
    const first = await bench.first(points[0]);
    return first && { compiledMs: first.compiledMs, preferredMs: await bench.again(points[0]) };
  } finally {
    bench.free();
  }
}

async function tuneOne(engine: Engine, task: Weighed, limits: ChallengeLimits): Promise<Tuned> {
  const [preferred, ...challengers] = task.points;
  const { entry, shaders, dispatch, compiledMs, preferredMs } = task;
  const facts = { entry, shaders, preferred, points: task.points.length, preferredMs };
  // what is slow to compile in one form is so in others, and a compilation cannot be called off
  if (compiledMs > limits.compileMs)
    return { ...facts, chosen: preferred, gain: 1, tried: 0, ended: 'slow to compile' };
  const bench = new PointBench(engine, dispatch);
  try {
    await bench.first(preferred);
    return { ...facts, ...(await challenge(preferred, preferredMs, challengers, bench, limits)) };
  } finally {
    bench.free();
  }
}
