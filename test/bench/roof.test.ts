import { expect, it } from 'vitest';
import { gpuTraits, mockEngine, shadersOf } from '../../bench/mockAdapter.ts';
import { multiplyAdds } from '../../src/check/roof.ts';
import { testEngine } from '../helpers/engine.ts';

/** Multiply-adds that CPUs and GPUs begin before the result of the first is there: 2 or 4 a cycle for 4 to 8 cycles. */
const IN_FLIGHT = 16;

it('the loop of multiply-adds waits for none of its results, in the order written and in any that a compiler may choose', async () => {
  const engine = await mockEngine(gpuTraits(32, 32));
  const [{ wgsl }] = shadersOf(engine, multiplyAdds(engine).work);
  const [, loop] = wgsl.match(/for \([^)]*\) \{([^}]*)\}/)!;
  const steps = [...loop.matchAll(/(\w+) = fma\((\w+), (\w+), (\w+)\);/g)].map(([, sum, ...read]) => ({ sum, read }));
  expect(loop.match(/=/g)).toHaveLength(steps.length); // nothing else is in it
  const sums = new Set(steps.map(({ sum }) => sum));
  expect(steps.length).toBeGreaterThanOrEqual(16 * sums.size); // what the loop itself costs hardly counts
  const written = new Map<string, number>();
  const depth = new Map<string, number>();
  steps.forEach(({ sum, read }, i) => {
    for (const name of read)
      expect(i - (written.get(name) ?? -IN_FLIGHT), `${name} at ${i}`).toBeGreaterThanOrEqual(IN_FLIGHT);
    const others = read.filter((name) => sums.has(name) && name !== sum);
    expect(others, 'a sum by itself may be moved together').toHaveLength(1);
    written.set(sum, i);
    depth.set(sum, 1 + Math.max(...read.map((name) => depth.get(name) ?? 0)));
  });
  const longest = Math.max(...depth.values()); // multiply-adds that follow one upon another
  expect(steps.length / longest).toBeGreaterThanOrEqual(IN_FLIGHT);
});

it('the loop ends on numbers that are none of the slow ones', async () => {
  const engine = await testEngine();
  const { work } = multiplyAdds(engine);
  const [{ tensors }] = engine.observe(work);
  const [first, second] = await tensors.y.floats();
  expect(first).toBeGreaterThan(23 * 12); // 0 + 1 + ... + 23, and a little more by each share
  expect(first).toBeLessThan(23 * 12 * 1.01);
  expect(second).toBeGreaterThan(first);
});
