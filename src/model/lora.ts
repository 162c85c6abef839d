import { UsageError } from '../errors.ts';
import { scale } from '../kernels/add.ts';
import { dropout } from '../kernels/dropout.ts';
import { matmul, multiplyInto } from '../kernels/matmul/matmul.ts';
import type { Engine } from '../tensor/engine.ts';
import { type ParameterSpec, Parameters } from '../tensor/parameters.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ModelConfig } from './config.ts';
import type { GPT } from './gpt.ts';
import type { Adapters } from './layers.ts';
import { parameterSpecs } from './parameters.ts';
import { styleOf } from './styles.ts';

/** What makes one set of adapters differ from another. */
export interface LoraSettings {
  /** r: inner width of the two matrices. */
  rank: number;
  /** Numerator of the scale alpha / r, so that the learning rate need not change with the rank. */
  alpha: number;
  /** Layers that have adapters, by the ends of their names: 'c_attn', 'mlp.c_proj'. See `targetsOf`. */
  targets: readonly string[];
  /** Probability that an adapter does not see an input, in training. */
  dropout: number;
}

/** A linear layer of a model: its matrix, or a stack that works as one (Llama's queries, keys and values). */
export interface LinearLayer {
  /** Without '.weight': 'transformer.h.0.attn.c_attn'. */
  name: string;
  inner: number;
  outer: number;
  /** What files know: the layer itself, or the parts of a stack, with the rows of the output that are each one's. */
  parts: readonly { name: string; rows: number }[];
}

/** Dropouts of adapters have random numbers of their own: the model's sites are few. */
const FIRST_SITE = 2 ** 16;

/** The layers of a block that can have adapters, as targets name them. */
export const targetsOf = (config: Pick<ModelConfig, 'style'>): readonly string[] => styleOf(config).names.targets;

const withoutWeight = (name: string): string => name.replace(/\.weight$/, '');

/** All linear layers of the blocks, in order. */
export function linearLayers(config: ModelConfig): LinearLayer[] {
  const style = styleOf(config);
  const layers = new Map<string, LinearLayer>();
  for (const { name: part, stack = part, shape, matrices } of parameterSpecs(config, style)) {
    if (!matrices) continue;
    const [rows, columns] = style.transposed ? shape : [...shape].reverse();
    const name = withoutWeight(stack);
    const before = layers.get(name)?.parts ?? [];
    const parts = [...before, { name: withoutWeight(part), rows }];
    layers.set(name, { name, inner: columns, outer: parts.reduce((sum, one) => sum + one.rows, 0), parts });
  }
  return [...layers.values()];
}

/** Whether a target, or a module of PEFT's, means a layer: it is its name, or the end of it after a dot. */
export const means = (target: string, name: string): boolean => name === target || name.endsWith(`.${target}`);

/** The name of a layer's matrix, here and in PEFT's files. */
export const matrixName = (layer: string, matrix: 'A' | 'B'): string => `${layer}.lora_${matrix}.weight`;

/**
 * Low-rank adaptation (Hu et al., "LoRA: low-rank adaptation of large language models", 2022): the weights of a model stay as
 * they are, and beside a linear layer with inputs x and outputs y stand two small matrices,
 *
 *     y = x W + b + alpha / r dropout(x) A^T B^T,   A: (r, in), B: (out, r)
 *
 * A starts as normal numbers with the variance 1 / (3 in) that PEFT's uniform ones have, B as zeros: at first nothing is changed.
 * To use them, set `model.adapters`; several sets may serve one model in turn.
 */
export class LoraAdapters implements Adapters {
  /** Both matrices of every layer that has them: '<layer>.lora_A.weight', '<layer>.lora_B.weight'. */
  readonly parameters: Parameters;
  readonly layers: readonly LinearLayer[];
  private readonly sites: ReadonlyMap<string, number>;

  /** All that is added is zero until `initialize` or a file fills the matrices. @throws UsageError for unknown targets and senseless settings */
  constructor(
    engine: Engine,
    private readonly model: GPT,
    readonly settings: LoraSettings,
  ) {
    const all = linearLayers(model.config);
    checkSettings(settings, all, targetsOf(model.config));
    this.layers = all.filter(({ name }) => settings.targets.some((target) => means(target, name)));
    this.sites = new Map(this.layers.map(({ name }, i) => [name, FIRST_SITE + i]));
    this.parameters = new Parameters(
      engine,
      this.layers.flatMap((layer) => specsOf(layer, settings.rank)),
    );
  }

  /** Draws fresh matrices. */
  initialize(seed: number): this {
    this.parameters.initialize(seed);
    return this;
  }

  /** alpha / r */
  get scale(): number {
    return this.settings.alpha / this.settings.rank;
  }

  delta(x: Tensor, layer: string, state?: Tensor, residual?: Tensor): Tensor | undefined {
    const site = this.sites.get(layer);
    if (site === undefined) return undefined;
    const { dropout: p } = this.settings;
    const [A, B] = this.matricesOf(layer); //                                        (r, in), (out, r)
    const seen = p > 0 && state ? dropout({ x, state }, { p, site }) : x; //             (..., in)
    const low = matmul({ a: seen, b: A }, { transposeB: true }); //      (..., r)
    const scaled = scale({ x: low }, { factor: this.scale }); //                            (..., r)
    return matmul({ a: scaled, b: B, residual }, { transposeB: true }); //          (..., out)
  }

  /**
   * Adds what the adapters learned to the model's own weights, W += alpha / r A^T B^T, after which the model computes without
   * them what it computed with them, up to rounding, and has none any more.
   */
  merge(): void {
    const { engine } = this.model;
    this.model.requirePlain('merging adapters');
    for (const { name } of this.layers) {
      engine.scope(() => {
        engine.withoutGradients(() => this.mergeInto(name));
        return {};
      });
    }
    this.model.adapters = undefined;
  }

  private mergeInto(layer: string): void {
    const [A, B] = this.matricesOf(layer);
    const scaled = scale({ x: B }, { factor: this.scale }); //                              (out, r)
    const into = { tensor: this.model.parameters.get(`${layer}.weight`), accumulate: 1 } as const;
    if (this.model.style.transposed)
      multiplyInto(into, { a: scaled, b: A }, {}, 'best'); // (out, in)
    else multiplyInto(into, { a: A, b: scaled }, { transposeA: true, transposeB: true }, 'best'); // (in, out)
  }

  private matricesOf(layer: string): [A: Tensor, B: Tensor] {
    return [this.parameters.get(matrixName(layer, 'A')), this.parameters.get(matrixName(layer, 'B'))];
  }
}

function specsOf({ name, inner, outer }: LinearLayer, rank: number): ParameterSpec[] {
  const down: Shape = [rank, inner];
  return [
    { name: matrixName(name, 'A'), shape: down, init: { std: 1 / Math.sqrt(3 * inner) }, decay: true },
    { name: matrixName(name, 'B'), shape: [outer, rank], init: 'zeros', decay: true },
  ];
}

function checkSettings(settings: LoraSettings, layers: readonly LinearLayer[], known: readonly string[]): void {
  const { rank, alpha, targets, dropout: p } = settings;
  const most = Math.min(...layers.map(({ inner, outer }) => Math.min(inner, outer)));
  if (!Number.isInteger(rank) || rank < 1 || rank > most) {
    throw new UsageError(`the rank of adapters must be a whole number from 1 to ${most}, got ${rank}`);
  }
  if (!(alpha > 0 && Number.isFinite(alpha))) throw new UsageError(`alpha must be above 0, got ${alpha}`);
  if (!(p >= 0 && p < 1)) throw new UsageError(`the adapters' dropout must be at least 0 and below 1, got ${p}`);
  const stray = targets.find((target) => !layers.some(({ name }) => means(target, name)));
  if (stray !== undefined || targets.length === 0) {
    const got = stray === undefined ? 'no targets were given' : `the model has no linear layer "${stray}"`;
    throw new UsageError(`${got}; adapters can stand beside ${known.join(', ')}`);
  }
}
