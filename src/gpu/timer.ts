import { UserError } from '../errors.ts';
import type { Device } from './device.ts';
import { Block, viewOf } from './memory.ts';
import type { Program } from './recorder.ts';

/** Time of one kernel of a program. */
export interface KernelTime {
  name: string;
  timeMs: number;
  dispatches: number;
}

/** Queries that a set can hold (WebGPU's fixed limit); a dispatch takes two. */
const MAX_QUERIES = 4096;

/**
 * Runs a program once with timestamps around every dispatch and sums them by kernel, slowest first. Run the program before:
 * software adapters compile a kernel at its first dispatch. Returns undefined where the adapter has no timestamps.
 * @throws UserError when the program has more dispatches than timestamps can be taken, and for failures of the work
 */
export async function profile(device: Device, program: Program): Promise<KernelTime[] | undefined> {
  const passedMs = await dispatchTimes(device, program);
  if (!passedMs) return undefined;
  const times = new Map<string, KernelTime>();
  program.kernels.forEach((name, i) => {
    const { timeMs, dispatches } = times.get(name) ?? { timeMs: 0, dispatches: 0 };
    times.set(name, { name, timeMs: timeMs + passedMs[i], dispatches: dispatches + 1 });
  });
  return [...times.values()].sort((a, b) => b.timeMs - a.timeMs);
}

/** The same, summed up by what dispatches are for (see Device.part); what nobody said a part of is under ''. */
export async function profileParts(device: Device, program: Program): Promise<Map<string, number> | undefined> {
  const passedMs = await dispatchTimes(device, program);
  if (!passedMs) return undefined;
  const times = new Map<string, number>();
  program.parts.forEach((part = '', i) => {
    times.set(part, (times.get(part) ?? 0) + passedMs[i]);
  });
  return times;
}

/** Milliseconds of each dispatch. */
async function dispatchTimes(device: Device, program: Program): Promise<number[] | undefined> {
  if (!device.gpu.features.has('timestamp-query')) return undefined;
  const { kernels } = program;
  if (kernels.length === 0) return [];
  if (2 * kernels.length > MAX_QUERIES) {
    throw new UserError(`profile: at most ${MAX_QUERIES / 2} dispatches can be timed, got ${kernels.length}`);
  }
  await device.finish(); // work from before neither disturbs the clock nor comes after
  const stamps = await takeStamps(device, program, 2 * kernels.length);
  return kernels.map((_, i) => Number(stamps[2 * i + 1] - stamps[2 * i]) / 1e6);
}

/** When each dispatch began and ended, in nanoseconds. */
async function takeStamps(device: Device, program: Program, count: number): Promise<BigUint64Array> {
  const querySet = device.gpu.createQuerySet({ type: 'timestamp', count });
  const resolved = viewOf(new Block(8 * count, 'timestamps', 'queries'));
  try {
    device.submit((encoder) => {
      program.encode(encoder, querySet);
      encoder.resolveQuerySet(querySet, 0, count, device.pool.materialize(resolved.block), 0);
    });
    return new BigUint64Array(await device.read(resolved));
  } finally {
    device.free(resolved);
    querySet.destroy();
  }
}
