import { describe, expect, it } from 'vitest';
import { type AnyCase, type AnyOp, describeCase, findOps } from '../src/check/ops.ts';
import type { Engine } from '../src/tensor/engine.ts';
import { hasOperands, runCase, tuningPoints } from './helpers/battery.ts';
import { testEngine } from './helpers/engine.ts';

/**
 * Is every op true? Op x case x variant x tuning point on the adapter of this run, and once more in mixed precision where that
 * has f16: forward against the float64 reference, backward against finite differences of that reference, canaries past each
 * output, and the same bits twice. A kernel that an op borrows from another one has its points tried by that one's cases.
 * A new file in src/kernels is in the battery by existing.
 */
const ops = await findOps();

/** Whether a kernel is another op's: its name begins with that op's name. */
const isBorrowed = (kernel: string, op: AnyOp): boolean =>
  !kernel.startsWith(op.definition.name) && [...ops.keys()].some((name) => kernel.startsWith(name));

/** A case at the preferred points, then at every point of each kernel of the op's own. */
async function runEverywhere(engine: Engine, op: AnyOp, test: AnyCase): Promise<void> {
  await runCase(engine, op, test);
  for (const { kernel, point } of await tuningPoints(engine, op, test)) {
    if (isBorrowed(kernel, op)) continue;
    engine.tuning.set(kernel, point);
    try {
      await runCase(engine, op, test);
    } catch (error) {
      const where = `${kernel} at ${JSON.stringify(point)}, ${engine.precision}`;
      (error as Error).message = `${where}: ${(error as Error).message}`;
      throw error;
    } finally {
      engine.tuning.delete(kernel);
    }
  }
}

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
      await runEverywhere(engine, op, test);
      const halves = engine.capabilities.features.includes('shader-f16');
      if (!halves || !(await hasOperands(engine, op, test))) return;
      engine.precision = 'mixed';
      try {
        await runEverywhere(engine, op, test);
      } finally {
        engine.precision = 'float32';
      }
    });
  });
});
