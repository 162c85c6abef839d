import { linearProducts } from '../kernels/matmul/matmul.ts';
import type { ModelConfig } from '../model/config.ts';
import { styleOf } from '../model/styles.ts';
import type { Workload as OpWorkload, Sizes } from '../tensor/op.ts';
import { sizeOf } from '../tensor/shape.ts';
import { ELEMENT_BYTES, type Tensor } from '../tensor/tensor.ts';
import { modelConfig, resolveConfig, type TrainConfig } from '../train/config.ts';
import { type AnyCase, type AnyOp, type Attributes, describeCase, shapesOf } from './ops.ts';

/** A call of an op that a model makes. */
export interface Workload extends OpWorkload<Record<string, Tensor>, Attributes> {
  op: AnyOp;
  /** The preset whose step makes it, or 'case' for the largest test case of an op that no step has. */
  from: string;
}

/** The presets that kernels are timed for, with batches that software adapters bear. */
export const SIZES = { nano: { batch: 12 }, small: { batch: 4 } } as const;
export type SizeName = keyof typeof SIZES;

/** The settings of a preset, with a batch that software adapters bear. @throws UsageError when there is none of that name */
export function benchConfig(preset: string): TrainConfig {
  const batch = Object.hasOwn(SIZES, preset) ? SIZES[preset as SizeName].batch : undefined;
  return resolveConfig(preset, { batchSize: batch });
}

/** V of character tokens (Moby-Dick has 83, tiny Shakespeare 65). */
export const VOCABULARY = 83;

/** The sizes of a model and its batch as ops ask for them. */
function sizesOf(model: ModelConfig, B: number): Sizes {
  const { blockSize: T, nEmbd: C, nHead: H, nKvHead: KV, nHidden: I, vocabSize: V, nLayer: L } = model;
  const { norm, rotary, gated, transposed } = styleOf(model);
  return { norm, rotary, gated, transposed, B, T, C, H, KV, D: C / H, I, V, L };
}

const sizesOfPreset = (preset: string): Sizes => {
  const config = benchConfig(preset);
  return sizesOf(modelConfig(config, VOCABULARY), config.batchSize);
};

/** M, N and K of a product. */
export type ProductShape = readonly [M: number, N: number, K: number];

/**
 * The linear layers' products of a preset's training step by how their operands are stored. y = x W of (M, K) and (K, N) has
 * dx = dy W^T and dW = x^T dy; the head, whose matrix is (N, K), y = x W^T, dx = dy W and dW = dy^T x.
 */
export function productShapes(preset: SizeName): Record<'NN' | 'NT' | 'TN', ProductShape[]> {
  const sizes = sizesOfPreset(preset);
  const shapes: Record<'NN' | 'NT' | 'TN', ProductShape[]> = { NN: [], NT: [], TN: [] };
  for (const workload of linearProducts(sizes, [sizes.B, sizes.T])) {
    const [{ a, b }, attributes] = workload.case as [{ a: number[]; b: number[] }, { transposeB?: boolean }];
    const [M, K] = [a[0] * a[1], a[2]];
    const [forward, gradient]: ('NN' | 'NT')[] = attributes.transposeB ? ['NT', 'NN'] : ['NN', 'NT'];
    const N = forward === 'NT' ? b[0] : b[1];
    shapes[forward].push([M, N, K]);
    shapes[gradient].push([M, K, N]);
    shapes.TN.push(forward === 'NT' ? [N, K, M] : [K, N, M]);
  }
  return shapes;
}

/** Parameters of a preset's model, without embeddings and norms: the matrices of its blocks. */
export function parametersOf(preset: string): number {
  const sizes = sizesOf(modelConfig(resolveConfig(preset), VOCABULARY), 1);
  const blocks = linearProducts(sizes, [1]).slice(0, -1);
  return blocks.reduce((sum, { flops }) => sum + (sizes.L * flops!.forward) / 2, 0);
}

/** What is timed for an op: the calls of each preset, else its largest test case, so that a new op is timed by existing. */
export function workloadsOf(op: AnyOp, presets: readonly string[]): Workload[] {
  const { cases, workloads } = op.definition;
  const calls = presets.flatMap((from) =>
    (workloads?.(sizesOfPreset(from)) ?? []).map((call) => ({ op, from, ...call })),
  );
  if (calls.length > 0) return calls;
  const largest = cases.reduce((best, test) => (inputBytes(test) > inputBytes(best) ? test : best));
  return [{ op, from: 'case', case: largest }];
}

const inputBytes = (test: AnyCase): number =>
  Object.values(shapesOf(test)).reduce((sum, shape) => sum + ELEMENT_BYTES * sizeOf(shape), 0);

const outputSize = ({ op, case: test }: Workload): number => sizeOf(op.definition.shape(shapesOf(test), test[1] ?? {}));

/** The least that the forward pass moves: it reads the inputs and writes the output. */
export const trafficBytes = (workload: Workload): number =>
  workload.bytes ?? inputBytes(workload.case) + ELEMENT_BYTES * outputSize(workload);

/** The least that a forward and a backward pass move: the latter reads the inputs and dy, and writes the inputs' gradients. */
export function trainingBytes(workload: Workload): number {
  const floats = Object.entries(workload.case[0]).filter(([, input]) => !('below' in input));
  return 2 * trafficBytes(workload) + inputBytes([Object.fromEntries(floats)]);
}

/** Operations of the forward pass of an op that is rated by what it moves; undefined where nobody counted them. */
export function operationsOf(workload: Workload): number | undefined {
  const { operations: each } = workload.op.definition;
  if (workload.operations !== undefined || each === undefined) return workload.operations;
  const [first] = Object.values(shapesOf(workload.case));
  return each * Math.max(outputSize(workload), sizeOf(first));
}

/** "MLP up + GELU a (12, 64, 128), b (128, 512)" */
export const describeWorkload = ({ what = '', case: [inputs] }: Workload): string =>
  `${what} ${describeCase([inputs])}`.trimStart();
