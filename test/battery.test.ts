import { describe, expect, it } from 'vitest';
import { describeCase, findOps } from '../bench/ops.ts';
import { runCase, tuningPoints } from './helpers/battery.ts';
import { testEngine } from './helpers/engine.ts';

/**
 * Is every op true? Op x case x variant x tuning point on the adapter of this run: forward against the float64 reference,
 * backward against finite differences of that reference, canaries past each output, and the same bits twice.
 * A new file in src/kernels is in the battery by existing.
 */
const ops = await findOps();

describe.each([...ops])('%s', (_, op) => {
  const { definition } = op;
  it('has a naive variant, and cases', () => {
    expect(Object.keys(definition.run).length).toBeGreaterThan(0);
    expect(definition.cases.length).toBeGreaterThan(2);
  });

  describe.each(Object.keys(definition.run))('%s', (variant) => {
    it.each(definition.cases.map((test) => [describeCase(test), test] as const))('%s', async (_, test) => {
      const engine = await testEngine();
      engine.variant = variant;
      await runCase(engine, op, test);
      for (const { kernel, point } of await tuningPoints(engine, op, test)) {
        engine.tuning.set(kernel, point);
        try {
          await runCase(engine, op, test);
        } catch (error) {
          (error as Error).message = `${kernel} at ${JSON.stringify(point)}: ${(error as Error).message}`;
          throw error;
        } finally {
          engine.tuning.delete(kernel);
        }
      }
    });
  });
});
