import type { Device } from './device.ts';
import type { Program } from './recorder.ts';

/** Time of one kernel of a program. */
export interface KernelTime {
  name: string;
  timeMs: number;
  dispatches: number;
}

/**
 * Runs a program once with timestamps around every dispatch and sums them by kernel, slowest first.
 * Returns undefined where the adapter has no timestamps.
 */
export async function profile(device: Device, program: Program): Promise<KernelTime[] | undefined> {
  const { gpu } = device;
  if (!gpu.features.has('timestamp-query')) return undefined;
  const count = 2 * program.dispatches;
  const querySet = gpu.createQuerySet({ type: 'timestamp', count });
  const resolved = gpu.createBuffer({ size: count * 8, usage: 0x200 | 0x4 }); // QUERY_RESOLVE | COPY_SRC
  const readback = gpu.createBuffer({ size: count * 8, usage: 0x1 | 0x8 }); // MAP_READ | COPY_DST
  const encoder = gpu.createCommandEncoder();
  const names = program.encodeTimed(encoder, querySet);
  encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, readback, 0, count * 8);
  gpu.queue.submit([encoder.finish()]);
  await readback.mapAsync(1);
  const stamps = new BigUint64Array(readback.getMappedRange().slice(0));
  for (const buffer of [resolved, readback]) buffer.destroy();
  querySet.destroy();
  const times = new Map<string, KernelTime>();
  names.forEach((name, i) => {
    const time = times.get(name) ?? { name, timeMs: 0, dispatches: 0 };
    time.timeMs += Number(stamps[2 * i + 1] - stamps[2 * i]) / 1e6;
    time.dispatches++;
    times.set(name, time);
  });
  return [...times.values()].sort((a, b) => b.timeMs - a.timeMs);
}
