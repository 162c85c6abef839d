/** What does each idea bring? The variants of an op as rungs of a ladder, from its plainest kernel to its best, timed in turns. */

import { interleaved, type Work } from '../src/check/measure.ts';
import { type AnyOp, findOps } from '../src/check/ops.ts';
import { makeWork } from '../src/check/opWork.ts';
import { UsageError, UserError } from '../src/errors.ts';
import type { Engine } from '../src/tensor/engine.ts';
import type { Variant } from '../src/tensor/op.ts';
import { formatPoint, type Point } from '../src/tensor/tuning/table.ts';
import { errorOf, ratesOf, underVariant } from './kernels.ts';
import type { Measurement } from './record.ts';
import type { Roof } from './roof.ts';

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

/** An op that tells how it is climbed. */
export interface Ladder {
  op: AnyOp;
  climb: NonNullable<AnyOp['definition']['ladder']>;
}

/** The ladders that ops carry, by name. */
export async function findLadders(): Promise<Map<string, Ladder>> {
  const ladders = new Map<string, Ladder>();
  for (const [name, op] of await findOps()) {
    if (op.definition.ladder) ladders.set(name, { op, climb: op.definition.ladder });
  }
  return ladders;
}

/** A ladder by the name of its op. @throws UsageError when there is none */
export async function ladderOf(name: string): Promise<Ladder> {
  const ladders = await findLadders();
  const ladder = ladders.get(name);
  if (ladder) return ladder;
  throw new UsageError(`there is no ladder of "${name}"; there are ${[...ladders.keys()].join(', ')}`);
}

/** The numbers of a shape such as "512x512x512". @throws UsageError when it does not fit the ladder */
export function parseShape({ op, climb: { axes } }: Ladder, text: string): number[] {
  const shape = text.split('x').map(Number);
  if (shape.length === axes.length && shape.every((size) => Number.isInteger(size) && size > 0)) return shape;
  throw new UsageError(
    `a shape of ${op.definition.name} is ${axes.join('x')}, ${axes.length} whole numbers from 1 with an x between; got "${text}"`,
  );
}

/** A variant as a rung. */
interface Rung {
  name: string;
  idea: string;
  /** The tuning point that it is, where it is one. */
  point?: Point;
  /** Why the adapter cannot climb it. */
  missing?: string;
}

/**
 * The rungs of a ladder, with those that an adapter cannot climb.
 * @throws Error for a rung that describes what its kernel does not have on any adapter
 */
export const rungsOf = ({ op }: Pick<Ladder, 'op'>, { capabilities }: Pick<Engine, 'capabilities'>): Rung[] =>
  Object.entries(op.definition.run).map(([name, variant]) => {
    const { idea, at } = described(variant);
    if (!at) return { name, idea };
    const point = at.point(capabilities);
    const exists = SUBGROUP_SIZES.some((subgroupSize) =>
      hasPoint(at.kernel.spec, at.point({ ...capabilities, subgroupSize })),
    );
    const words = formatPoint(point);
    if (!exists) {
      throw new Error(`${op.definition.name}: rung ${name} is no point of the kernel ${at.kernel.spec.name}: ${words}`);
    }
    if (at.kernel.points(capabilities).some((one) => formatPoint(one) === words)) return { name, idea, point };
    return { name, idea, point, missing: `${capabilities.name} does not run ${at.kernel.spec.name} at ${words}` };
  });

const described = (variant: AnyOp['definition']['run'][string]): Pick<Variant<object, object>, 'idea' | 'at'> =>
  typeof variant === 'function' ? { idea: 'The kernel as it is.' } : variant;

/** Subgroups as adapters have them: a point may be made of their size. */
const SUBGROUP_SIZES = [4, 8, 16, 32, 64];

function hasPoint({ tune = {} }: { name: string; tune?: object }, point: Point): boolean {
  const space = Object.entries(tune as Record<string, readonly number[]>);
  return space.length === Object.keys(point).length && space.every(([key, values]) => values.includes(point[key]));
}

/** Times the rungs that the adapter can climb, one by one in turns; shares are of `roof`. @throws UserError when one fails */
export async function benchLadder(
  engine: Engine,
  ladder: Ladder,
  shape: readonly number[],
  roof: Roof,
): Promise<RungMeasurement[]> {
  const { op, climb } = ladder;
  const rungs = rungsOf(ladder, engine).filter(({ missing }) => !missing);
  const errors: number[] = [];
  for (const { name } of rungs) errors.push(await errorOf(engine, op, name));
  const failed = rungs.find((_, i) => !Number.isFinite(errors[i]));
  if (failed) throw new UserError(`${op.definition.name}: the rung ${failed.name} gives no numbers on this adapter`);
  const workload = climb.workload(shape);
  const { work, free } = makeWork(engine, { op, case: workload.case }, false);
  const works = rungs.map(({ name }): Work => underVariant(engine, name, work));
  const timings = await interleaved(engine, works).finally(free);
  return rungs.map(({ name, idea, point }, i): RungMeasurement => {
    const gain = (before: number): number => timings[before].median / timings[i].median;
    const details = { idea, rung: i, gain: gain(Math.max(0, i - 1)), gainOverFirst: gain(0) };
    const words = climb.axes.map((axis, j) => `${axis} ${shape[j]}`).join(', ');
    const what = { op: op.definition.name, variant: name, point, shape: words };
    const rates = ratesOf(timings[i], { flops: workload.flops?.forward, bytes: workload.bytes }, roof);
    return { kind: 'ladder', ...what, unit: 'ms', ...timings[i], ...rates, error: errors[i], details };
  });
}
