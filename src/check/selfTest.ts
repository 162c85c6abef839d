import type { Engine } from '../tensor/engine.ts';
import { compareAdamw } from './adamw.ts';
import { type Comparison, compare, describeCase, FIRST_CASES, findOps } from './ops.ts';

export interface OpVerdict {
  op: string;
  passed: boolean;
  /** Largest error over the cases, as `compare` gives it; NaN where the kernel failed. */
  error: number;
  /** What is wrong, in words. */
  failure?: string;
}

/** Runs the first cases of every op forward on the engine's adapter, and AdamW, against float64. Never throws. */
export async function* selfTest(engine: Engine): AsyncGenerator<OpVerdict> {
  for (const op of (await findOps()).values()) {
    const { name, cases } = op.definition;
    const trials = cases.slice(0, FIRST_CASES).map((test) => ({
      what: describeCase(test),
      run: () => compare(engine, op, test),
    }));
    yield await judge(name, trials);
  }
  yield await judge('adamw', [{ what: 'one step', run: () => compareAdamw(engine) }]);
}

interface Trial {
  what: string;
  run(): Promise<Comparison>;
}

async function judge(op: string, trials: readonly Trial[]): Promise<OpVerdict> {
  let largest = 0;
  for (const { what, run } of trials) {
    try {
      const { error, tolerance } = await run();
      if (!(error <= tolerance)) {
        const failure = `${what}: the error is ${error}, at most ${tolerance} was expected`;
        return { op, passed: false, error, failure };
      }
      largest = Math.max(largest, error);
    } catch (error) {
      return { op, passed: false, error: Number.NaN, failure: (error as Error).message };
    }
  }
  return { op, passed: true, error: largest };
}
