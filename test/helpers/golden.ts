import { readFileSync } from 'node:fs';
import { describe, it } from 'vitest';
import type { AnyOp } from '../../src/check/ops.ts';
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

/** Runs an op on the GPU, forward and (where it can) backward. Uint32Arrays make u32 tensors, which get no gradients. */
export async function runOp(some: SomeOp, inputs: readonly (Numbers | undefined)[], options: RunOptions = {}) {
  const op = some as AnyOp;
  const engine = await testEngine();
  engine.variant = options.variant ?? 'best';
  const tensors = op.definition.inputs.map((_, i) => {
    const input = inputs[i];
    const tensor = input && engine.tensor(input.data, input.shape);
    if (tensor?.dtype === 'f32' && op.definition.backward) {
      tensor.requiresGrad = true;
      tensor.grad = engine.zeros(tensor.shape);
    }
    return tensor;
  });
  const output = op(...tensors, options.attributes ?? {});
  const dy = options.dy && engine.tensor(options.dy.data, output.shape);
  if (op.definition.backward) engine.tape.backward(output, dy);
  return {
    output: await output.floats(),
    gradients: await Promise.all(tensors.map((tensor) => tensor?.grad?.floats())),
  };
}

export interface Anchor {
  inputs: readonly (Numbers | undefined)[];
  attributes?: Record<string, unknown>;
  output: Numbers;
  dOutput: Numbers;
  /** PyTorch's gradients, in the order of the inputs. */
  gradients: readonly (Numbers | undefined)[];
}

/** Tests that the float64 reference, and every variant on the GPU with its gradients, give PyTorch's figures. */
export function describeAnchors(op: SomeOp, anchors: readonly Anchor[]): void {
  const { reference, run, inputs } = (op as AnyOp).definition;
  describe.each(anchors.map((anchor, i) => [i, anchor] as const))('PyTorch case %i', (_, anchor) => {
    it('the float64 reference', () => {
      const expected = anchor.output.data;
      const actual = reference(anchor.inputs, anchor.attributes ?? {});
      expectClose(actual, expected, 2e-8 * magnitude(expected)); // the figures have nine significant digits
    });
    it.each(Object.keys(run))('%s', async (variant) => {
      const { attributes, dOutput: dy } = anchor;
      const { output, gradients } = await runOp(op, anchor.inputs, { attributes, dy, variant });
      expectClose(output, anchor.output.data, 4e-6 * magnitude(anchor.output.data), 'forward');
      anchor.gradients.forEach((expected, i) => {
        if (expected) expectClose(gradients[i]!, expected.data, 1e-5 * magnitude(expected.data), `d${inputs[i]}`);
      });
    });
  });
}
