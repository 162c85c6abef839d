/** The WGSL of an op as an adapter gets it, at any case, variant and tuning point; nothing is executed. */
import { type AnyCase, type AnyOp, describeCase, findOps } from '../src/check/ops.ts';
import { makeWork } from '../src/check/opWork.ts';
import { UsageError } from '../src/errors.ts';
import type { Precision } from '../src/tensor/capabilities.ts';
import type { Engine } from '../src/tensor/engine.ts';
import type { Kernel } from '../src/tensor/kernel.ts';
import { formatPoint, type Point } from '../src/tensor/tuning/table.ts';
import { underVariant } from './kernels.ts';
import { rungsOf } from './ladder.ts';
import { gpuTraits, MATRICES_OF_16, type Shader, shadersOf, type Traits } from './mockAdapter.ts';

/** GPUs that need not be there. */
export const MOCK_ADAPTERS: Readonly<Record<string, Traits>> = {
  rdna: gpuTraits(32, 64),
  nvidia: gpuTraits(32, 32),
  'subgroup-matrices': gpuTraits(32, 32, MATRICES_OF_16),
};

/** Which of an op's shaders are wanted: its best variant on its first case, at the points that the engine takes, unless told. */
export interface WgslChoice {
  /** A case, or the number of a test case, from 0. */
  case?: number | AnyCase;
  variant?: string;
  /** Constants of a tuning point, as in "LANES=0 TM=32": for kernels that have such points, the first with these. */
  point?: string;
  /** Whether the shaders of the gradients follow. */
  backward?: boolean;
  precision?: Precision;
}

/** An op by its name. @throws UsageError that lists them */
export async function opNamed(name: string): Promise<AnyOp> {
  const ops = await findOps();
  const op = ops.get(name);
  if (op) return op;
  throw new UsageError(`there is no op "${name}"; the ops are ${[...ops.keys()].join(', ')}`);
}

/**
 * The shaders that an op dispatches, in order, each once. `engine` is best a mock one: a real one compiles what it is shown.
 * @throws UsageError for a case, variant, point or gradient that the op does not have, with those that it has
 */
export function wgslOf(engine: Engine, op: AnyOp, choice: WgslChoice = {}): Shader[] {
  const { name, cases, run, backward } = op.definition;
  const { case: wantedCase = 0, variant = Object.keys(run).at(-1)!, point } = choice;
  const test = typeof wantedCase === 'number' ? cases[wantedCase] : wantedCase;
  if (!test) throw new UsageError(`${name} has no case ${wantedCase}; it has\n${caseList(op)}`);
  const known = rungsOf({ op }, engine);
  const wanted = known.find((one) => one.name === variant);
  if (!wanted) throw new UsageError(`${name} has no variant "${variant}"; it has ${Object.keys(run).join(', ')}`);
  if (wanted.missing) {
    const others = known.filter(({ missing }) => !missing).map((one) => one.name);
    throw new UsageError(`${variant}: ${wanted.missing}; this adapter has ${others.join(', ')}`);
  }
  if (choice.backward && !backward) throw new UsageError(`${name} has no gradient: leave out --backward`);
  engine.precision = choice.precision ?? 'float32';
  const { work } = makeWork(engine, { op, case: test }, choice.backward ?? false);
  const chosen = underVariant(engine, variant, work);
  if (point !== undefined) setPoints(engine, chosen, point);
  try {
    return shadersOf(engine, chosen);
  } finally {
    engine.tuning.clear();
  }
}

/** Sets a point for each kernel of some work that has one with the wanted constants. */
function setPoints(engine: Engine, work: () => void, words: string): void {
  const kernels = new Set(engine.observe(() => engine.device.capture(work)).map(({ kernel }) => kernel));
  const wanted = parsePoint(words);
  const matches = [...kernels].flatMap((kernel) => {
    const found = pointsOf(kernel, engine).find((point) => wanted.every(([key, value]) => point[key] === value));
    return found ? [[kernel.spec.name, found] as const] : [];
  });
  for (const [kernel, point] of matches) engine.tuning.set(kernel, point);
  if (matches.length > 0) return;
  const lists = [...kernels].map((kernel) => {
    const points = pointsOf(kernel, engine).map(formatPoint).filter(Boolean);
    return `${kernel.spec.name}: ${points.join(', ') || 'one form only'}`;
  });
  throw new UsageError(
    `no kernel has the point "${words}" on ${engine.capabilities.name}; there are\n${lists.join('\n')}`,
  );
}

const pointsOf = (kernel: Kernel, { capabilities }: Engine): Point[] => kernel.points(capabilities);

/** "LANES=0 TM=32" or "LANES=0,TM=32" */
const parsePoint = (words: string): [name: string, value: number][] =>
  words.split(/[\s,]+/).map((word) => {
    const [, name, value] = word.match(/^(\w+)=(\d+)$/) ?? [];
    if (name === undefined) throw new UsageError(`a point is written as LANES=0,TM=32; got "${words}"`);
    return [name, Number(value)];
  });

/** The cases of an op with their numbers, a line each. */
const caseList = (op: AnyOp): string => op.definition.cases.map((test, i) => `${i}: ${describeCase(test)}`).join('\n');

/** What there is of an op, in words. */
export function describeOp(op: AnyOp): string {
  const { name, run, backward } = op.definition;
  return `${name}: variants ${Object.keys(run).join(', ')}${backward ? '; has a gradient' : ''}; cases\n${caseList(op)}\n`;
}
