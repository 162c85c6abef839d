import { UserError } from '../errors.ts';
import { headLoss, headLossPays } from '../kernels/loss/headLoss.ts';
import { crossEntropy } from '../kernels/loss/loss.ts';
import { product } from '../kernels/matmul/packed.ts';
import { embed } from '../kernels/packedEmbedding.ts';
import type { Engine } from '../tensor/engine.ts';
import type { QuantizedMatrix } from '../tensor/operands/quantized.ts';
import { Parameters } from '../tensor/parameters.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { within } from '../tensor/within.ts';
import type { ModelConfig } from './config.ts';
import { type Adapters, type Block, drop, Linear, Norm, Pass, type PassOptions, type Style } from './layers.ts';
import { type Initialization, parameterSpecs } from './parameters.ts';
import { withPreviousTokenHead } from './previousTokenHead.ts';
import { styleOf, validateModel } from './styles.ts';

/**
 * A decoder-only transformer: embedding, nLayer blocks of causal self-attention and MLP around a residual stream, a last
 * norm, and a head that scores every token of the vocabulary as the next one. What a block computes is the style's: gpt2.ts,
 * llama.ts.
 *
 * Shapes in the comments: B sequences, T tokens, C = nEmbd, H heads, K key-value heads, D = C / H, V = vocabSize.
 */
export class GPT {
  readonly config: ModelConfig;
  readonly style: Style;
  readonly parameters: Parameters;
  readonly blocks: readonly Block[];
  /** The last one. */
  readonly norm: Norm;
  /** (V, C): token embeddings; (blockSize, C): learned positions, of the styles that have some. */
  readonly tokens: Tensor;
  readonly positions: Tensor | undefined;
  /** (V, C): the head's weights; with tied embeddings, those of the tokens. */
  readonly head: Tensor;
  /** What the passes from now on add to its linear layers. */
  adapters: Adapters | undefined;

  /**
   * Parameters are zeros until `initialize` or a checkpoint fills them; matrices that are `packed`, by name, are none of them (see
   * quantized.ts).
   * @throws UsageError when the config does not fit together.
   */
  constructor(
    readonly engine: Engine,
    config: ModelConfig,
    readonly packed: ReadonlyMap<string, QuantizedMatrix> = new Map(),
  ) {
    this.config = validateModel(config);
    this.style = styleOf(config);
    const specs = parameterSpecs(config, this.style).filter(({ name, stack = name }) => !packed.has(stack));
    this.parameters = new Parameters(engine, specs);
    const { names, rotary } = this.style;
    this.tokens = this.weight(names.tokens);
    this.positions = rotary ? undefined : this.weight(names.positions);
    this.blocks = Array.from({ length: config.nLayer }, (_, layer) => this.block(names.block(layer)));
    this.norm = this.normOf(names.norm);
    this.head = config.tieEmbeddings ? this.tokens : this.weight(names.head);
  }

  /** Draws fresh weights. */
  initialize(seed: number, initialization: Initialization = {}): this {
    for (const [{ name }, values] of this.fresh(seed, initialization)) this.parameters.get(name).write(values);
    return this;
  }

  /** The fresh weights of a seed, parameter by parameter. */
  fresh(seed: number, initialization: Initialization = {}): ReturnType<Parameters['starting']> {
    const { config, style } = this;
    const specs = parameterSpecs(config, style, initialization);
    const starts = new Map(specs.map(({ name, init }) => [name, init]));
    const started = this.parameters.starting(seed, ({ name }) => starts.get(name)!);
    return initialization.previousTokenHead ? withPreviousTokenHead(started, config, style.names) : started;
  }

  /** Mean cross-entropy of the next tokens in nats: ids, targets (B, T) u32 -> (). */
  loss(ids: Tensor, targets: Tensor, options: PassOptions = {}): Tensor {
    const hidden = this.hidden(ids, options); //                                                     (B, T, C)
    return within(this.engine, 'head', () =>
      this.packed.size === 0 && headLossPays(hidden, this.head)
        ? headLoss({ hidden, weight: this.head, targets }, {})
        : crossEntropy({ logits: this.logits(hidden), targets }),
    );
  }

  /** The state of the residual stream at each token, after the last norm: (B, T) u32 -> (B, T, C). */
  hidden(ids: Tensor, options: PassOptions = {}): Tensor {
    return this.through(
      within(this.engine, 'embedding', () => this.embed(ids, options)),
      options,
    );
  }

  /** The blocks and the last norm, over whatever stands for the tokens: (B, T, C) -> (B, T, C). */
  through(x: Tensor, options: PassOptions = {}): Tensor {
    const { config, style, engine, adapters } = this;
    if (engine.tape.writing) this.requirePlain('training');
    for (const [layer, block] of this.blocks.entries()) {
      const before = x;
      const forward = () => style.forward(before, block, new Pass(config, layer, adapters, options));
      const last = layer === config.nLayer - 1; // the backward pass begins with it: nothing would be gained
      x = options.recompute && !last ? engine.checkpoint(forward) : forward(); //                   (B, T, C)
    }
    return this.norm.forward(x); //                                                                 (B, T, C)
  }

  /** Scores of every token as the next one: (..., C) -> (..., V). */
  logits(hidden: Tensor): Tensor {
    return product({ a: hidden, b: this.head }, { transposeB: true });
  }

  /** @throws UserError where weights are quantized, which `what` cannot work on */
  requirePlain(what: string): void {
    const [first] = this.packed.values();
    if (first)
      throw new UserError(
        `${what} needs the weights as they were trained; these are ${first.form.format}: load them as f32`,
      );
  }

  private embed(ids: Tensor, options: PassOptions): Tensor {
    const { tokens, positions, config } = this;
    const x = embed({ ids, tokens, positions, start: options.cache?.start }); //                 (B, T, C)
    return drop(x, 0, config, options);
  }

  private block(names: Record<keyof Block, string>): Block {
    return {
      attentionNorm: this.normOf(names.attentionNorm),
      qkv: this.linear(names.qkv),
      projection: this.linear(names.projection),
      mlpNorm: this.normOf(names.mlpNorm),
      up: this.linear(names.up),
      down: this.linear(names.down),
    };
  }

  private linear(name: string): Linear {
    const transposed = this.style.transposed || this.packed.has(`${name}.weight`);
    return new Linear(name, this.weight(name), this.bias(name), transposed);
  }

  private normOf(name: string): Norm {
    return new Norm(this.style.norm, this.weight(name), this.bias(name), this.config.normEps);
  }

  private weight(name: string): Tensor {
    return this.packed.get(`${name}.weight`) ?? this.parameters.get(`${name}.weight`);
  }

  private bias(name: string): Tensor | undefined {
    return this.config.bias ? this.parameters.get(`${name}.bias`) : undefined;
  }
}
