import { sizeOf } from '../src/tensor/shape.ts';
import { ELEMENT_BYTES } from '../src/tensor/tensor.ts';
import { PRESETS, type TrainConfig } from '../src/train/config.ts';
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
  /** Bytes that the forward pass moves at least, where that is not all inputs and the output. */
  bytes?: number;
}

/** The presets that kernels are timed for, with batches that software adapters bear. */
export const SIZES = { nano: { batch: 12 }, small: { batch: 4 } } as const;
export type SizeName = keyof typeof SIZES;

type Call = Omit<Workload, 'op' | 'from'>;

/** V of character tokens (Moby-Dick has 83, tiny Shakespeare 65). */
const VOCABULARY = 83;

/** The calls of a preset's training step (and, for what only decoding uses, of a step of decoding), by op. */
function callsOf(config: TrainConfig, B: number): Record<string, Call[]> {
  const { nEmbd: C, nHead: H, blockSize: T } = config;
  const V = VOCABULARY;
  const D = C / H;
  const pairs = (B * H * T * (T + 1)) / 2; // of causal attention: two products forward, five backward, of D terms each
  const x = [B, T, C];
  /** Its gradients are two more products of the same size. */
  const product = (what: string, K: number, N: number, attributes: object = {}, residual = false): Call => {
    const b = 'transposeB' in attributes ? [N, K] : [K, N];
    const inputs = residual ? [[B, T, K], b, undefined, [B, T, N]] : [[B, T, K], b];
    const forward = 2 * B * T * K * N;
    return { what, test: { inputs, attributes: { ...attributes } }, flops: { forward, training: 3 * forward } };
  };
  const plain = (inputs: AnyCase['inputs'], attributes?: AnyCase['attributes']): Call[] => [
    { what: '', test: { inputs, attributes } },
  ];
  const heads = { nHead: H, nKvHead: H };
  const settings = { shape: [5], scale: 1 };
  const ids = (shape: number[], below: number) => ({ shape, below });
  return {
    matmul: [
      product('queries, keys, values', C, 3 * C),
      product('MLP up + GELU', C, 4 * C, { gelu: true }),
      product('MLP down + residual', 4 * C, C, {}, true),
      product('logits', C, V, { transposeB: true }),
    ],
    attention: [
      {
        what: 'causal',
        test: { inputs: [[B, T, 3 * C]], attributes: { ...heads, causal: true } },
        flops: { forward: 2 * pairs * 2 * D, training: 7 * pairs * 2 * D },
      },
    ],
    layerNorm: plain([x, [C], [C]], { eps: 1e-5 }),
    rmsNorm: plain([x, [C]], { eps: 1e-5 }),
    rope: plain([[B, T, 3 * C], undefined], { ...heads, base: 10000 }),
    gelu: plain([[B, T, 4 * C]]),
    swiglu: plain([[B, T, 8 * C]]),
    softmax: plain([[B, H, T, T]]),
    embedding: plain([ids([B, T], V), [V, C], [T, C], undefined]),
    crossEntropy: plain([[B * T, V], ids([B * T], V)]),
    tokenLosses: plain([[B * T, V], ids([B * T], V)]),
    dropout: plain([x, ids([2], 9)], { p: 0.2, site: 0 }),
    add: plain([x, x]),
    multiply: plain([x, x]),
    scale: plain([x], { factor: 0.5 }),
    sum: plain([x]),
    mean: plain([x]),
    sumRows: plain([[B * T, C]]),
    gradientNorm: plain([[matrixElements(config)]]),
    selectRows: [{ what: '', test: { inputs: [x, ids([B], T)] }, bytes: ELEMENT_BYTES * 2 * B * C }],
    cachedAttention: plain([[B, 1, 3 * C], [B, H, T, D], [B, H, T, D], ids([B], T)], heads),
    argmax: plain([[B, V]]),
    sample: plain([[B, V], settings, ids([2], 9), ids([B, V], 2)]),
  };
}

/** Nearly all parameters of a model: each block has 4 C^2 for attention and 8 C^2 for the MLP. */
const matrixElements = ({ nLayer, nEmbd: C }: TrainConfig): number => 12 * nLayer * C * C;

/** Parameters of a preset's model, without embeddings and norms. */
export const parametersOf = (size: SizeName): number => matrixElements(PRESETS[size].config);

/** What is timed for an op: the calls of each preset, else its largest test case, so that a new op is timed by existing. */
export function workloadsOf(op: AnyOp, sizes: readonly SizeName[]): Workload[] {
  const { name, cases } = op.definition;
  const listed = sizes.flatMap((from) =>
    (callsOf(PRESETS[from].config, SIZES[from].batch)[name] ?? []).map((call) => ({ op, from, ...call })),
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

/** "nano: MLP up + GELU (12, 64, 128) (128, 512)" */
export const describeWorkload = ({ from, what, test }: Workload): string =>
  `${from}: ${what ? `${what} ` : ''}${describeCase({ inputs: test.inputs })}`;
