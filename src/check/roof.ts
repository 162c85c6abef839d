/** What shows how much an adapter can do at most: multiply-adds in registers, a matmul, a copy. */
import type { Engine } from '../tensor/engine.ts';
import { defineKernel } from '../tensor/kernel.ts';
import { interleaved } from './measure.ts';
import { type Amount, bufferCopy, squareMatmul } from './speed.ts';

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

/** Work that an adapter does as fast as it does anything. */
export interface RoofWork extends Amount {
  unit: 'GFLOP/s' | 'GB/s';
  shape?: string;
}

/** A square matmul, a loop of multiply-adds and a copy, by name. */
export function roofWorks(engine: Engine): Record<string, RoofWork> {
  const side = engine.capabilities.software ? 512 : 2048;
  return {
    matmul: { ...squareMatmul(engine, side), shape: `(${side}, ${side}) (${side}, ${side})`, unit: 'GFLOP/s' as const },
    'FMA loop': { ...multiplyAdds(engine), unit: 'GFLOP/s' as const },
    copy: { ...bufferCopy(engine), unit: 'GB/s' as const },
  };
}

/** The most of both that an adapter was seen to do, in a second or two. */
export async function measureRates(engine: Engine): Promise<{ operationsPerSecond: number; bytesPerSecond: number }> {
  const works = Object.values(roofWorks(engine));
  const timings = await interleaved(
    engine,
    works.map(({ work }) => work),
  );
  const best = (wanted: RoofWork['unit']): number =>
    Math.max(...works.map(({ amount, unit }, i) => (unit === wanted ? (1000 * amount) / timings[i].spread[0] : 0)));
  return { operationsPerSecond: best('GFLOP/s'), bytesPerSecond: best('GB/s') };
}
