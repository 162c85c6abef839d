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

/** Vectors of sums that do not wait for one another: 12 registers of numbers, which leaves a CPU with 16 some. */
const CHAINS = 3;
const UNROLLED = 4;

/** Nothing but multiply-adds in registers: y[i] = the sums of lane i.   y: (N) f32 */
const fmaLoop = defineKernel({
  name: 'fma_loop',
  bind: { y: 'write' },
  params: { N: 'u32', rounds: 'u32' },
  grid: ({ N }) => Math.ceil(N / 64),
  wgsl: () => {
    const chains = Array.from({ length: CHAINS }, (_, i) => i);
    const step = chains.map((i) => `s${i} = fma(s${i}, shrink, grow);`).join(' ');
    return /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let i = groupIndex(group, groups) * 64u + lane;
  let shrink = vec4<f32>(0.999);
  let grow = vec4<f32>(0.001, 0.002, 0.003, 0.004);
  ${chains.map((j) => `var s${j} = vec4<f32>(f32(i + ${j}u));`).join(' ')}
  for (var k = 0u; k < params.rounds; k++) { ${step.repeat(UNROLLED)} }
  if (i < params.N) { y[i] = dot(${chains.map((j) => `s${j}`).join(' + ')}, vec4<f32>(1.0)); }
}`;
  },
});

/** Enough to fill a GPU for a millisecond, or two cores for some. */
function multiplyAdds(engine: Engine): Amount {
  const [N, rounds] = engine.capabilities.software ? [1 << 13, 256] : [1 << 20, 512];
  const y = engine.zeros([N]);
  return { work: () => fmaLoop({ y }, { N, rounds }), amount: N * rounds * UNROLLED * CHAINS * 4 * 2 };
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
