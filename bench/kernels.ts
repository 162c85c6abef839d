/** How fast is every kernel, naive against best, and how far from the truth? */
import { UsageError } from '../src/errors.ts';
import type { Engine } from '../src/tensor/engine.ts';
import type { Tensor } from '../src/tensor/tensor.ts';
import { ELEMENT_BYTES } from '../src/tensor/tensor.ts';
import { adamwWork, compareAdamw } from './adamw.ts';
import { interleaved, type Work } from './measure.ts';
import { type AnyOp, apply, compare, findOps, makeNumbers, upload } from './ops.ts';
import {
  describeWorkload,
  parametersOf,
  type SizeName,
  trafficBytes,
  type Workload,
  workloadsOf,
} from './workloads.ts';

export interface KernelBenchOptions {
  /** Only ops with this in their name. */
  op?: string;
  /** Only forward passes of nano's shapes. */
  quick?: boolean;
}

/** One op on one shape in one pass. */
export interface KernelFigures {
  op: string;
  shape: string;
  pass: 'forward' | 'forward + backward' | 'step';
  naiveMs: number;
  /** Of the variant that models use. */
  timeMs: number;
  variant: string;
  /** Of the best variant: operations where the op calculates, else the least traffic of a forward pass or a step. */
  gflopsPerSecond?: number;
  gigabytesPerSecond?: number;
  /** Largest error of the best variant on the op's small cases, by the reference's magnitude. */
  error: number;
}

/**
 * Times every op, and AdamW, on the shapes of nano and small and yields the figures as they come.
 * @throws UsageError when no op has the wanted name; UserError when a kernel fails
 */
export async function* benchKernels(
  engine: Engine,
  { op: part = '', quick }: KernelBenchOptions,
): AsyncGenerator<KernelFigures> {
  const ops = await findOps();
  const chosen = [...ops.keys(), ADAMW].filter((name) => name.toLowerCase().includes(part.toLowerCase()));
  if (chosen.length === 0) {
    throw new UsageError(`no op has "${part}" in its name; the ops are ${[...ops.keys(), ADAMW].join(', ')}`);
  }
  const sizes: SizeName[] = quick ? ['nano'] : ['nano', 'small'];
  for (const name of chosen) yield* name === ADAMW ? benchAdamw(engine, sizes) : benchOp(engine, ops.get(name)!, sizes);
}

const ADAMW = 'adamw';

async function* benchOp(engine: Engine, op: AnyOp, sizes: readonly SizeName[]): AsyncGenerator<KernelFigures> {
  const error = await errorOf(engine, op);
  for (const workload of workloadsOf(op, sizes)) {
    yield { ...(await timePass(engine, workload, false)), error };
    if (sizes.length > 1 && op.definition.backward) yield { ...(await timePass(engine, workload, true)), error };
  }
}

/** Parameters, gradients and two moments are read, and all but the gradients written. */
async function* benchAdamw(engine: Engine, sizes: readonly SizeName[]): AsyncGenerator<KernelFigures> {
  const { error } = await compareAdamw(engine);
  for (const size of sizes) {
    const count = parametersOf(size);
    const [naiveMs, timeMs] = await timeVariants(engine, adamwWork(engine, count));
    const gigabytesPerSecond = (7 * ELEMENT_BYTES * count) / timeMs / 1e6;
    yield {
      op: ADAMW,
      shape: `${size}: (${count})`,
      pass: 'step',
      naiveMs,
      timeMs,
      variant: 'fours',
      gigabytesPerSecond,
      error,
    };
  }
}

/** Largest error of the best variant over the op's first two cases: those are small, and a reference is slow. */
async function errorOf(engine: Engine, op: AnyOp): Promise<number> {
  const errors = [];
  for (const test of op.definition.cases.slice(0, 2)) errors.push((await compare(engine, op, test)).error);
  return Math.max(...errors);
}

async function timePass(engine: Engine, workload: Workload, backward: boolean): Promise<Omit<KernelFigures, 'error'>> {
  const { op, flops } = workload;
  const variants = Object.keys(op.definition.run);
  const [naiveMs, timeMs] = await timeVariants(engine, makeWork(engine, workload, backward));
  const rate = flops
    ? { gflopsPerSecond: (backward ? flops.training : flops.forward) / timeMs / 1e6 }
    : { gigabytesPerSecond: backward ? undefined : trafficBytes(workload) / timeMs / 1e6 };
  const pass = backward ? 'forward + backward' : 'forward';
  const shape = describeWorkload(workload);
  return { op: op.definition.name, shape, pass, naiveMs, timeMs, variant: variants[variants.length - 1], ...rate };
}

/** Times of the naive and the best variant. */
function timeVariants(engine: Engine, work: Work): Promise<number[]> {
  const under =
    (variant: string): Work =>
    () => {
      engine.variant = variant;
      work();
      engine.variant = 'best';
    };
  return interleaved(engine, [under('naive'), under('best')]);
}

/** The pass as it stands in a recorded step. Inputs of normal numbers get gradients. */
function makeWork(engine: Engine, { op, test }: Workload, backward: boolean): Work {
  const attributes = test.attributes ?? {};
  const numbers = makeNumbers(test);
  const inputs = upload(engine, numbers);
  if (!backward) return () => void engine.withoutGradients(() => apply(op, inputs, attributes));
  for (const input of inputs) if (input) input.requiresGrad = input.dtype === 'f32';
  const shape = op.definition.shape(
    numbers.map((input) => input?.shape),
    attributes,
  );
  const dy: Tensor = engine.tensor(makeNumbers({ inputs: [shape] })[0]!.data, shape);
  return () => engine.backward(apply(op, inputs, attributes), dy);
}
