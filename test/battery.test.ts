import { describe, expect, it } from 'vitest';
import { type AnyCase, type AnyOp, describeCase, findOps, variantsOf } from '../src/check/ops.ts';
import type { Engine } from '../src/tensor/engine.ts';
import { otherPoints, readsOperands, runCase } from './helpers/battery.ts';
import { gpuLikeEngine, testEngine } from './helpers/engine.ts';

/**
 * Is every op true? Op x case x variant x tuning point on the adapter of this run, once more in mixed precision where that has
 * f16, and once more with the choices that a GPU would make: forward against the float64 reference, backward against finite
 * differences of that reference, canaries past each output, inputs that are written into, and the same bits twice. A kernel
 * that an op borrows from another one has its points tried by that one's cases. A new file in src/kernels is in the battery
 * by existing.
 */
const ops = await findOps();

/** What the plain variant may be called: the decoding steps' is the composition of plain ops, Muon's the textbook's formula. */
const PLAIN = ['naive', 'plain', 'textbook'];

/** Whether a kernel is another op's: its name begins with that op's name. */
const isBorrowed = (kernel: string, op: AnyOp): boolean =>
  !kernel.startsWith(op.definition.name) && [...ops.keys()].some((name) => kernel.startsWith(name));

/** A case at the preferred points, then at every other point of each kernel of the op's own. */
async function runEverywhere(engine: Engine, op: AnyOp, test: AnyCase): Promise<void> {
  await runCase(engine, op, test);
  for (const { kernel, point } of await otherPoints(engine, op, test)) {
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
  const cases = definition.cases.map((test) => [describeCase(test), test] as const);

  it('has a plain variant first, and cases', () => {
    expect(PLAIN).toContain(variantsOf(op)[0]);
    expect(definition.cases.length).toBeGreaterThan(2);
  });

  describe.each(variantsOf(op))('%s', (variant) => {
    it.each(cases)('%s', async (_, test) => {
      const engine = await testEngine();
      engine.variant = variant;
      await runEverywhere(engine, op, test);
      const halves = engine.capabilities.features.includes('shader-f16');
      if (!halves || !(await readsOperands(engine, op, test))) return;
      engine.precision = 'mixed';
      try {
        await runEverywhere(engine, op, test);
      } finally {
        engine.precision = 'float32';
      }
    });
  });

  it.each(cases)('as a GPU would choose: %s', async (_, test) => runCase(await gpuLikeEngine(), op, test));
});
