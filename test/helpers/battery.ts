import { expect } from 'vitest';
import {
  type AnyCase,
  type AnyOp,
  type Attributes,
  makeNumbers,
  mapInputs,
  shapesOf,
  toleranceOf,
  uploadOne,
} from '../../src/check/ops.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import type { Dispatched } from '../../src/tensor/kernel.ts';
import type { Numbers, OpDefinition } from '../../src/tensor/op.ts';
import { hasOperands } from '../../src/tensor/shader.ts';
import { sizeOf } from '../../src/tensor/shape.ts';
import { ELEMENT_BYTES, type Tensor } from '../../src/tensor/tensor.ts';
import type { Point } from '../../src/tensor/tuning/table.ts';
import { expectClose, normalNumbers } from './numbers.ts';

/** Words past the end of each tensor that no kernel may touch. */
const CANARY_WORDS = 16;
const CANARY = 0x7fc0beef; // a NaN: whatever reads it shows

/** Finite differences of the reference in at most this many elements of an input. */
const DIFFERENCES = 48;

type Definition = OpDefinition<Record<string, Tensor>, Attributes>;
type Data = ArrayLike<number>;

/** Fills the canaries behind a tensor, which was made with padding. */
function plant(engine: Engine, { view, size }: Tensor): void {
  const { block, offsetBytes } = view;
  const behind = { block, offsetBytes: offsetBytes + size * ELEMENT_BYTES, sizeBytes: CANARY_WORDS * ELEMENT_BYTES };
  engine.device.write(behind, new Uint32Array(CANARY_WORDS).fill(CANARY));
}

async function checkCanary(engine: Engine, tensor: Tensor, what: string): Promise<void> {
  const words = new Uint32Array(await engine.device.read(tensor.view)).subarray(tensor.size);
  expect([...words], `${what}: words past the end`).toEqual(new Array(CANARY_WORDS).fill(CANARY));
}

const read = (tensor: Tensor): Promise<Data> => (tensor.dtype === 'u32' ? tensor.uints() : tensor.floats());

interface Outcome {
  output: Data;
  /** What stands in the inputs afterwards. */
  inputs: Record<string, Data>;
  gradients: Record<string, Data>;
}

/** Runs `work` with canaries past every tensor that is made meanwhile, and gives these to `check`. */
async function withCanaries<T>(engine: Engine, work: () => Promise<T>, what: string): Promise<T> {
  engine.paddingBytes = CANARY_WORDS * ELEMENT_BYTES;
  const made: Tensor[] = [];
  const empty = engine.empty;
  engine.empty = (shape, dtype, label) => {
    const tensor = empty.call(engine, shape, dtype, label);
    plant(engine, tensor);
    made.push(tensor);
    return tensor;
  };
  try {
    const result = await work();
    for (const tensor of made) await checkCanary(engine, tensor, what);
    return result;
  } finally {
    engine.empty = empty;
    engine.paddingBytes = 0;
  }
}

/** Uploads inputs; those of floats ask for gradients, where an op can be differentiated, which are added to 0.5. */
const uploadFor = (engine: Engine, { backward }: Definition, numbers: ReturnType<typeof makeNumbers>) =>
  mapInputs(numbers, (one) => {
    const { shape } = one;
    const tensor = uploadOne(engine, one);
    if (tensor.dtype === 'u32' || !backward) return tensor;
    tensor.requiresGrad = true;
    tensor.grad = engine.tensor(new Float32Array(tensor.size).fill(0.5), shape);
    return tensor;
  });

async function readAll(tensors: Record<string, Tensor | undefined>): Promise<Record<string, Data>> {
  const entries = Object.entries(tensors).filter(
    (entry): entry is [string, Tensor] => entry[1] !== undefined && entry[1].dtype !== 'packed',
  );
  return Object.fromEntries(await Promise.all(entries.map(async ([name, tensor]) => [name, await read(tensor)])));
}

/** Runs an op forward and, where it can, backward, with canaries past every tensor. */
const runOnce = (engine: Engine, op: AnyOp, test: AnyCase): Promise<Outcome> =>
  withCanaries(
    engine,
    async () => {
      const { definition } = op;
      const [, attributes = {}] = test;
      const tensors = uploadFor(engine, definition, makeNumbers(test));
      const output = op(tensors, attributes);
      expect(output.shape, 'shape').toEqual(definition.shape(shapesOf(test), attributes));
      if (definition.backward) engine.backward(output, engine.tensor(normalNumbers(output.shape, 99), output.shape));
      return {
        output: await read(output),
        inputs: await readAll(tensors),
        gradients: await readAll(mapInputs(tensors, ({ grad }) => grad)),
      };
    },
    op.definition.name,
  );

/** Central differences of the reference in some elements of an input: pairs (index, derivative of sum(dy * y)). */
function differences(definition: Definition, test: AnyCase, inputs: Record<string, Numbers>, name: string) {
  const [, attributes = {}] = test;
  const { shape, data: numbers } = inputs[name];
  const size = sizeOf(shape);
  const dy = normalNumbers(definition.shape(shapesOf(test), attributes), 99);
  const loss = (index: number, shift: number): number => {
    const data = Float64Array.from(numbers);
    data[index] += shift;
    const y = definition.reference({ ...inputs, [name]: { shape, data } }, attributes);
    return dy.reduce((sum, value, k) => sum + value * y[k], 0);
  };
  const count = Math.min(size, DIFFERENCES);
  return Array.from({ length: count }, (_, k) => {
    const index = Math.floor((k * size) / count);
    return { index, derivative: (loss(index, STEP) - loss(index, -STEP)) / (2 * STEP) };
  });
}

/** Of a central difference: its error is about STEP^2 / 6 of a third derivative, and 2^-53 / STEP of rounding. */
const STEP = 1e-4;

/** What is true of a case, whichever variant and tuning point runs it: float64 takes longer than they do. */
interface Truth {
  expected: Data;
  /** Of the inputs that the op writes into. */
  written: Partial<Record<string, Data>>;
  /** Finite differences by an input. */
  differences: (name: string) => ReturnType<typeof differences>;
}

/** By op, for ops share cases. */
const truths = new WeakMap<Definition, Map<AnyCase, Truth>>();

function truthOf(definition: Definition, test: AnyCase): Truth {
  const ofOp = truths.get(definition) ?? new Map<AnyCase, Truth>();
  truths.set(definition, ofOp);
  const known = ofOp.get(test);
  if (known) return known;
  const [, attributes = {}] = test;
  const inputs = makeNumbers(test);
  const byInput = new Map<string, ReturnType<typeof differences>>();
  const differencesBy = (name: string) => {
    const found = byInput.get(name) ?? differences(definition, test, inputs, name);
    byInput.set(name, found);
    return found;
  };
  const expected = definition.reference(inputs, attributes);
  const written = definition.writes?.(inputs, attributes) ?? {};
  const truth = { expected, written, differences: differencesBy };
  ofOp.set(test, truth);
  return truth;
}

/** Largest absolute value; tolerances are relative to it, so that small gradients are held to small errors. */
const magnitudeOf = (numbers: Data): number =>
  Array.from(numbers).reduce((largest, x) => Math.max(largest, Math.abs(x)), 0);

/** Forward against the reference, backward against its differences, canaries, and a second run that must give the same bits. */
export async function runCase(engine: Engine, op: AnyOp, test: AnyCase): Promise<void> {
  const { definition } = op;
  const truth = truthOf(definition, test);
  const outcome = await runOnce(engine, op, test);
  const relative = toleranceOf(definition, test, engine.precision);
  expectClose(outcome.output, truth.expected, relative * scaleOf(truth.expected), 'forward');
  const numbers = makeNumbers(test);
  for (const [name, actual] of Object.entries(outcome.inputs)) {
    const expected = truth.written[name];
    if (expected) expectClose(actual, expected, relative * scaleOf(expected), `what is written into ${name}`);
    else expect(actual, `${name} is left as it was`).toEqual(numbers[name].data);
  }
  for (const [name, gradient] of Object.entries(outcome.gradients)) checkGradient(truth, relative, name, gradient);
  const again = await runOnce(engine, op, test);
  expect(again, 'a second run').toEqual(outcome);
}

/** Of an output: sums of normal numbers that nearly cancel are off by ulp of their terms, which are about 1. */
const scaleOf = (numbers: Data): number => Math.max(1, magnitudeOf(numbers));

/**
 * A gradient is a sum of products of dy with derivatives of the op, which the forward pass rounds as well: twice the forward
 * pass's share of rounding, of its own magnitude times the output's. Gradients were added to 0.5, which costs them half an
 * ulp of that; a difference of float64 is good to 1e-8 of the loss' third derivative, and to 1e-12 / STEP of its terms.
 */
function checkGradient({ expected, differences }: Truth, relative: number, name: string, gradient: Data): void {
  const wanted = differences(name);
  const actual = wanted.map(({ index }) => gradient[index] - 0.5);
  const exact = wanted.map(({ derivative }) => derivative);
  const scale = magnitudeOf(exact) * scaleOf(expected);
  const tolerance = 2 * relative * scale + 1e-7 * scaleOf(exact) + 2 ** -24;
  expectClose(actual, exact, tolerance, `gradient of ${name}`);
}

/** What a case dispatches under the engine's variant, each kernel once. */
async function dispatchesOf(engine: Engine, op: AnyOp, [inputs, attributes = {}]: AnyCase): Promise<Dispatched[]> {
  const tensors = uploadFor(engine, op.definition, makeNumbers([inputs]));
  const seen = engine.observe(() => {
    const output = op(tensors, attributes);
    if (op.definition.backward) engine.backward(output, engine.tensor(normalNumbers(output.shape, 99), output.shape));
  });
  await engine.device.finish();
  return [...new Map(seen.map((one) => [one.kernel.spec.name, one])).values()];
}

/** Whether the case has operands, which mixed precision reads as f16. */
export async function readsOperands(engine: Engine, op: AnyOp, test: AnyCase): Promise<boolean> {
  return (await dispatchesOf(engine, op, test)).some(({ kernel }) => hasOperands(kernel.spec.bind));
}

/** Every tuning point but the preferred one of the kernels that the case uses under the engine's variant and precision. */
export async function otherPoints(
  engine: Engine,
  op: AnyOp,
  test: AnyCase,
): Promise<{ kernel: string; point: Point }[]> {
  return (await dispatchesOf(engine, op, test)).flatMap(({ kernel, tensors, params }) => {
    const [, ...others] = kernel.choices(tensors, params).points;
    return others.map((point) => ({ kernel: kernel.spec.name, point }));
  });
}
