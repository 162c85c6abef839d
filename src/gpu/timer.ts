import { UserError } from '../errors.ts';
import type { Device } from './device.ts';
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
  if (!device.gpu.features.has('timestamp-query')) return undefined;
  if (program.dispatches === 0) return [];
  if (2 * program.dispatches > MAX_QUERIES) {
    throw new UserError(`profile: at most ${MAX_QUERIES / 2} dispatches can be timed, got ${program.dispatches}`);
  }
  await device.finish(); // work from before neither disturbs the clock nor comes after
  const { names, stamps } = await takeStamps(device, program);
  const times = new Map<string, KernelTime>();
  names.forEach((name, i) => {
    const time = times.get(name) ?? { name, timeMs: 0, dispatches: 0 };
    time.timeMs += Number(stamps[2 * i + 1] - stamps[2 * i]) / 1e6;
    time.dispatches++;
    times.set(name, time);
  });
  return [...times.values()].sort((a, b) => b.timeMs - a.timeMs);
}

/** The kernels' names in order and, for each, when it began and ended, in nanoseconds. */
async function takeStamps(device: Device, program: Program): Promise<{ names: string[]; stamps: BigUint64Array }> {
  const { gpu } = device;
  const count = 2 * program.dispatches;
  const querySet = gpu.createQuerySet({ type: 'timestamp', count });
  const resolved = gpu.createBuffer({ size: count * 8, usage: 0x200 | 0x4 }); // QUERY_RESOLVE | COPY_SRC
  const readback = gpu.createBuffer({ size: count * 8, usage: 0x1 | 0x8 }); // MAP_READ | COPY_DST
  try {
    const encoder = gpu.createCommandEncoder();
    const names = program.encodeTimed(encoder, querySet);
    encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, readback, 0, count * 8);
    gpu.queue.submit([encoder.finish()]);
    await device.finish(); // the device knows how to wait
    await readback.mapAsync(1); // GPUMapMode.READ
    return { names, stamps: new BigUint64Array(readback.getMappedRange().slice(0)) };
  } finally {
    for (const buffer of [resolved, readback]) buffer.destroy();
    querySet.destroy();
  }
}
