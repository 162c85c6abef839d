import { readFileSync } from 'node:fs';
import { describe, it } from 'vitest';
import { type AnyOp, mapInputs, variantsOf } from '../../src/check/ops.ts';
import type { Numbers } from '../../src/tensor/op.ts';
import { testEngine } from './engine.ts';
import { expectClose, magnitude } from './numbers.ts';

/** One PyTorch case of test/golden/ops.py; gradients are those of sum(output * dOutput). */
export interface Golden {
  op: string;
  inputs: Record<string, Numbers>;
  attributes: Record<string, number>;
  output: Numbers;
  dOutput: Numbers;
  gradients: Record<string, Numbers>;
}

/** The cases of one op. */
export function goldenCases(op: string): Golden[] {
  const file = new URL('../golden/data/ops.json', import.meta.url);
  const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: Golden[] };
  return cases.filter((golden) => golden.op === op);
}

/** An op of any inputs and attributes. */
interface SomeOp {
  readonly definition: { readonly name: string };
}

export interface RunOptions {
  attributes?: Record<string, unknown>;
  /** Gradient by the output; without it the tape starts from a scalar loss. */
  dy?: Numbers;
  variant?: string;
}

/** Numbers by the name of an input; those that are undefined are left out. */
type ByName = Readonly<Record<string, Numbers | undefined>>;

const given = (inputs: ByName): Record<string, Numbers> =>
  Object.fromEntries(Object.entries(inputs).filter((entry): entry is [string, Numbers] => entry[1] !== undefined));

/** Runs an op on the GPU, forward and (where it can) backward. Uint32Arrays make u32 tensors, which get no gradients. */
export async function runOp(some: SomeOp, inputs: ByName, options: RunOptions = {}) {
  const op = some as AnyOp;
  const engine = await testEngine();
  engine.variant = options.variant ?? 'best';
  try {
    const tensors = mapInputs(given(inputs), ({ data, shape }) => {
      const tensor = engine.tensor(data, shape);
      tensor.requiresGrad = tensor.dtype === 'f32' && op.definition.backward !== undefined;
      tensor.grad = tensor.requiresGrad ? engine.zeros(shape) : undefined;
      return tensor;
    });
    const output = op(tensors, options.attributes ?? {});
    const dy = options.dy && engine.tensor(options.dy.data, output.shape);
    if (op.definition.backward) engine.backward(output, dy);
    const gradients: Record<string, Float32Array> = {};
    for (const [name, { grad }] of Object.entries(tensors)) if (grad) gradients[name] = await grad.floats();
    return { output: await output.floats(), gradients };
  } finally {
    engine.variant = 'best';
  }
}

export interface Anchor {
  inputs: ByName;
  attributes?: Record<string, unknown>;
  output: Numbers;
  dOutput: Numbers;
  /** PyTorch's gradients, by input. */
  gradients: ByName;
}

/** Tests that the float64 reference, and every variant on the GPU with its gradients, give PyTorch's figures. */
export function describeAnchors(some: SomeOp, anchors: readonly Anchor[]): void {
  const op = some as AnyOp;
  describe.each(anchors.map((anchor, i) => [i, anchor] as const))('PyTorch case %i', (_, anchor) => {
    it('the float64 reference', () => {
      const expected = anchor.output.data;
      const actual = op.definition.reference(given(anchor.inputs), anchor.attributes ?? {});
      expectClose(actual, expected, 2e-8 * magnitude(expected)); // the figures have nine significant digits
    });
    it.each(variantsOf(op))('%s', async (variant) => {
      const { attributes, dOutput: dy } = anchor;
      const { output, gradients } = await runOp(op, anchor.inputs, { attributes, dy, variant });
      expectClose(output, anchor.output.data, 4e-6 * magnitude(anchor.output.data), 'forward');
      for (const [name, { data }] of Object.entries(given(anchor.gradients))) {
        expectClose(gradients[name], data, 1e-5 * magnitude(data), `d${name}`);
      }
    });
  });
}
