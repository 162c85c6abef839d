/** How fast is every kernel, variant by variant, how much of what the adapter can do, and how far from the truth? */

import { adamwWork, compareAdamw } from '../src/check/adamw.ts';
import { type HeldWork, interleaved, type Timing, type Work } from '../src/check/measure.ts';
import { type AnyOp, compare, FIRST_CASES, findOps, variantsOf } from '../src/check/ops.ts';
import { makeWork } from '../src/check/opWork.ts';
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
  const bench = new KernelBench(engine, presets, quick ? ['forward'] : ['forward', 'forward + backward']);
  yield* await bench.begin();
  for (const name of chosen) yield* name === ADAMW ? bench.adamw() : bench.op(ops.get(name)!);
}

/** Work that has variants, on one shape in one pass. */
interface Subject extends HeldWork {
  what: { op: string; shape: string; preset: string };
  pass: Pass;
  variants: readonly string[];
  /** Of each variant, against float64. */
  errors: readonly number[];
  /** What it is rated by. */
  amounts: Amounts;
  intensity?: number;
}

class KernelBench {
  private roof!: Roof;

  constructor(
    private readonly engine: Engine,
    private readonly presets: readonly string[],
    private readonly passes: readonly Pass[],
  ) {}

  /** Measures the roof. */
  async begin(): Promise<Measurement[]> {
    this.roof = await measureRoof(this.engine);
    return this.roof.measurements;
  }

  async *op(op: AnyOp): AsyncGenerator<KernelMeasurement> {
    const { name, backward } = op.definition;
    const variants = variantsOf(op);
    const errors: number[] = [];
    for (const variant of variants) errors.push(await errorOf(this.engine, op, variant));
    for (const workload of workloadsOf(op, this.presets)) {
      const what = { op: name, shape: describeWorkload(workload), preset: workload.from };
      for (const pass of this.passes) {
        if (pass !== 'forward' && !backward) continue;
        const { flops, operations, bytes } = amountsOf(workload, pass);
        const intensity = bytes && (flops ?? operations ?? 0) / bytes;
        const about = { what, pass, variants, errors, amounts: { flops, bytes }, intensity };
        yield* this.timed({ ...about, ...makeWork(this.engine, workload, pass !== 'forward') });
      }
    }
  }

  /** Parameters, gradients and two moments are read, and all but the gradients written. */
  async *adamw(): AsyncGenerator<KernelMeasurement> {
    const { error } = await compareAdamw(this.engine);
    for (const preset of this.presets) {
      const count = parametersOf(preset);
      const bytes = 7 * ELEMENT_BYTES * count;
      const what = { op: ADAMW, shape: `(${count})`, preset };
      const about = { what, pass: 'step', variants: ['naive', 'fours'], errors: [error, error] } as const;
      const intensity = (ADAMW_OPERATIONS * count) / bytes;
      yield* this.timed({ ...about, amounts: { bytes }, intensity, ...adamwWork(this.engine, count) });
    }
  }

  /** Times the variants in turns and frees the work's memory. */
  private async *timed({ what, pass, variants, errors, amounts, intensity, work, free }: Subject) {
    const works = variants.map((variant) => underVariant(this.engine, variant, work));
    const timings = await interleaved(this.engine, works).finally(free);
    for (const [i, name] of variants.entries()) {
      const [timing, error, variant] = [timings[i], errors[i], `${name}, ${pass}`];
      const details = { pass, gain: timings[0].median / timing.median, best: i === variants.length - 1, intensity };
      const rates = ratesOf(timing, amounts, this.roof);
      yield { kind: 'kernel' as const, ...what, variant, unit: 'ms' as const, ...timing, ...rates, error, details };
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

/** Runs work under a variant of the ops, and another one after it as before. */
export function withVariant<T>(engine: Engine, variant: string, work: () => T): T {
  const before = engine.variant;
  const restore = (): void => {
    engine.variant = before;
  };
  engine.variant = variant;
  return undone(work, restore);
}

/** What work returns, with something undone when it is over: at once, or when its promise is settled. */
export function undone<T>(work: () => T, undo: () => void): T {
  let result: T | undefined;
  try {
    result = work();
    return (result instanceof Promise ? result.finally(undo) : result) as T;
  } finally {
    if (!(result instanceof Promise)) undo();
  }
}

/** The same work under a variant of the ops. */
export const underVariant =
  (engine: Engine, variant: string, work: Work): Work =>
  () =>
    withVariant(engine, variant, work);

/** Largest error of a variant over the op's first cases. */
export const errorOf = (engine: Engine, op: AnyOp, variant: string): Promise<number> =>
  withVariant(engine, variant, async () => {
    const errors = [];
    for (const test of op.definition.cases.slice(0, FIRST_CASES)) errors.push((await compare(engine, op, test)).error);
    return Math.max(...errors);
  });
