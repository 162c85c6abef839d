/** What an adapter can do at most, as far as measurements show: multiply-adds in registers, a matmul, a copy. */

import { asRate, interleaved, type Timing } from '../src/check/measure.ts';
import { type Amount, bufferCopy, squareMatmul } from '../src/check/speed.ts';
import type { Engine } from '../src/tensor/engine.ts';
import { defineKernel } from '../src/tensor/kernel.ts';
import type { Measurement } from './record.ts';

/** The roof that other measurements are shares of. */
export interface Roof {
  gflopsPerSecond: number;
  gigabytesPerSecond: number;
  /** What it was taken from. */
  measurements: Measurement[];
}

/** Sums of a lane: with fewer a CPU waits for each result (some 8 cycles, two multiply-adds begun in each). */
const SUMS = 24;
/** Multiply-adds of a sum in one turn of the loop, whose own bookkeeping costs lavapipe a blend for every sum. */
const UNROLLED = 32;

/**
 * Nothing but multiply-adds in registers: y[i] = the sums of lane i.   y: (N) f32
 * Each sum adds a share of the next one, as it was a round before. Sums that knew nothing of one another would do, but LLVM
 * then puts the 32 multiply-adds of each in a row, where each waits for the last: a third of the speed.
 */
const fmaLoop = defineKernel({
  name: 'fma_loop',
  bind: { y: 'write' },
  params: { N: 'u32', turns: 'u32' },
  grid: ({ N }) => Math.ceil(N / 64),
  wgsl: () => {
    const sums = Array.from({ length: SUMS }, (_, i) => `s${i}`);
    const round = sums.map((sum, i) => `${sum} = fma(${sums[(i + 1) % SUMS]}, share, ${sum});`).join(' ');
    return /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let i = groupIndex(group, groups) * 64u + lane;
  let share = 1e-6;
  ${sums.map((sum, j) => `var ${sum} = f32(i + ${j}u);`).join(' ')}
  for (var turn = 0u; turn < params.turns; turn++) {
    ${Array(UNROLLED).fill(round).join('\n    ')}
  }
  if (i < params.N) { y[i] = ${sums.join(' + ')}; }
}`;
  },
});

/** Multiply-adds alone, and how many: enough to fill a GPU for a millisecond, or two cores for some. */
export function multiplyAdds(engine: Engine): Amount {
  const [N, turns] = engine.capabilities.software ? [1 << 13, 64] : [1 << 20, 32];
  const y = engine.zeros([N]);
  return { work: () => fmaLoop({ y }, { N, turns }), amount: 2 * N * turns * UNROLLED * SUMS };
}

/** Measures the roof: the better of a square matmul and a loop of multiply-adds, and a copy, taking turns. */
export async function measureRoof(engine: Engine): Promise<Roof> {
  const side = engine.capabilities.software ? 512 : 2048;
  const works = {
    matmul: { ...squareMatmul(engine, side), shape: `(${side}, ${side}) (${side}, ${side})`, unit: 'GFLOP/s' as const },
    'FMA loop': { ...multiplyAdds(engine), unit: 'GFLOP/s' as const },
    copy: { ...bufferCopy(engine), unit: 'GB/s' as const },
  };
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

interface RoofWork extends Amount {
  unit: 'GFLOP/s' | 'GB/s';
  shape?: string;
}

const measurementOf = (op: string, { amount, unit, shape }: RoofWork, timing: Timing): Measurement => ({
  ...{ kind: 'roof', op, shape, unit },
  ...asRate(timing, amount / 1e9),
});
