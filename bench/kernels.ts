/** How fast is every kernel, variant by variant, how much of what the adapter can do, and how far from the truth? */

import { adamwWork, compareAdamw } from '../src/check/adamw.ts';
import { type HeldWork, interleaved, type Timing, type Work } from '../src/check/measure.ts';
import { type AnyOp, compare, findOps, makeNumbers, shapesOf, upload, variantsOf } from '../src/check/ops.ts';
import {
  describeWorkload,
  operationsOf,
  parametersOf,
  trafficBytes,
  trainingBytes,
  type Workload,
  workloadsOf,
} from '../src/check/workloads.ts';
import { UsageError } from '../src/errors.ts';
import type { Engine } from '../src/tensor/engine.ts';
import { ELEMENT_BYTES } from '../src/tensor/tensor.ts';
import type { Measurement } from './record.ts';
import { measureRoof, type Roof } from './roof.ts';

export interface KernelBenchOptions {
  /** Only ops with this in their name. */
  op?: string;
  /** Whose shapes are timed. */
  presets: readonly string[];
  /** Only forward passes. */
  quick?: boolean;
}

/** One variant of an op on one shape in one pass. */
export interface KernelMeasurement extends Measurement {
  details: {
    pass: Pass;
    /** Its speed by that of the first variant, timed in turns with it. */
    gain: number;
    /** Whether it is the variant that models use. */
    best: boolean;
    /** Operations for each byte that it moves at least: its place under the roof. */
    intensity?: number;
  };
}

type Pass = 'forward' | 'forward + backward' | 'step';

const ADAMW = 'adamw';
/** Of a parameter: clipping 1, moments 3 and 4, corrections 2, root, quotient and step 5, decay 1. */
const ADAMW_OPERATIONS = 16;

/**
 * Measures the roof, then times every variant of every op, and AdamW, on the shapes of presets; yields figures as they come.
 * @throws UsageError when no op has the wanted name; UserError when a kernel fails
 */
export async function* benchKernels(
  engine: Engine,
  { op: part = '', presets, quick = false }: KernelBenchOptions,
): AsyncGenerator<Measurement | KernelMeasurement> {
  const ops = await findOps();
  const names = [...ops.keys(), ADAMW];
  const chosen = names.filter((name) => name.toLowerCase().includes(part.toLowerCase()));
  if (chosen.length === 0) throw new UsageError(`no op has "${part}" in its name; the ops are ${names.join(', ')}`);
  const roof = await measureRoof(engine);
  yield* roof.measurements;
  const passes: Pass[] = quick ? ['forward'] : ['forward', 'forward + backward'];
  for (const name of chosen) {
    if (name === ADAMW) yield* benchAdamw(engine, presets, roof);
    else yield* benchOp(engine, ops.get(name)!, presets, passes, roof);
  }
}

async function* benchOp(
  engine: Engine,
  op: AnyOp,
  presets: readonly string[],
  passes: readonly Pass[],
  roof: Roof,
): AsyncGenerator<KernelMeasurement> {
  const variants = variantsOf(op);
  const errors = new Map<string, number>();
  for (const variant of variants) errors.set(variant, await errorOf(engine, op, variant));
  for (const workload of workloadsOf(op, presets)) {
    for (const pass of passes) {
      if (pass !== 'forward' && !op.definition.backward) continue;
      const { work, free } = makeWork(engine, workload, pass !== 'forward');
      const timings = await timeVariants(engine, variants, work).finally(free);
      for (const [i, variant] of variants.entries()) {
        const gain = timings[0].median / timings[i].median;
        const { flops, operations, bytes } = amountsOf(workload, pass);
        const intensity = bytes && (flops ?? operations ?? 0) / bytes;
        const details = { pass, gain, best: i === variants.length - 1, intensity };
        const what = {
          op: op.definition.name,
          variant: `${variant}, ${pass}`,
          shape: describeWorkload(workload),
          preset: workload.from,
        };
        const rates = ratesOf(timings[i], { flops, bytes }, roof);
        yield {
          kind: 'kernel',
          ...what,
          unit: 'ms',
          ...timings[i],
          ...rates,
          error: errors.get(variant)!,
          details,
        };
      }
    }
  }
}

/** Parameters, gradients and two moments are read, and all but the gradients written. */
async function* benchAdamw(engine: Engine, presets: readonly string[], roof: Roof): AsyncGenerator<KernelMeasurement> {
  const { error } = await compareAdamw(engine);
  for (const preset of presets) {
    const count = parametersOf(preset);
    const { work, free } = adamwWork(engine, count);
    const timings = await timeVariants(engine, ['naive', 'best'], work).finally(free);
    for (const [i, variant] of ['naive', 'fours'].entries()) {
      const bytes = 7 * ELEMENT_BYTES * count;
      const rates = ratesOf(timings[i], { bytes }, roof);
      const what = { op: ADAMW, variant: `${variant}, step`, shape: `(${count})`, preset };
      const gain = timings[0].median / timings[i].median;
      const intensity = (ADAMW_OPERATIONS * count) / bytes;
      const details = { pass: 'step' as const, gain, best: i === 1, intensity };
      yield { kind: 'kernel', ...what, unit: 'ms', ...timings[i], ...rates, error, details };
    }
  }
}

/** What a pass does: `flops` of ops that calculate more than they move, by which they are rated; else the least traffic. */
export interface Amounts {
  flops?: number;
  bytes?: number;
}

/** Of a forward pass both, and the operations of ops that are rated by what they move. */
function amountsOf(workload: Workload, pass: Pass): Amounts & { operations?: number } {
  const { flops } = workload;
  if (pass !== 'forward') return flops ? { flops: flops.training } : { bytes: trainingBytes(workload) };
  return { flops: flops?.forward, operations: operationsOf(workload), bytes: trafficBytes(workload) };
}

/** Rates of a time in ms, and their share of the roof: of the arithmetic where operations are counted, else of the memory. */
export function ratesOf({ median }: Timing, { flops, bytes }: Amounts, roof: Roof): Partial<Measurement> {
  if (flops !== undefined) {
    const gflopsPerSecond = flops / median / 1e6;
    return { gflopsPerSecond, roofShare: gflopsPerSecond / roof.gflopsPerSecond };
  }
  if (bytes === undefined) return {};
  const gigabytesPerSecond = bytes / median / 1e6;
  return { gigabytesPerSecond, roofShare: gigabytesPerSecond / roof.gigabytesPerSecond };
}

/** Cases that errors are taken from: the first ones are small, and a reference is slow. */
export const ERROR_CASES = 2;

/** Largest error of a variant over the op's first cases. */
export async function errorOf(engine: Engine, op: AnyOp, variant: string): Promise<number> {
  const before = engine.variant;
  engine.variant = variant;
  try {
    const errors = [];
    for (const test of op.definition.cases.slice(0, ERROR_CASES)) errors.push((await compare(engine, op, test)).error);
    return Math.max(...errors);
  } finally {
    engine.variant = before;
  }
}

/** The same work under a variant of the ops. */
export const underVariant =
  (engine: Engine, variant: string, work: Work): Work =>
  () => {
    const before = engine.variant;
    engine.variant = variant;
    work();
    engine.variant = before;
  };

/** Times of variants, taking turns. */
const timeVariants = (engine: Engine, variants: readonly string[], work: Work): Promise<Timing[]> =>
  interleaved(
    engine,
    variants.map((variant) => underVariant(engine, variant, work)),
  );

/** The pass as it stands in a recorded step. Inputs of normal numbers get gradients, which nothing has been added to before. */
export function makeWork(
  engine: Engine,
  { op, case: test }: Pick<Workload, 'op' | 'case'>,
  backward: boolean,
): HeldWork {
  const [, attributes = {}] = test;
  const inputs = upload(engine, makeNumbers(test));
  const held = Object.values(inputs);
  const free = (): void => {
    for (const { view } of held) engine.device.free(view);
  };
  if (!backward) return { free, work: () => void engine.withoutGradients(() => op(inputs, attributes)) };
  const shape = op.definition.shape(shapesOf(test), attributes);
  const dy = engine.tensor(makeNumbers([{ dy: shape }]).dy.data, shape);
  const differentiable = held.filter(({ dtype }) => dtype === 'f32');
  for (const input of differentiable) input.requiresGrad = true;
  held.push(dy);
  const work = (): void => {
    for (const input of differentiable) input.grad = undefined;
    engine.backward(op(inputs, attributes), dy);
  };
  return { free, work };
}
