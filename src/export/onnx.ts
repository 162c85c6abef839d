/**
 * A model's forward pass as an ONNX graph of plain operators, which any runtime has.
 * Dims: B batch, T time, C width, H heads, K key-value heads, D head width, V vocabulary, F width of the MLP.
 */
import type { ModelConfig } from '../model/config.ts';
import { FLOAT, INT64, OnnxGraph } from './onnxGraph.ts';
import type { NamedTensor } from './safetensors.ts';

/** Sequences and tokens of each: the graph is for windows of this size. */
export type Window = readonly [B: number, T: number];

/**
 * The file's bytes: `ids` (B, T) int64 -> logits (B, T, V). `tensors` are the model's parameters by their Hugging Face names.
 * @throws Error when one is missing
 */
export function encodeOnnx(config: ModelConfig, tensors: Iterable<NamedTensor>, window: Window): Uint8Array {
  const graph = new OnnxGraph();
  const logits = new ForwardPass(graph, config, tensors, window).logits('ids');
  const output = { name: logits, type: FLOAT, shape: [...window, config.vocabSize] } as const;
  return graph.encode(config.style, [{ name: 'ids', type: INT64, shape: window }], [output]);
}

/** Methods add operators to the graph; texts are names of what is in it. */
class ForwardPass {
  private readonly weights: ReadonlyMap<string, string>;
  /** (H), or (K, H / K) where queries share keys. */
  private readonly heads: readonly number[];
  private readonly scale: string;
  private readonly mask: string;
  /** Cosines and sines of the rotary angles: (T, 1, D / 2), with an axis for each of `heads`. */
  private readonly turns: readonly string[];

  constructor(
    private readonly graph: OnnxGraph,
    private readonly config: ModelConfig,
    tensors: Iterable<NamedTensor>,
    private readonly window: Window,
  ) {
    const { nEmbd, nHead, nKvHead, ropeBase, style } = config;
    const [D, T] = [nEmbd / nHead, window[1]];
    this.weights = new Map([...tensors].map(({ name, shape, data }) => [name, graph.constant(shape, data)]));
    this.heads = nHead === nKvHead ? [nHead] : [nKvHead, nHead / nKvHead];
    this.scale = graph.constant([], Float32Array.of(1 / Math.sqrt(D)));
    const after = (i: number): boolean => i % T > Math.floor(i / T);
    this.mask = graph.constant(
      [T, T],
      Float32Array.from({ length: T * T }, (_, i) => (after(i) ? -1e30 : 0)),
    );
    const angle = (i: number): number => Math.floor(i / (D / 2)) * ropeBase ** (-(i % (D / 2)) / (D / 2));
    const table = (of: (angle: number) => number): string =>
      graph.constant(
        [T, ...this.heads.map(() => 1), D / 2],
        Float32Array.from({ length: (T * D) / 2 }, (_, i) => of(angle(i))),
      );
    this.turns = style === 'llama' ? [table(Math.cos), table(Math.sin)] : [];
  }

  /** (B, T) int64 -> (B, T, V) */
  logits(ids: string): string {
    const { graph, config } = this;
    const llama = config.style === 'llama';
    const tokens = this.weight(llama ? 'model.embed_tokens' : 'transformer.wte'); // (V, C)
    let x = graph.add('Gather', [tokens, ids]); // (B, T, C)
    if (!llama) x = graph.add('Add', [x, this.positions()]);
    for (let i = 0; i < config.nLayer; i++) {
      x = llama ? this.llamaBlock(x, `model.layers.${i}`) : this.gpt2Block(x, `transformer.h.${i}`);
    }
    const last = llama ? this.rmsNorm(x, 'model.norm') : this.layerNorm(x, 'transformer.ln_f');
    const head = config.tieEmbeddings ? tokens : this.weight('lm_head');
    return graph.add('MatMul', [last, graph.add('Transpose', [head], { perm: [1, 0] })]);
  }

  /** (T, C) of the window's positions. */
  private positions(): string {
    const table = this.weight('transformer.wpe'); // (blockSize, C)
    const [, T] = this.window;
    if (T === this.config.blockSize) return table;
    return this.graph.add('Slice', [table, this.graph.integers(0), this.graph.integers(T), this.graph.integers(0)]);
  }

  private gpt2Block(x: string, h: string): string {
    const { graph, config } = this;
    const third = config.nEmbd;
    const qkv = this.linear(this.layerNorm(x, `${h}.ln_1`), `${h}.attn.c_attn`); // (B, T, 3 C)
    const parts = graph.addMany(3, 'Split', [qkv, graph.integers(third, third, third)], { axis: 2 });
    x = graph.add('Add', [x, this.linear(this.attend(parts), `${h}.attn.c_proj`)]);
    const up = this.linear(this.layerNorm(x, `${h}.ln_2`), `${h}.mlp.c_fc`); // (B, T, F)
    return graph.add('Add', [x, this.linear(graph.add('Gelu', [up], { approximate: 'tanh' }), `${h}.mlp.c_proj`)]);
  }

  private llamaBlock(x: string, h: string): string {
    const { graph } = this;
    const n1 = this.rmsNorm(x, `${h}.input_layernorm`);
    const parts = ['q', 'k', 'v'].map((part) => this.linear(n1, `${h}.self_attn.${part}_proj`));
    x = graph.add('Add', [x, this.linear(this.attend(parts), `${h}.self_attn.o_proj`)]);
    const n2 = this.rmsNorm(x, `${h}.post_attention_layernorm`);
    const gate = this.linear(n2, `${h}.mlp.gate_proj`); // (B, T, F)
    const open = graph.add('Mul', [gate, graph.add('Sigmoid', [gate])]);
    const up = graph.add('Mul', [open, this.linear(n2, `${h}.mlp.up_proj`)]);
    return graph.add('Add', [x, this.linear(up, `${h}.mlp.down_proj`)]);
  }

  /** Queries (B, T, H D), keys and values (B, T, K D) -> (B, T, C). */
  private attend([q, k, v]: readonly string[]): string {
    const { graph, heads, turns } = this;
    const shared = heads.length > 1 ? [heads[0], 1] : heads; // of keys and values: queries that share them see one
    const axes = heads.map((_, i) => i + 2);
    const [time, width, front] = [1, 2 + heads.length, 1 + heads.length];
    const spread = (x: string, sizes: readonly number[]) => this.reshape(x, [...sizes, -1]); // (B, T, heads, D)
    const turn = (x: string) => (turns.length > 0 ? this.rotate(x) : x);
    const order = (x: string, ...last: number[]) => graph.add('Transpose', [x], { perm: [0, ...axes, ...last] });
    const queries = order(turn(spread(q, heads)), time, width); // (B, heads, T, D)
    const keys = order(turn(spread(k, shared)), width, time); // (B, heads, D, T)
    const values = order(spread(v, shared), time, width);
    const scores = graph.add('Mul', [graph.add('MatMul', [queries, keys]), this.scale]); // (B, heads, T, T)
    const shares = graph.add('Softmax', [graph.add('Add', [scores, this.mask])], { axis: -1 });
    const y = graph.add('MatMul', [shares, values]); // (B, heads, T, D)
    const back = { perm: [0, front, ...axes.map((axis) => axis - 1), width] };
    return this.reshape(graph.add('Transpose', [y], back), [this.config.nEmbd]);
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
    return this.graph.add('Reshape', [x, this.graph.integers(...this.window, ...axes)]);
  }

  /** Matrices are (in, out) in GPT-2 and (out, in) in Llama. */
  private linear(x: string, name: string): string {
    const { graph, config } = this;
    const weight = this.weight(name);
    const matrix = config.style === 'llama' ? graph.add('Transpose', [weight], { perm: [1, 0] }) : weight;
    const y = graph.add('MatMul', [x, matrix]);
    return config.bias ? graph.add('Add', [y, this.weight(name, 'bias')]) : y;
  }

  private layerNorm(x: string, name: string): string {
    const { bias, normEps: float } = this.config;
    const parts = bias ? [this.weight(name), this.weight(name, 'bias')] : [this.weight(name)];
    return this.graph.add('LayerNormalization', [x, ...parts], { axis: -1, epsilon: { float } });
  }

  private rmsNorm(x: string, name: string): string {
    const { graph } = this;
    const mean = graph.add('ReduceMean', [graph.add('Mul', [x, x]), graph.integers(-1)]); // (B, T, 1)
    const epsilon = graph.constant([], Float32Array.of(this.config.normEps));
    const root = graph.add('Sqrt', [graph.add('Add', [mean, epsilon])]);
    return graph.add('Mul', [graph.add('Div', [x, root]), this.weight(name)]);
  }

  private weight(layer: string, part = 'weight'): string {
    const constant = this.weights.get(`${layer}.${part}`);
    if (constant === undefined) throw new Error(`ONNX: the model's tensor ${layer}.${part} is missing`);
    return constant;
  }
}
