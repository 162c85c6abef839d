/** What an adapter can do at most, as far as measurements show: multiply-adds in registers, a matmul, a copy. */

import { asRate, interleaved, type Timing } from '../src/check/measure.ts';
import { type RoofWork, roofWorks } from '../src/check/roof.ts';
import type { Engine } from '../src/tensor/engine.ts';
import type { Measurement } from './record.ts';

/** The roof that other measurements are shares of. */
export interface Roof {
  gflopsPerSecond: number;
  gigabytesPerSecond: number;
  /** What it was taken from. */
  measurements: Measurement[];
}

/** Measures the roof: the better of a square matmul and a loop of multiply-adds, and a copy, taking turns. */
export async function measureRoof(engine: Engine): Promise<Roof> {
  const works = roofWorks(engine);
  const timings = await interleaved(
    engine,
    Object.values(works).map(({ work }) => work),
  );
  return roofOf(Object.entries(works).map(([op, work], i) => measurementOf(op, work, timings[i])));
}

/** Runs `work` between two measurements of the roof and hands it the better of each: machines are not always idle. */
export async function underRoof<T>(engine: Engine, work: () => Promise<T>): Promise<{ result: T; roof: Roof }> {
  const before = await measureRoof(engine);
  const result = await work();
  const after = await measureRoof(engine);
  const better = before.measurements.map((one, i) => {
    const other = after.measurements[i];
    return one.median > other.median ? one : other;
  });
  return { result, roof: roofOf(better) };
}

function roofOf(measurements: Measurement[]): Roof {
  const best = (unit: string): number =>
    Math.max(...measurements.filter((one) => one.unit === unit).map(({ median }) => median));
  return { gflopsPerSecond: best('GFLOP/s'), gigabytesPerSecond: best('GB/s'), measurements };
}

const measurementOf = (op: string, { amount, unit, shape }: RoofWork, timing: Timing): Measurement => ({
  ...{ kind: 'roof', op, shape, unit },
  ...asRate(timing, amount / 1e9),
});
