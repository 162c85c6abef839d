/** Tuning points for GPUs that nobody has measured, from what their compiler makes of the kernels. */
import type { Engine } from '../../src/tensor/engine.ts';
import { classOf, type Kernel, type Point } from '../../src/tensor/kernel.ts';
import { entryName, formatPoint, type TuningTable } from '../../src/tensor/tuning/table.ts';
import { candidatesOf, gpuTraits, mockEngine, type Shader, type Use, usesOf } from '../mockAdapter.ts';
import type { ShaderStatistics } from './parse.ts';
import { compileFor } from './radv.ts';

/** A point of a kernel on work of a shape class, with the workgroups that it makes of it. */
export interface Judged {
  point: Point;
  workgroups: number;
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
  const entryOf = ({ kernel: { spec }, params }: Use): string =>
    entryName(spec.name, classOf(spec, params, engine.capabilities));
  const tasks = [...(await usesOf(engine, () => run(engine), entryOf))].map(
    ([entry, use]) => [entry, choicesOf(engine, use)] as const,
  );
  const shaders = [...new Map(tasks.flatMap(([, all]) => all.map(({ shader }) => [shader.wgsl, shader]))).values()];
  const compiled = await compileFor(family, shaders);
  const statisticsOf = new Map(shaders.map(({ wgsl }, i) => [wgsl, compiled[i]]));
  const entries = tasks.flatMap(([entry, all]): [string, string][] => {
    const point = better(all.map(({ shader, ...rest }) => ({ ...rest, statistics: statisticsOf.get(shader.wgsl)! })));
    return point ? [[entry, formatPoint(point)]] : [];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The points that can do the work, the preferred one first; none where there is no choice. */
function choicesOf(engine: Engine, use: Use): (Omit<Judged, 'statistics'> & { shader: Shader })[] {
  const { kernel, params } = use;
  const { capabilities } = engine;
  if (kernel.points(capabilities).length < 2) return [];
  return candidatesOf(engine, use)
    .filter(({ point, preferred }) => preferred || (kernel.spec.fits?.(point, params, capabilities) ?? true))
    .sort((a, b) => Number(b.preferred) - Number(a.preferred))
    .map(({ point, shader }) => ({ point, shader, workgroups: workgroupsOf(kernel, params, point) }));
}

function workgroupsOf({ spec }: Kernel, params: Use['params'], point: Point): number {
  const grid = spec.grid(params, point);
  return typeof grid === 'number' ? grid : grid[0] * grid[1] * grid[2];
}
