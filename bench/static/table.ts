/** Tuning points for GPUs that nobody has measured, from what their compiler makes of the kernels. */
import type { Engine } from '../../src/tensor/engine.ts';
import { observeLong } from '../../src/tensor/kernel.ts';
import { formatPoint, type Point, type TuningTable } from '../../src/tensor/tuning/table.ts';
import { gpuTraits, paperEngine, type Shader, shaderAt } from './paper.ts';
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

/** A kernel's use with its shaders, the preferred point first. */
interface Task {
  entry: string;
  candidates: { point: Point; workgroups: number; shader: Shader }[];
}

/**
 * The table of a family for what `run` dispatches: entries only where another point than the preferred one is better.
 * @throws UserError as `compileFor`
 */
export async function staticTable(family: string, run: (engine: Engine) => Promise<void>): Promise<TuningTable> {
  const engine = await paperEngine(gpuTraits(32, 64)); // AMD's driver chooses between the two
  const tasks = await tasksOf(engine, run);
  const shaders = [
    ...new Map(tasks.flatMap(({ candidates }) => candidates.map(({ shader }) => [shader.wgsl, shader]))).values(),
  ];
  const compiled = await compileFor(family, shaders);
  const statisticsOf = new Map(shaders.map(({ wgsl }, i) => [wgsl, compiled[i]]));
  const entries = tasks.flatMap(({ entry, candidates }): [string, string][] => {
    const judged = candidates.map(({ shader, ...rest }) => ({ ...rest, statistics: statisticsOf.get(shader.wgsl)! }));
    const point = better(judged);
    return point ? [[entry, formatPoint(point)]] : [];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function tasksOf(engine: Engine, run: (engine: Engine) => Promise<void>): Promise<Task[]> {
  const tasks = new Map<string, Task>();
  for (const use of await observeLong(engine, () => run(engine))) {
    const { entry, points, workgroups } = use.kernel.choices(use.tensors, use.params);
    if (points.length < 2 || tasks.has(entry)) continue;
    const candidateAt = (point: Point) => ({
      point,
      workgroups: workgroups(point),
      shader: shaderAt(engine, use, point),
    });
    tasks.set(entry, { entry, candidates: points.map(candidateAt) });
  }
  return [...tasks.values()];
}
