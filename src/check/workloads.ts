import type { ModelConfig } from '../model/config.ts';
import { sizeOf } from '../tensor/shape.ts';
import { ELEMENT_BYTES } from '../tensor/tensor.ts';
import { modelConfig, resolveConfig, type TrainConfig } from '../train/config.ts';
import { type AnyCase, type AnyOp, describeCase } from './ops.ts';

/** A call of an op that a model makes. */
export interface Workload {
  op: AnyOp;
  /** The preset whose step makes it, or 'case' for the largest test case of an op that is in no list here. */
  from: string;
  what: string;
  test: AnyCase;
  /** Floating-point operations without and with the backward pass, for ops that calculate more than they read. */
  flops?: { forward: number; training: number };
  /** Operations of the forward pass of an op that is rated by what it moves, where they are not so many an element. */
  operations?: number;
  /** Bytes that the forward pass moves at least, where that is not all inputs and the output. */
  bytes?: number;
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

type Call = Omit<Workload, 'op' | 'from'>;

/** Its gradients are two more products of the same size. */
function product(
  what: string,
  rows: readonly number[],
  K: number,
  N: number,
  { residual, ...attributes }: Epilogue,
): Call {
  const b = attributes.transposeB ? [N, K] : [K, N];
  const inputs = residual ? [[...rows, K], b, undefined, [...rows, N]] : [[...rows, K], b];
  const forward = 2 * sizeOf(rows) * K * N;
  return { what, test: { inputs, attributes: { ...attributes } }, flops: { forward, training: 3 * forward } };
}

interface Epilogue {
  transposeB?: boolean;
  gelu?: boolean;
  residual?: boolean;
}

/** The linear layers of a block, and the head. Llama's matrices are (out, in), and its MLP has two that go up. */
function products(
  { style, nEmbd: C, nHead: H, nKvHead: KV, nHidden, vocabSize: V }: ModelConfig,
  rows: number[],
): Call[] {
  const llama = style === 'llama';
  const form = llama ? { transposeB: true } : {};
  return [
    product('queries, keys, values', rows, C, (C / H) * (H + 2 * KV), form),
    product('heads + residual', rows, C, C, { ...form, residual: true }),
    llama
      ? product('MLP gate and up', rows, C, 2 * nHidden, form)
      : product('MLP up + GELU', rows, C, nHidden, { gelu: true }),
    product('MLP down + residual', rows, nHidden, C, { ...form, residual: true }),
    product('logits', rows, C, V, { transposeB: true }),
  ];
}

/** M, N and K of a product. */
export type ProductShape = readonly [M: number, N: number, K: number];

/**
 * The linear layers' products of a preset's training step by how their operands are stored. y = x W of (M, K) and (K, N) has
 * dx = dy W^T and dW = x^T dy; the head, whose matrix is (N, K), y = x W^T, dx = dy W and dW = dy^T x.
 */
export function productShapes(preset: SizeName): Record<'NN' | 'NT' | 'TN', ProductShape[]> {
  const config = benchConfig(preset);
  const shapes: Record<'NN' | 'NT' | 'TN', ProductShape[]> = { NN: [], NT: [], TN: [] };
  for (const { test } of products(modelConfig(config, VOCABULARY), [config.batchSize, config.blockSize])) {
    const [[batch, time, K], b] = test.inputs as number[][];
    const M = batch * time;
    const [forward, gradient]: ('NN' | 'NT')[] = test.attributes?.transposeB ? ['NT', 'NN'] : ['NN', 'NT'];
    const N = forward === 'NT' ? b[0] : b[1];
    shapes[forward].push([M, N, K]);
    shapes[gradient].push([M, K, N]);
    shapes.TN.push(forward === 'NT' ? [N, K, M] : [K, N, M]);
  }
  return shapes;
}

/** The calls of a preset's training step (and, for what only decoding uses, of a step of decoding), by op. */
function callsOf(config: TrainConfig): Record<string, Call[]> {
  const model = modelConfig(config, VOCABULARY);
  const { nEmbd: C, nHead: H, nKvHead: KV, nHidden, blockSize: T, vocabSize: V } = model;
  const B = config.batchSize;
  const D = C / H;
  const pairs = (B * H * T * (T + 1)) / 2; // of causal attention: two products forward, five backward, of D terms each
  const x = [B, T, C];
  const qkv = (tokens: number) => [B, tokens, D * (H + 2 * KV)];
  const plain = (inputs: AnyCase['inputs'], attributes?: AnyCase['attributes']): Call[] => [
    { what: '', test: { inputs, attributes } },
  ];
  const heads = { nHead: H, nKvHead: KV };
  const settings = { shape: [5], scale: 1 };
  const ids = (shape: number[], below: number) => ({ shape, below });
  return {
    matmul: products(model, [B, T]),
    attention: [
      {
        what: 'causal',
        test: { inputs: [qkv(T)], attributes: { ...heads, causal: true } },
        flops: { forward: 2 * pairs * 2 * D, training: 7 * pairs * 2 * D },
      },
    ],
    layerNorm: plain([x, [C], [C]], { eps: 1e-5 }),
    rmsNorm: plain([x, [C]], { eps: 1e-5 }),
    rope: plain([qkv(T), undefined], { ...heads, base: 10000 }),
    gelu: plain([[B, T, nHidden]]),
    swiglu: plain([[B, T, 2 * nHidden]]),
    softmax: plain([[B, H, T, T]]),
    embedding: plain([ids([B, T], V), [V, C], [T, C], undefined]),
    crossEntropy: plain([[B * T, V], ids([B * T], V)]),
    tokenLosses: plain([[B * T, V], ids([B * T], V)]),
    headLoss: [
      {
        what: '',
        test: { inputs: [[B * T, C], [V, C], ids([B * T], V)] },
        flops: { forward: 2 * B * T * C * V, training: 6 * B * T * C * V },
      },
    ],
    dropout: plain([x, ids([2], 9)], { p: 0.2, site: 0 }),
    add: plain([x, x]),
    multiply: plain([x, x]),
    scale: plain([x], { factor: 0.5 }),
    sum: plain([x]),
    mean: plain([x]),
    sumRows: plain([[B * T, C]]),
    gradientNorm: plain([[matrixElements(model)]]),
    meanRows: plain([x, ids([B], T + 1)]),
    selectRows: [{ what: '', test: { inputs: [x, ids([B], T)] }, bytes: ELEMENT_BYTES * 2 * B * C }],
    cachedAttention: plain([qkv(1), [B, KV, T, D], [B, KV, T, D], ids([B], T)], heads).map((call) => ({
      ...call,
      operations: 4 * B * H * T * D,
    })),
    argmax: plain([[B, V]]),
    sample: plain([[B, V], settings, ids([2], 9), ids([B, V], 2)]),
    orthogonalize: stacksOf(model),
  };
}

/** What Muon makes orthogonal: matrices of one shape together. Five iterations of three products of n rows and m columns. */
function stacksOf(model: ModelConfig): Call[] {
  const stacks = new Map<string, number[]>();
  for (const { test } of products(model, [1]).slice(0, -1)) {
    const [rows, columns] = test.inputs[1] as number[];
    const [count = 0] = stacks.get(`${rows} ${columns}`) ?? [];
    stacks.set(`${rows} ${columns}`, [count + model.nLayer, rows, columns]);
  }
  return [...stacks.values()].map((shape): Call => {
    const [count, n, m] = [shape[0], Math.min(shape[1], shape[2]), Math.max(shape[1], shape[2])];
    const forward = count * 5 * 2 * (2 * n * n * m + n ** 3);
    return { what: '', test: { inputs: [shape] }, flops: { forward, training: forward } };
  });
}

/** Operations for each element that ops calculate which mostly move numbers: exp, tanh and quotients count as one each. */
const OPERATIONS: Readonly<Record<string, number>> = {
  ...{ layerNorm: 8, rmsNorm: 5, rope: 3, gelu: 10, swiglu: 4, softmax: 5, crossEntropy: 4, tokenLosses: 4 },
  ...{
    embedding: 1,
    dropout: 2,
    add: 1,
    multiply: 1,
    scale: 1,
    sum: 1,
    mean: 1,
    sumRows: 1,
    meanRows: 1,
    gradientNorm: 2,
  },
  ...{ argmax: 1, sample: 4 },
};

/** Nearly all parameters of a model: the matrices of its blocks. */
function matrixElements(model: ModelConfig): number {
  const blocks = products(model, [1]).slice(0, -1);
  return blocks.reduce((sum, { flops }) => sum + (model.nLayer * flops!.forward) / 2, 0);
}

/** Parameters of a preset's model, without embeddings and norms. */
export const parametersOf = (preset: string): number => matrixElements(modelConfig(resolveConfig(preset), VOCABULARY));

/** What is timed for an op: the calls of each preset, else its largest test case, so that a new op is timed by existing. */
export function workloadsOf(op: AnyOp, presets: readonly string[]): Workload[] {
  const { name, cases } = op.definition;
  const listed = presets.flatMap((from) =>
    (callsOf(benchConfig(from))[name] ?? []).map((call) => ({ op, from, ...call })),
  );
  if (listed.length > 0) return listed;
  const largest = cases.reduce((best, test) => (inputBytes(test) > inputBytes(best) ? test : best));
  return [{ op, from: 'case', what: '', test: largest }];
}

const shapesOf = (test: AnyCase) =>
  test.inputs.map((input) => input && ('shape' in input ? input.shape : (input as readonly number[])));

function inputBytes(test: AnyCase): number {
  return shapesOf(test).reduce((sum, shape) => sum + (shape ? ELEMENT_BYTES * sizeOf(shape) : 0), 0);
}

/** The least that the forward pass moves: it reads the inputs and writes the output. */
export const trafficBytes = ({ op, test, bytes }: Workload): number =>
  bytes ?? inputBytes(test) + ELEMENT_BYTES * sizeOf(op.definition.shape(shapesOf(test), test.attributes ?? {}));

/** The least that a forward and a backward pass move: the latter reads the inputs and dy, and writes the inputs' gradients. */
export const trainingBytes = (workload: Workload): number =>
  2 * trafficBytes(workload) +
  inputBytes({ inputs: workload.test.inputs.filter((input) => input && !('below' in input)) });

/** Operations of the forward pass of an op that is rated by what it moves; undefined where nobody counted them. */
export function operationsOf({ op, test, operations }: Workload): number | undefined {
  const each = OPERATIONS[op.definition.name];
  if (operations !== undefined || each === undefined) return operations;
  const [shapes, attributes] = [shapesOf(test), test.attributes ?? {}];
  return each * Math.max(sizeOf(op.definition.shape(shapes, attributes)), sizeOf(shapes[0]!));
}

/** "MLP up + GELU (12, 64, 128) (128, 512)" */
export const describeWorkload = ({ what, test }: Workload): string =>
  `${what} ${describeCase({ inputs: test.inputs })}`.trimStart();
