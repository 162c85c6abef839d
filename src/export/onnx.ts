/**
 * A model's forward pass as an ONNX graph of plain operators, which any runtime has.
 * Dims: B batch, T time, C width, H heads, K key-value heads, D head width, V vocabulary, F width of the MLP.
 */
import type { ModelConfig } from '../model/config.ts';
import { styleOf } from '../model/styles.ts';
import { knownStyle } from './knownStyle.ts';
import { FLOAT, type GraphValue, INT64, OnnxGraph } from './onnxGraph.ts';
import { OnnxWeights } from './onnxWeights.ts';
import type { NamedTensor } from './safetensors.ts';

/**
 * The file's bytes, for any B and any T up to the context, under the names that transformers.js feeds:
 *
 *     input_ids (B, T), attention_mask (B, P + T) int64 -> logits (B, T, V)
 *
 * Tokens whose mask is 0 are padding: nothing attends to them, and positions count from the first that is none. With `cache`, keys
 * and values of P tokens before come in and those of all go out, past_key_values.<block>.<key|value> (B, K, P, D) and
 * present.<block>.<key|value>; else P is 0. `tensors` are the model's parameters by their Hugging Face names; `quantized` are those
 * that are matrices written in 8 bits, and multiplied so.
 * @throws Error when one is missing, UserError for a style of model that is not known here
 */
export function encodeOnnx(
  config: ModelConfig,
  tensors: Iterable<NamedTensor>,
  { cache = false, quantized = false } = {},
): Uint8Array {
  const forward = knownStyle(PASSES, config, 'onnx');
  const graph = new OnnxGraph();
  const pass = new ForwardPass(graph, config, new OnnxWeights(graph, tensors, quantized), cache);
  graph.name(forward(pass, 'input_ids'), 'logits');
  const { nLayer, nKvHead, nEmbd, nHead, style, vocabSize } = config;
  const parts = Array.from({ length: cache ? nLayer : 0 }, (_, i) => [`${i}.key`, `${i}.value`]).flat();
  const kept = (name: string, length: string): GraphValue => ({
    name,
    type: FLOAT,
    shape: ['batch', nKvHead, length, nEmbd / nHead],
  });
  const inputs: GraphValue[] = [
    { name: 'input_ids', type: INT64, shape: ['batch', 'time'] },
    { name: 'attention_mask', type: INT64, shape: ['batch', 'total'] },
    ...parts.map((part) => kept(`past_key_values.${part}`, 'past')),
  ];
  const logits: GraphValue = { name: 'logits', type: FLOAT, shape: ['batch', 'time', vocabSize] };
  return graph.encode(style, inputs, [logits, ...parts.map((part) => kept(`present.${part}`, 'total'))]);
}

/** The pass of each style: (B, T) int64 -> (B, T, V). */
const PASSES: Readonly<Record<string, (pass: ForwardPass, ids: string) => string>> = {
  gpt2: (pass, ids) => pass.gpt2(ids),
  llama: (pass, ids) => pass.llama(ids),
};

/** What no softmax sees. */
const HIDDEN = -1e30;

/** Methods add operators to the graph; texts are names of what is in it. */
class ForwardPass {
  /** (H), or (K, H / K) where queries share keys. */
  private readonly heads: readonly number[];
  private readonly scale: string;
  /** The places of the tokens among all, those before included: from and to, (1) int64 each. */
  private readonly place: readonly [from: string, to: string];
  /** What is added to scores: (B, heads, T, P + T), with an axis of 1 for each of `heads`. */
  private readonly mask: string;
  /** (B, T) int64: each token's position. */
  private readonly positions: string;
  /** Cosines and sines of the rotary angles: (B, T, 1, D / 2), with an axis for each of `heads`. */
  private readonly turns: readonly string[];

  constructor(
    private readonly graph: OnnxGraph,
    private readonly config: ModelConfig,
    private readonly weights: OnnxWeights,
    private readonly cache: boolean,
  ) {
    const { nEmbd, nHead, nKvHead } = config;
    const D = nEmbd / nHead;
    this.heads = nHead === nKvHead ? [nHead] : [nKvHead, nHead / nKvHead];
    this.scale = graph.constant([], Float32Array.of(1 / Math.sqrt(D)));
    const [time, total] = ['input_ids', 'attention_mask'].map((name) => this.lengthOf(name));
    this.place = [graph.add('Sub', [total, time]), total];
    this.positions = this.countedFrom('attention_mask');
    this.mask = this.masked('attention_mask');
    this.turns = styleOf(config).rotary ? this.angles(D) : [];
  }

  gpt2(ids: string): string {
    const { graph, config, weights, positions } = this;
    let x = graph.add('Add', [weights.rows('transformer.wte', ids), weights.rows('transformer.wpe', positions)]); // (B, T, C)
    for (let i = 0; i < config.nLayer; i++) x = this.gpt2Block(x, i);
    return this.head(this.layerNorm(x, 'transformer.ln_f'), 'transformer.wte');
  }

  llama(ids: string): string {
    let x = this.weights.rows('model.embed_tokens', ids); // (B, T, C)
    for (let i = 0; i < this.config.nLayer; i++) x = this.llamaBlock(x, i);
    return this.head(this.rmsNorm(x, 'model.norm'), 'model.embed_tokens');
  }

  /** (B, T, C) -> (B, T, V) */
  private head(x: string, tokens: string): string {
    return this.weights.product(x, this.config.tieEmbeddings ? tokens : 'lm_head', true);
  }

  /** T of an input (B, T): (1) int64. */
  private lengthOf(input: string): string {
    const { graph } = this;
    return graph.add('Gather', [graph.add('Shape', [input]), graph.integers(1)]);
  }

  /** Tokens that are no padding before each of the last T: (B, P + T) int64 -> (B, T) */
  private countedFrom(mask: string): string {
    const { graph, place } = this;
    const counted = graph.add('Sub', [graph.add('CumSum', [mask, graph.integers(1)]), graph.integers(1)]);
    return graph.add('Slice', [graph.add('Max', [counted, graph.integers(0)]), ...place, graph.integers(1)]);
  }

  /** 0 where a token may look, else HIDDEN: at those after it, and at padding. (B, P + T) int64 -> (B, 1.., T, P + T) */
  private masked(mask: string): string {
    const { graph, heads, place } = this;
    const [zero, one] = [0n, 1n].map((value) => graph.constant([], BigInt64Array.of(value)));
    const [from, to] = place.map((value) => graph.add('Squeeze', [value]));
    const [places, own] = [zero, from].map((start) => graph.add('Range', [start, to, one])); // (P + T), (T)
    const after = graph.add('Greater', [places, graph.add('Unsqueeze', [own, graph.integers(1)])]); // (T, P + T)
    const axes = graph.integers(...[...heads, 0].map((_, i) => i + 1));
    const padding = graph.add('Unsqueeze', [graph.add('Equal', [mask, zero]), axes]); // (B, 1.., 1, P + T)
    const scores = [HIDDEN, 0].map((value) => graph.constant([], Float32Array.of(value)));
    return graph.add('Where', [graph.add('Or', [after, padding]), ...scores]);
  }

  private angles(D: number): string[] {
    const { graph, config, heads, positions } = this;
    const pairs = Float32Array.from({ length: D / 2 }, (_, i) => config.ropeBase ** (-i / (D / 2)));
    const at = graph.add('Unsqueeze', [positions, graph.integers(...[...heads, 0].map((_, i) => i + 2))]); // (B, T, 1.., 1)
    const angles = graph.add('Mul', [graph.add('Cast', [at], { to: FLOAT }), graph.constant([D / 2], pairs)]);
    return [graph.add('Cos', [angles]), graph.add('Sin', [angles])];
  }

  private gpt2Block(x: string, layer: number): string {
    const { graph, config } = this;
    const h = `transformer.h.${layer}`;
    const third = config.nEmbd;
    const qkv = this.linear(this.layerNorm(x, `${h}.ln_1`), `${h}.attn.c_attn`); // (B, T, 3 C)
    const parts = graph.addMany(3, 'Split', [qkv, graph.integers(third, third, third)], { axis: 2 });
    x = graph.add('Add', [x, this.linear(this.attend(parts, layer), `${h}.attn.c_proj`)]);
    const up = this.linear(this.layerNorm(x, `${h}.ln_2`), `${h}.mlp.c_fc`); // (B, T, F)
    return graph.add('Add', [x, this.linear(graph.add('Gelu', [up], { approximate: 'tanh' }), `${h}.mlp.c_proj`)]);
  }

  private llamaBlock(x: string, layer: number): string {
    const { graph } = this;
    const h = `model.layers.${layer}`;
    const n1 = this.rmsNorm(x, `${h}.input_layernorm`);
    const parts = ['q', 'k', 'v'].map((part) => this.linear(n1, `${h}.self_attn.${part}_proj`));
    x = graph.add('Add', [x, this.linear(this.attend(parts, layer), `${h}.self_attn.o_proj`)]);
    const n2 = this.rmsNorm(x, `${h}.post_attention_layernorm`);
    const gate = this.linear(n2, `${h}.mlp.gate_proj`); // (B, T, F)
    const open = graph.add('Mul', [gate, graph.add('Sigmoid', [gate])]);
    const up = graph.add('Mul', [open, this.linear(n2, `${h}.mlp.up_proj`)]);
    return graph.add('Add', [x, this.linear(up, `${h}.mlp.down_proj`)]);
  }

  /** Queries (B, T, H D), keys and values (B, T, K D) of block `layer` -> (B, T, C). */
  private attend([q, k, v]: readonly string[], layer: number): string {
    const { graph, heads, turns, config } = this;
    const shared = heads.length > 1 ? [heads[0], 1] : heads; // of keys and values: queries that share them see one
    const axes = heads.map((_, i) => i + 2);
    const [width, front] = [2 + heads.length, 1 + heads.length];
    const spread = (x: string, sizes: readonly number[]) => this.reshape(x, [...sizes, -1]); // (B, T, heads, D)
    const turn = (x: string) => (turns.length > 0 ? this.rotate(x) : x);
    const order = (x: string) => graph.add('Transpose', [x], { perm: [0, ...axes, 1, width] }); // (B, heads, T, D)
    const queries = order(turn(spread(q, heads)));
    const keys = this.kept(order(turn(spread(k, shared))), `${layer}.key`); // (B, heads, P + T, D)
    const values = this.kept(order(spread(v, shared)), `${layer}.value`);
    const perm = [0, ...heads.map((_, i) => i + 1), width, front];
    const products = graph.add('MatMul', [queries, graph.add('Transpose', [keys], { perm })]);
    const scores = graph.add('Add', [graph.add('Mul', [products, this.scale]), this.mask]); // (B, heads, T, P + T)
    const y = graph.add('MatMul', [graph.add('Softmax', [scores], { axis: -1 }), values]); // (B, heads, T, D)
    const back = { perm: [0, front, ...axes.map((axis) => axis - 1), width] };
    return this.reshape(graph.add('Transpose', [y], back), [config.nEmbd]);
  }

  /** Behind what the cache holds of those before: (B, heads, T, D) -> (B, heads, P + T, D), which goes out as well. */
  private kept(x: string, part: string): string {
    const { graph, cache, config, heads } = this;
    if (!cache) return x;
    const sizes = (...list: number[]) => graph.integers(0, config.nKvHead, ...list, -1, config.nEmbd / config.nHead);
    const own = heads.length > 1 ? graph.add('Reshape', [x, sizes()]) : x; // (B, K, T, D)
    const all = graph.add('Concat', [`past_key_values.${part}`, own], { axis: 2 });
    graph.name(all, `present.${part}`);
    return heads.length > 1 ? graph.add('Reshape', [all, sizes(1)]) : all;
  }

  /** Turns the pairs (i, i + D / 2) of heads by their position's angles: (B, T, heads, D) -> the same. */
  private rotate(x: string): string {
    const { graph, turns } = this;
    const [a, b] = graph.addMany(2, 'Split', [x], { axis: -1, num_outputs: 2 });
    const [[aCos, aSin], [bCos, bSin]] = [a, b].map((half) => turns.map((turn) => graph.add('Mul', [half, turn])));
    return graph.add('Concat', [graph.add('Sub', [aCos, bSin]), graph.add('Add', [bCos, aSin])], { axis: -1 });
  }

  /** (B, T, ...) with other axes behind the first two. */
  private reshape(x: string, axes: readonly number[]): string {
    return this.graph.add('Reshape', [x, this.graph.integers(0, 0, ...axes)]);
  }

  /** Matrices are (in, out) in GPT-2 and (out, in) in Llama. */
  private linear(x: string, name: string): string {
    const { graph, config, weights } = this;
    const y = weights.product(x, name, styleOf(config).transposed);
    return config.bias ? graph.add('Add', [y, weights.vector(name, 'bias')]) : y;
  }

  private layerNorm(x: string, name: string): string {
    const { bias, normEps: float } = this.config;
    const parts = (bias ? ['weight', 'bias'] : ['weight']).map((part) => this.weights.vector(name, part));
    return this.graph.add('LayerNormalization', [x, ...parts], { axis: -1, epsilon: { float } });
  }

  private rmsNorm(x: string, name: string): string {
    const { graph } = this;
    const mean = graph.add('ReduceMean', [graph.add('Mul', [x, x]), graph.integers(-1)]); // (B, T, 1)
    const epsilon = graph.constant([], Float32Array.of(this.config.normEps));
    const root = graph.add('Sqrt', [graph.add('Add', [mean, epsilon])]);
    return graph.add('Mul', [graph.add('Div', [x, root]), this.weights.vector(name)]);
  }
}
