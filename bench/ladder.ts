/** What does each idea bring? The rungs of a ladder, timed in turns. */

import { interleaved, type Work } from '../src/check/measure.ts';
import { FIRST_CASES } from '../src/check/ops.ts';
import { makeWork } from '../src/check/opWork.ts';
import { UsageError } from '../src/errors.ts';
import type { Engine } from '../src/tensor/engine.ts';
import type { Kernel, Point } from '../src/tensor/kernel.ts';
import { errorOf, ratesOf, underVariant, undone } from './kernels.ts';
import { mockOf, type Shader, shadersOf } from './mockAdapter.ts';
import type { Measurement } from './record.ts';
import type { Roof } from './roof.ts';
import type { Ladder, Rung } from './rungs.ts';

/** A rung with its place on the ladder. */
export interface RungMeasurement extends Measurement {
  details: {
    idea: string;
    rung: number;
    /** Speed by that of the rung before, and of the first one. */
    gain: number;
    gainOverFirst: number;
  };
}

/** Times the rungs that the adapter can climb, one by one in turns; shares are of `roof`. */
export async function benchLadder(
  engine: Engine,
  ladder: Ladder,
  shape: readonly number[],
  roof: Roof,
): Promise<RungMeasurement[]> {
  const { op, axes } = ladder;
  const steps = stepsOf(engine, ladder, shape);
  const errors: number[] = [];
  for (const { rung, on } of steps) errors.push(await on(() => errorOf(engine, op, rung.variant)));
  const { work, free } = makeWork(engine, { op, test: ladder.test(shape) }, false);
  const works = steps.map((step) => workOn(engine, step, work));
  const timings = await interleaved(engine, works).finally(free);
  return steps.map(({ rung, point }, i): RungMeasurement => {
    const gain = (before: number): number => timings[before].median / timings[i].median;
    const details = { idea: rung.idea, rung: i, gain: gain(Math.max(0, i - 1)), gainOverFirst: gain(0) };
    const words = axes.map((axis, j) => `${axis} ${shape[j]}`).join(', ');
    const what = { op: op.definition.name, variant: rung.name, point, shape: words };
    const rates = ratesOf(timings[i], ladder.amounts(shape), roof);
    return { kind: 'ladder', ...what, unit: 'ms', ...timings[i], ...rates, error: errors[i], details };
  });
}

/** A rung that an adapter can climb. */
interface Step {
  rung: Rung;
  point: Point | undefined;
  /** Runs work with the rung's tuning point set. */
  on<T>(work: () => T): T;
}

/** The rungs whose tuning points run on the engine's adapter. */
function stepsOf(engine: Engine, ladder: Ladder, shape: readonly number[]): Step[] {
  return ladder.rungs.flatMap((rung): Step[] => {
    const point = rung.point?.(engine.capabilities);
    if (!point) return [{ rung, point, on: (work) => work() }];
    const names = kernelsOf(engine, ladder, rung, shape)
      .filter((kernel) => hasPoint(kernel, engine, point))
      .map(({ spec }) => spec.name);
    return names.length > 0 ? [{ rung, point, on: (work) => withPoint(engine, names, point, work) }] : [];
  });
}

const hasPoint = (kernel: Kernel, engine: Engine, point: Point): boolean =>
  kernel.points(engine.capabilities).some((one) => JSON.stringify(one) === JSON.stringify(point));

/** The kernels that a rung's variant dispatches on the shape, and on the small cases that errors are taken from. */
function kernelsOf(engine: Engine, { op, test }: Ladder, { variant }: Rung, shape: readonly number[]): Kernel[] {
  const tests = [test(shape), ...op.definition.cases.slice(0, FIRST_CASES)];
  const works = tests.map((one) => underVariant(engine, variant, makeWork(engine, { op, test: one }, false).work));
  const seen = works.flatMap((work) => engine.observe(() => engine.device.capture(work)));
  return [...new Set(seen.map(({ kernel }) => kernel))];
}

function withPoint<T>(engine: Engine, names: readonly string[], point: Point, work: () => T): T {
  for (const name of names) engine.tuning.set(name, point);
  return undone(work, () => {
    for (const name of names) engine.tuning.delete(name);
  });
}

/** The same work on a rung: for recording. */
const workOn = (engine: Engine, { rung, on }: Step, work: Work): Work => {
  const climbed = underVariant(engine, rung.variant, work);
  return () => on(climbed);
};

/** The shaders of a rung as the engine's adapter gets them. @throws UsageError when it has no such rung */
export async function showRung(
  engine: Engine,
  ladder: Ladder,
  shape: readonly number[],
  name: string,
): Promise<Shader[]> {
  const mock = await mockOf(engine);
  const steps = stepsOf(mock, ladder, shape);
  const step = steps.find(({ rung }) => rung.name === name);
  if (!step) {
    const list = steps.map(({ rung }) => rung.name).join(', ');
    throw new UsageError(`${ladder.op.definition.name} has no rung "${name}" on this adapter; it has ${list}`);
  }
  const { work } = makeWork(mock, { op: ladder.op, test: ladder.test(shape) }, false);
  return shadersOf(mock, workOn(mock, step, work));
}
