/** Tuning points for GPUs that nobody has measured, from what their compiler makes of the kernels. */
import type { Engine } from '../../src/tensor/engine.ts';
import { formatPoint, type Point, type TuningTable } from '../../src/tensor/tuning/table.ts';
import { type Candidate, candidatesOf, gpuTraits, mockEngine, usesOf } from '../mockAdapter.ts';
import type { ShaderStatistics } from './parse.ts';
import { compileFor } from './radv.ts';

/** A point of a kernel with what it makes of the work. */
export interface Judged extends Omit<Candidate, 'shader'> {
  statistics: ShaderStatistics;
}

/** Subgroups on a SIMD that hide each other's waiting. */
const OCCUPANCY = 8;
/** Compute units of the larger GPUs: with fewer workgroups some of them idle. */
const COMPUTE_UNITS = 80;
/** A denser loop must be so by this share of multiply-adds at least: what is closer, only a measurement can tell. */
const DENSER = 0.05;

const sound = ({ statistics }: Judged): boolean => statistics.spills === 0 && statistics.subgroupsPerSimd >= OCCUPANCY;
const share = ({ statistics: { loop } }: Judged): number => loop.share;

/**
 * The point to take in place of the preferred one (the first): where that spills or leaves no room for other subgroups, the
 * densest that does neither; else one that is clearly denser and fills the GPU as well. Undefined: the preferred one stays.
 */
export function better([preferred, ...others]: readonly Judged[]): Point | undefined {
  const fills = ({ workgroups }: Judged): boolean => workgroups >= Math.min(preferred.workgroups, COMPUTE_UNITS);
  const [densest] = others.filter((one) => sound(one) && fills(one)).sort((a, b) => share(b) - share(a));
  if (!densest) return undefined;
  if (!sound(preferred)) return densest.point;
  // without multiply-adds in a loop there is nothing to compare
  return share(preferred) > 0 && share(densest) >= share(preferred) + DENSER ? densest.point : undefined;
}

/**
 * The table of a family for what `run` dispatches: entries only where another point than the preferred one is better.
 * @throws UserError as `compileFor`
 */
export async function staticTable(family: string, run: (engine: Engine) => Promise<void>): Promise<TuningTable> {
  const engine = await mockEngine(gpuTraits(32, 64)); // AMD's driver chooses between the two
  const uses = await usesOf(
    engine,
    () => run(engine),
    ({ entry }) => entry,
  );
  const tasks = uses.flatMap((use): [string, Candidate[]][] => {
    const { entry, points } = use.kernel.choices(use.tensors, use.params);
    return points.length > 1 ? [[entry, candidatesOf(engine, use)]] : [];
  });
  const shaders = [...new Map(tasks.flatMap(([, all]) => all.map(({ shader }) => [shader.wgsl, shader]))).values()];
  const compiled = await compileFor(family, shaders);
  const statisticsOf = new Map(shaders.map(({ wgsl }, i) => [wgsl, compiled[i]]));
  const entries = tasks.flatMap(([entry, all]): [string, string][] => {
    const point = better(all.map(({ shader, ...rest }) => ({ ...rest, statistics: statisticsOf.get(shader.wgsl)! })));
    return point ? [[entry, formatPoint(point)]] : [];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
