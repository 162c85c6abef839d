/** What does each idea bring? The variants of an op as rungs of a ladder, from its plainest kernel to its best, timed in turns. */

import { interleaved, type Work } from '../src/check/measure.ts';
import { type AnyCase, type AnyOp, findOps } from '../src/check/ops.ts';
import { UsageError, UserError } from '../src/errors.ts';
import type { Engine } from '../src/tensor/engine.ts';
import type { Variant } from '../src/tensor/op.ts';
import { formatPoint, type Point } from '../src/tensor/tuning/table.ts';
import { errorOf, makeWork, ratesOf, underVariant } from './kernels.ts';
import type { Measurement } from './record.ts';
import type { Roof } from './roof.ts';
import { paperEngine, type Shader, shadersOf, traitsOf } from './static/paper.ts';

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
  const ops = [...(await findOps())];
  return new Map(
    ops.flatMap(([name, op]) => (op.definition.ladder ? [[name, { op, climb: op.definition.ladder }]] : [])),
  );
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
export const rungsOf = ({ op }: Ladder, { capabilities }: Pick<Engine, 'capabilities'>): Rung[] =>
  Object.entries(op.definition.run).map(([name, variant]) => {
    const { idea, at } = described(variant);
    if (!at) return { name, idea };
    const point = at.point(capabilities);
    checkPoint(`${op.definition.name}: rung ${name}`, at.kernel.spec, point);
    const words = formatPoint(point);
    const runs = at.kernel.points(capabilities).some((one) => formatPoint(one) === words);
    return {
      name,
      idea,
      point,
      ...(!runs && { missing: `${capabilities.name} does not run ${at.kernel.spec.name} at ${words}` }),
    };
  });

const described = (variant: AnyOp['definition']['run'][string]): Pick<Variant<object, object>, 'idea' | 'at'> =>
  typeof variant === 'function' ? { idea: 'The kernel as it is.' } : variant;

function checkPoint(what: string, { name, tune = {} }: { name: string; tune?: object }, point: Point): void {
  const space = Object.entries(tune as Record<string, readonly number[]>);
  const known =
    space.length === Object.keys(point).length && space.every(([key, values]) => values.includes(point[key]));
  if (!known) throw new Error(`${what} is no point of the kernel ${name}: ${formatPoint(point)}`);
}

/** The case of a ladder on a shape. */
const caseOf = ({ climb }: Ladder, shape: readonly number[]): AnyCase => climb.workload(shape).case;

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
  const { work, free } = makeWork(engine, { op, case: caseOf(ladder, shape) }, false);
  const works = rungs.map(({ name }): Work => underVariant(engine, name, work));
  const timings = await interleaved(engine, works).finally(free);
  const { flops, bytes } = climb.workload(shape);
  return rungs.map(({ name, idea, point }, i): RungMeasurement => {
    const gain = (before: number): number => timings[before].median / timings[i].median;
    const details = { idea, rung: i, gain: gain(Math.max(0, i - 1)), gainOverFirst: gain(0) };
    const words = climb.axes.map((axis, j) => `${axis} ${shape[j]}`).join(', ');
    const what = { op: op.definition.name, variant: name, point, shape: words };
    const rates = ratesOf(timings[i], { flops: flops?.forward, bytes }, roof);
    return { kind: 'ladder', ...what, unit: 'ms', ...timings[i], ...rates, error: errors[i], details };
  });
}

/** The shaders of a rung as the engine's adapter gets them. @throws UsageError when it has no such rung */
export async function showRung(
  engine: Engine,
  ladder: Ladder,
  shape: readonly number[],
  name: string,
): Promise<Shader[]> {
  const paper = await paperEngine(traitsOf(engine.device));
  const rungs = rungsOf(ladder, paper).filter(({ missing }) => !missing);
  if (!rungs.some((rung) => rung.name === name)) {
    const list = rungs.map((rung) => rung.name).join(', ');
    throw new UsageError(`${ladder.op.definition.name} has no rung "${name}" on this adapter; it has ${list}`);
  }
  const { work } = makeWork(paper, { op: ladder.op, case: caseOf(ladder, shape) }, false);
  return shadersOf(paper, underVariant(paper, name, work));
}
