import { UsageError } from '../errors.ts';
import { type ModelConfig, validateModel } from '../model/config.ts';
import { PRECISIONS, type PrecisionName } from './precision.ts';

export const SCHEDULES = ['cosine', 'linear', 'constant', 'warmup-stable-decay'] as const;
export type ScheduleName = (typeof SCHEDULES)[number];

export const OPTIMIZERS = ['adamw', 'muon'] as const;
export type OptimizerName = (typeof OPTIMIZERS)[number];

/** Everything that a training run depends on, beside its text and its adapter: one flat object. */
export interface TrainConfig {
  style: 'gpt2' | 'llama';
  nLayer: number;
  nHead: number;
  nKvHead: number;
  nEmbd: number;
  nHidden: number;
  blockSize: number;
  dropout: number;
  bias: boolean;
  tieEmbeddings: boolean;
  tokenizer: string;
  validationFraction: number;
  batchSize: number;
  gradientAccumulation: number;
  recompute: boolean;
  precision: PrecisionName;
  steps: number;
  schedule: ScheduleName;
  learningRate: number;
  minLearningRate: number;
  warmupSteps: number;
  decayFraction: number;
  optimizer: OptimizerName;
  muonMomentum: number;
  muonFactor: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  clipNorm: number;
  seed: number;
  logEvery: number;
  evalEvery: number;
  evalBatches: number;
  checkpointEvery: number;
}

type Kind = 'whole' | 'number' | 'flag' | 'text' | readonly string[];

/** One field as people set it: on the command line as --kebab-case, in a config file under its own name. */
export interface Field {
  kind: Kind;
  /** Smallest value allowed. */
  least?: number;
  /** Values must be below this. */
  below?: number;
  about: string;
}

/** What each field means: help texts and validation come from here. */
export const FIELDS: Record<keyof TrainConfig, Field> = {
  style: {
    kind: ['gpt2', 'llama'],
    about: 'architecture: learned positions, layer norm, GELU; or RoPE, RMS norm, SwiGLU',
  },
  nLayer: { kind: 'whole', least: 1, about: 'transformer blocks' },
  nHead: { kind: 'whole', least: 1, about: 'attention heads; must divide the width' },
  nKvHead: { kind: 'whole', least: 0, about: 'key-value heads of the llama style; 0 for as many as heads' },
  nEmbd: { kind: 'whole', least: 1, about: 'width of the residual stream' },
  nHidden: { kind: 'whole', least: 0, about: 'width of the MLP; 0 for 4 (gpt2) or 8/3 (llama) times the width' },
  blockSize: { kind: 'whole', least: 1, about: 'context, in tokens' },
  dropout: { kind: 'number', least: 0, below: 1, about: 'share of activations dropped in training' },
  bias: { kind: 'flag', about: 'biases in linear layers and norms (gpt2 style)' },
  tieEmbeddings: { kind: 'flag', about: 'the head shares the weights of the token embedding' },
  tokenizer: { kind: 'text', about: 'char, byte, bpe[:size], gpt[:r50k|cl100k|o200k]' },
  validationFraction: { kind: 'number', least: 0.0001, below: 1, about: 'share of the text, from its end, held out' },
  batchSize: { kind: 'whole', least: 1, about: 'windows in a batch' },
  gradientAccumulation: { kind: 'whole', least: 1, about: 'batches in an optimizer step' },
  recompute: {
    kind: 'flag',
    about: 'run each block again in the backward pass in place of keeping its activations: less memory, more time',
  },
  precision: {
    kind: PRECISIONS,
    about: 'mixed multiplies matrices of 16-bit floats and scales the loss; auto takes it on GPUs with units for that',
  },
  steps: { kind: 'whole', least: 1, about: 'optimizer steps' },
  schedule: { kind: SCHEDULES, about: 'course of the learning rate after the warm-up' },
  learningRate: { kind: 'number', least: 0, about: 'largest learning rate' },
  minLearningRate: { kind: 'number', least: 0, about: 'learning rate at the end' },
  warmupSteps: { kind: 'whole', least: 0, about: 'steps of linear warm-up' },
  decayFraction: {
    kind: 'number',
    least: 0,
    below: 1.0001,
    about: 'last share of the steps that decays (warmup-stable-decay)',
  },
  optimizer: {
    kind: OPTIMIZERS,
    about: "muon takes the blocks' matrices and leaves the rest to AdamW: fewer steps to a loss, longer ones",
  },
  muonMomentum: { kind: 'number', least: 0, below: 1, about: "Muon's decay of the sum of gradients" },
  muonFactor: { kind: 'number', least: 0, about: "Muon's learning rate in units of AdamW's" },
  beta1: { kind: 'number', least: 0, below: 1, about: "AdamW's decay of the first moment" },
  beta2: { kind: 'number', least: 0, below: 1, about: "AdamW's decay of the second moment" },
  epsilon: { kind: 'number', least: 0, about: "AdamW's epsilon" },
  weightDecay: { kind: 'number', least: 0, about: 'decoupled weight decay of matrices and embeddings' },
  clipNorm: { kind: 'number', least: 0, about: 'global norm that gradients are clipped to; 0 for no clipping' },
  seed: { kind: 'whole', least: 0, below: 2 ** 32, about: 'seed of weights, order of windows and dropout' },
  logEvery: { kind: 'whole', least: 1, below: 65, about: 'steps between two looks at the losses' },
  evalEvery: { kind: 'whole', least: 1, about: 'steps between two validations' },
  evalBatches: {
    kind: 'whole',
    least: 0,
    about: 'batches of a validation on the way, spread over the held-out text; 0 for all',
  },
  checkpointEvery: { kind: 'whole', least: 1, about: 'steps between two checkpoints' },
};

/** The CPU setting that nanoGPT publishes (config/train_shakespeare_char.py and its README), so that losses and speeds compare. */
const nano: TrainConfig = {
  style: 'gpt2',
  nLayer: 4,
  nHead: 4,
  nKvHead: 0,
  nEmbd: 128,
  nHidden: 0,
  blockSize: 64,
  dropout: 0,
  bias: false,
  tieEmbeddings: true,
  tokenizer: 'char',
  validationFraction: 0.1,
  batchSize: 12,
  gradientAccumulation: 1,
  recompute: false,
  precision: 'auto',
  steps: 2000,
  schedule: 'cosine',
  learningRate: 1e-3,
  minLearningRate: 1e-4,
  warmupSteps: 100,
  decayFraction: 0.2,
  optimizer: 'adamw',
  muonMomentum: 0.95,
  muonFactor: 1,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0.1,
  clipNorm: 1,
  seed: 1337,
  logEvery: 10,
  evalEvery: 250,
  evalBatches: 20,
  checkpointEvery: 250,
};

export interface Preset {
  about: string;
  config: TrainConfig;
}

/** Muon at a high rate: fewest steps to a loss. */
const byMuon: TrainConfig = { ...nano, optimizer: 'muon', learningRate: 3e-3, muonFactor: 3 };

export const PRESETS: Readonly<Record<string, Preset>> = {
  quick: {
    about: "nano's model by Muon, for about three minutes on two cores: what npm start trains",
    config: { ...byMuon, steps: 900, evalEvery: 100, checkpointEvery: 100 },
  },
  nano: { about: "nanoGPT's CPU setting: 4 layers, 4 heads, width 128, context 64, batch 12", config: nano },
  small: {
    about: "nanoGPT's GPU setting: 6 layers, 6 heads, width 384, context 256, batch 64, dropout 0.2",
    config: {
      ...nano,
      ...{ nLayer: 6, nHead: 6, nEmbd: 384, blockSize: 256, dropout: 0.2, batchSize: 64, steps: 5000 },
    },
  },
  tiny: {
    about: '2 layers, 2 heads, width 32, context 32: trains in seconds, for tests and lessons',
    config: {
      ...nano,
      ...{ nLayer: 2, nHead: 2, nEmbd: 32, blockSize: 32, batchSize: 8, steps: 200, warmupSteps: 20 },
      ...{ evalEvery: 100, checkpointEvery: 100 },
    },
  },
  base: {
    about:
      "nano's model with pieces of words and a context of 128, by Muon, for about 20 minutes on two cores: to be tuned",
    config: {
      ...byMuon,
      ...{ tokenizer: 'bpe:2048', blockSize: 128, batchSize: 8, steps: 6000, evalEvery: 500, checkpointEvery: 500 },
    },
  },
  llama: {
    about: "nano's size in the style of Llama: RoPE, RMS norm, SwiGLU, grouped-query attention, untied head",
    config: { ...nano, style: 'llama', nKvHead: 2, tieEmbeddings: false },
  },
};

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The flag of a field: nLayer is --n-layer. */
export const flagOf = (name: string): string => `--${kebab(name)}`;

function checkField(name: string, value: unknown): void {
  const field = Object.hasOwn(FIELDS, name) ? FIELDS[name as keyof TrainConfig] : undefined;
  if (!field) {
    throw new UsageError(`unknown setting "${name}"; the settings are ${Object.keys(FIELDS).join(', ')}`);
  }
  const { kind, least = Number.NEGATIVE_INFINITY, below = Number.POSITIVE_INFINITY } = field;
  const got = `got ${JSON.stringify(value) ?? String(value)}`;
  if (typeof kind === 'object') {
    if (!kind.includes(value as string)) throw new UsageError(`${name} must be one of ${kind.join(', ')}; ${got}`);
  } else if (kind === 'flag') {
    if (typeof value !== 'boolean') throw new UsageError(`${name} must be true or false; ${got}`);
  } else if (kind === 'text') {
    if (typeof value !== 'string' || value === '') throw new UsageError(`${name} must be a name; ${got}`);
  } else {
    const fits = typeof value === 'number' && Number.isFinite(value) && (kind === 'number' || Number.isInteger(value));
    if (!fits) throw new UsageError(`${name} must be a ${kind === 'whole' ? 'whole ' : ''}number; ${got}`);
    if (value < least || value >= below) {
      const range = below === Number.POSITIVE_INFINITY ? `at least ${least}` : `from ${least} to below ${below}`;
      throw new UsageError(`${name} must be ${range}; ${got}`);
    }
  }
}

/**
 * A preset with settings on top, checked. `undefined` settings are passed over.
 * @throws UsageError that names the preset or setting, what it is and what was expected.
 */
export function resolveConfig(preset: string, ...settings: readonly Readonly<Record<string, unknown>>[]): TrainConfig {
  const base = Object.hasOwn(PRESETS, preset) ? PRESETS[preset] : undefined;
  if (!base) throw new UsageError(`unknown preset "${preset}"; the presets are ${Object.keys(PRESETS).join(', ')}`);
  const config: Record<string, unknown> = { ...base.config };
  for (const layer of settings) {
    for (const [name, value] of Object.entries(layer)) {
      if (value === undefined) continue;
      checkField(name, value);
      config[name] = value;
    }
  }
  const resolved = config as unknown as TrainConfig;
  modelConfig(resolved, 1);
  if (resolved.warmupSteps >= resolved.steps && resolved.steps > 1) {
    throw new UsageError(`warmupSteps (${resolved.warmupSteps}) must be below steps (${resolved.steps})`);
  }
  return resolved;
}

/** Llama's MLP is 8/3 of the width, so that three matrices cost what GPT-2's two cost; rounded up to a multiple of 8. */
const hiddenWidth = ({ style, nEmbd, nHidden }: TrainConfig): number =>
  nHidden || (style === 'gpt2' ? 4 * nEmbd : Math.ceil((nEmbd * 8) / 3 / 8) * 8);

/** The model that a run trains. @throws UsageError when the sizes do not fit together. */
export function modelConfig(config: TrainConfig, vocabSize: number): ModelConfig {
  const { style, nLayer, nHead, nEmbd, blockSize, dropout, tieEmbeddings } = config;
  return validateModel({
    ...{ style, vocabSize, blockSize, nLayer, nHead, nEmbd, dropout, tieEmbeddings },
    nKvHead: config.nKvHead || nHead,
    nHidden: hiddenWidth(config),
    normEps: 1e-5,
    ropeBase: 10000,
    bias: style === 'gpt2' && config.bias,
  });
}
