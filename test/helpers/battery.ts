import { expect } from 'vitest';
import { type AnyCase, type AnyOp, type Attributes, makeNumbers, toleranceOf } from '../../src/check/ops.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import type { Kernel, Point } from '../../src/tensor/kernel.ts';
import type { Numbers, OpDefinition } from '../../src/tensor/op.ts';
import { type Shape, sizeOf } from '../../src/tensor/shape.ts';
import { ELEMENT_BYTES, type Tensor } from '../../src/tensor/tensor.ts';
import { expectClose, magnitude, normalNumbers } from './numbers.ts';

/** Words past the end of each tensor that no kernel may touch. */
const CANARY_WORDS = 16;
const CANARY = 0x7fc0beef; // a NaN: whatever reads it shows

/** Finite differences of the reference in at most this many elements of an input. */
const DIFFERENCES = 48;

interface Input extends Numbers {
  integer: boolean;
}

const makeInputs = (test: AnyCase): (Input | undefined)[] =>
  makeNumbers(test).map((input) => input && { ...input, integer: input.data instanceof Uint32Array });

const shapesOf = (inputs: readonly (Numbers | undefined)[]): (Shape | undefined)[] =>
  inputs.map((input) => input?.shape);

/** Fills the canaries behind a tensor, which was made with padding. */
function plant(engine: Engine, tensor: Tensor): void {
  const { block, offsetBytes } = tensor.view;
  const view = {
    block,
    offsetBytes: offsetBytes + tensor.size * ELEMENT_BYTES,
    sizeBytes: CANARY_WORDS * ELEMENT_BYTES,
  };
  engine.device.write(view, new Uint32Array(CANARY_WORDS).fill(CANARY));
}

async function checkCanary(engine: Engine, tensor: Tensor, what: string): Promise<void> {
  const words = new Uint32Array(await engine.device.read(tensor.view)).subarray(tensor.size);
  expect([...words], `${what}: words past the end`).toEqual(new Array(CANARY_WORDS).fill(CANARY));
}

interface Outcome {
  output: ArrayLike<number>;
  gradients: (ArrayLike<number> | undefined)[];
}

/** Runs an op forward and, where it can, backward, with canaries past every tensor that it writes. */
async function runOnce(
  engine: Engine,
  op: AnyOp,
  test: AnyCase,
  inputs: readonly (Input | undefined)[],
): Promise<Outcome> {
  const { definition } = op;
  const differentiable = definition.backward !== undefined;
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
    const tensors = definition.inputs.map((_, i) => {
      const input = inputs[i];
      if (!input) return undefined;
      const tensor = engine.tensor(input.data, input.shape);
      if (!input.integer && differentiable) {
        tensor.requiresGrad = true;
        tensor.grad = engine.tensor(new Float32Array(tensor.size).fill(0.5), input.shape);
      }
      return tensor;
    });
    const output = op(...tensors, test.attributes ?? {});
    expect(output.shape, 'shape').toEqual(definition.shape(shapesOf(inputs), test.attributes ?? {}));
    if (differentiable) engine.tape.backward(output, engine.tensor(normalNumbers(output.shape, 99), output.shape));
    for (const tensor of made) await checkCanary(engine, tensor, definition.name);
    return {
      output: output.dtype === 'u32' ? await output.uints() : await output.floats(),
      gradients: await Promise.all(tensors.map((tensor) => tensor?.grad?.floats())),
    };
  } finally {
    engine.empty = empty;
    engine.paddingBytes = 0;
  }
}

/** Central differences of the reference in some elements of input `i`: pairs (index, derivative of sum(dy * y)). */
function differences(
  definition: OpDefinition<Attributes>,
  test: AnyCase,
  inputs: readonly (Input | undefined)[],
  i: number,
) {
  const attributes = test.attributes ?? {};
  const input = inputs[i]!;
  const size = sizeOf(input.shape);
  const dy = normalNumbers(definition.shape(shapesOf(inputs), attributes), 99);
  const loss = (index: number, shift: number): number => {
    const data = Float64Array.from(input.data);
    data[index] += shift;
    const y = definition.reference(
      inputs.map((other, j) => (j === i ? { shape: input.shape, data } : other)),
      attributes,
    );
    let sum = 0;
    for (let k = 0; k < dy.length; k++) sum += dy[k] * y[k];
    return sum;
  };
  const count = Math.min(size, DIFFERENCES);
  return Array.from({ length: count }, (_, k) => {
    const index = Math.floor((k * size) / count);
    return { index, derivative: (loss(index, 1e-4) - loss(index, -1e-4)) / 2e-4 };
  });
}

/** What is true of a case, whichever variant and tuning point runs it: float64 takes longer than they do. */
interface Truth {
  inputs: readonly (Input | undefined)[];
  expected: ArrayLike<number>;
  /** Finite differences by each input that has a gradient. */
  differences: (i: number) => ReturnType<typeof differences>;
}

/** By op, for ops share cases. */
const truths = new WeakMap<OpDefinition<Attributes>, Map<AnyCase, Truth>>();

function truthOf(definition: OpDefinition<Attributes>, test: AnyCase): Truth {
  const ofOp = truths.get(definition) ?? new Map<AnyCase, Truth>();
  truths.set(definition, ofOp);
  const known = ofOp.get(test);
  if (known) return known;
  const inputs = makeInputs(test);
  const byInput = new Map<number, ReturnType<typeof differences>>();
  const differencesBy = (i: number) => {
    const found = byInput.get(i) ?? differences(definition, test, inputs, i);
    byInput.set(i, found);
    return found;
  };
  const expected = definition.reference(inputs, test.attributes ?? {});
  const truth = { inputs, expected, differences: differencesBy };
  ofOp.set(test, truth);
  return truth;
}

/** Forward against the reference, backward against its differences, canaries, and a second run that must give the same bits. */
export async function runCase(engine: Engine, op: AnyOp, test: AnyCase): Promise<void> {
  const { definition } = op;
  const { inputs, expected, differences } = truthOf(definition, test);
  const outcome = await runOnce(engine, op, test, inputs);
  const relative = toleranceOf(definition, test, engine.precision);
  expectClose(outcome.output, expected, relative * magnitude(expected), 'forward');
  if (definition.backward) {
    for (const [i, gradient] of outcome.gradients.entries()) {
      if (!gradient) continue;
      const wanted = differences(i);
      // gradients were added to 0.5; differences of float64 are good to about 1e-7
      const actual = wanted.map(({ index }) => gradient[index] - 0.5);
      const exact = wanted.map(({ derivative }) => derivative);
      const scale = magnitude(exact) * magnitude(expected);
      expectClose(actual, exact, (2 * relative + 1e-6) * scale, `gradient of ${definition.inputs[i]}`);
    }
  }
  const again = await runOnce(engine, op, test, inputs);
  expect(again, 'a second run').toEqual(outcome);
}

/** Kernels that the case uses under the engine's variant, by name. */
async function kernelsOf(engine: Engine, op: AnyOp, test: AnyCase): Promise<Map<string, Kernel>> {
  const used = new Map<string, Kernel>();
  engine.onDispatch = (kernel) => used.set(kernel.spec.name, kernel);
  try {
    await runOnce(engine, op, test, makeInputs(test));
  } finally {
    engine.onDispatch = undefined;
  }
  return used;
}

/** Whether the case has operands, which mixed precision reads as f16. */
export async function hasOperands(engine: Engine, op: AnyOp, test: AnyCase): Promise<boolean> {
  const kernels = await kernelsOf(engine, op, test);
  return [...kernels.values()].some(({ spec }) => Object.values(spec.bind).includes('operand'));
}

/** Every tuning point of the kernels that the case uses under the engine's variant and precision, one kernel at a time. */
export async function tuningPoints(
  engine: Engine,
  op: AnyOp,
  test: AnyCase,
): Promise<{ kernel: string; point: Point }[]> {
  return [...(await kernelsOf(engine, op, test)).values()].flatMap((kernel) => {
    const points = kernel.points(engine.capabilities);
    return points.length < 2 ? [] : points.map((point) => ({ kernel: kernel.spec.name, point }));
  });
}
