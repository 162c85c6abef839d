import { z } from 'zod';
import { UsageError } from '../errors.ts';
import { type ModelConfig, validateModel } from '../model/config.ts';
import { check, wrongUse } from '../schema.ts';
import { PRECISIONS } from './precision.ts';
import { PRESETS } from './presets.ts';

const count = z.int().min(1);
const atLeast0 = z.number().min(0);
const share = z.number().min(0).lt(1);

/**
 * Everything that a training run depends on, beside its text and its adapter: one flat object. Types, ranges, help texts,
 * command-line flags and the JSON Schema for editors come from here. The defaults are the CPU setting that nanoGPT publishes
 * (config/train_shakespeare_char.py and its README), so that losses and speeds compare.
 */
export const TrainConfig = z.strictObject({
  style: z
    .enum(['gpt2', 'llama'])
    .default('gpt2')
    .describe('architecture: learned positions, layer norm, GELU; or RoPE, RMS norm, SwiGLU'),
  nLayer: count.default(4).describe('transformer blocks'),
  nHead: count.default(4).describe('attention heads; must divide the width'),
  nKvHead: z.int().min(0).default(0).describe('key-value heads of the llama style; 0 for as many as heads'),
  nEmbd: count.default(128).describe('width of the residual stream'),
  nHidden: z.int().min(0).default(0).describe('width of the MLP; 0 for 4 (gpt2) or 8/3 (llama) times the width'),
  blockSize: count.default(64).describe('context, in tokens'),
  dropout: share.default(0).describe('share of activations dropped in training'),
  bias: z.boolean().default(false).describe('biases in linear layers and norms (gpt2 style)'),
  tieEmbeddings: z.boolean().default(true).describe('the head shares the weights of the token embedding'),
  tokenizer: z.string().min(1).default('char').describe('char, byte, bpe[:size], gpt[:r50k|cl100k|o200k]'),
  validationFraction: z.number().min(0.0001).lt(1).default(0.1).describe('share of the text, from its end, held out'),
  batchSize: count.default(12).describe('windows in a batch'),
  gradientAccumulation: count.default(1).describe('batches in an optimizer step'),
  recompute: z
    .boolean()
    .default(false)
    .describe('run each block again in the backward pass in place of keeping its activations: less memory, more time'),
  precision: z
    .enum(PRECISIONS)
    .default('auto')
    .describe(
      'mixed multiplies matrices of 16-bit floats and scales the loss; auto takes it on GPUs with units for that',
    ),
  steps: count.default(2000).describe('optimizer steps'),
  schedule: z
    .enum(['cosine', 'linear', 'constant', 'warmup-stable-decay'])
    .default('cosine')
    .describe('course of the learning rate after the warm-up'),
  learningRate: atLeast0.default(1e-3).describe('largest learning rate'),
  minLearningRate: atLeast0.default(1e-4).describe('learning rate at the end'),
  warmupSteps: z.int().min(0).default(100).describe('steps of linear warm-up'),
  decayFraction: z
    .number()
    .min(0)
    .max(1)
    .default(0.2)
    .describe('last share of the steps that decays (warmup-stable-decay)'),
  optimizer: z
    .enum(['adamw', 'muon'])
    .default('adamw')
    .describe("muon takes the blocks' matrices and leaves the rest to AdamW: fewer steps to a loss, longer ones"),
  muonMomentum: share.default(0.95).describe("Muon's decay of the sum of gradients"),
  muonFactor: atLeast0.default(1).describe("Muon's learning rate in units of AdamW's"),
  beta1: share.default(0.9).describe("AdamW's decay of the first moment"),
  beta2: share.default(0.99).describe("AdamW's decay of the second moment"),
  epsilon: atLeast0.default(1e-8).describe("AdamW's epsilon"),
  weightDecay: atLeast0.default(0.1).describe('decoupled weight decay of matrices and embeddings'),
  clipNorm: atLeast0.default(1).describe('global norm that gradients are clipped to; 0 for no clipping'),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(1337)
    .describe('seed of weights, order of windows and dropout'),
  logEvery: z.int().min(1).max(64).default(10).describe('steps between two looks at the losses'),
  evalEvery: count.default(250).describe('steps between two validations'),
  evalBatches: z
    .int()
    .min(0)
    .default(20)
    .describe('batches of a validation on the way, spread over the held-out text; 0 for all'),
  checkpointEvery: count.default(250).describe('steps between two checkpoints'),
});
export type TrainConfig = z.infer<typeof TrainConfig>;

/** Names of all settings, in the order in which people read them. */
export const SETTINGS = Object.keys(TrainConfig.shape) as (keyof TrainConfig)[];

/**
 * Settings that follow others where nobody set them and the preset's own value does not fit; where that fits it stands, so that
 * a command gives the numbers that it always gave. The last step is validated, logged and saved whatever its number, so that
 * `evalEvery`, `logEvery` and `checkpointEvery` fit any number of steps.
 */
const FOLLOWS: { [K in keyof TrainConfig]?: (config: TrainConfig, preset: TrainConfig) => TrainConfig[K] } = {
  /** Of steps that are no more than the warm-up: the same share of them. One step is as it is. */
  warmupSteps: ({ steps, warmupSteps }, preset) =>
    steps > 1 && warmupSteps >= steps ? Math.floor((steps * preset.warmupSteps) / preset.steps) : warmupSteps,
  /** Of a lower rate than the one at the end: the same share of it. */
  minLearningRate: ({ learningRate, minLearningRate }, preset) =>
    minLearningRate > learningRate ? (learningRate * preset.minLearningRate) / preset.learningRate : minLearningRate,
  /** Heads that cannot be grouped so, or a style without groups: as many as heads. */
  nKvHead: ({ style, nHead, nKvHead }) => (style === 'gpt2' || (nKvHead && nHead % nKvHead) ? 0 : nKvHead),
};

/**
 * A preset with settings on top, checked, and with what follows from them. `undefined` settings are passed over.
 * @throws UsageError that names the preset or setting, what it is and what was expected.
 */
export function resolveConfig(preset: string, ...layers: readonly Readonly<Record<string, unknown>>[]): TrainConfig {
  const settings = layers.flatMap((layer) => Object.entries(layer).filter(([, value]) => value !== undefined));
  const set = Object.fromEntries(settings);
  const own = presetSettings(preset);
  const config: TrainConfig = check(TrainConfig, { ...own, ...set }, wrongUse);
  const base = TrainConfig.parse(own);
  for (const [name, follow] of Object.entries(FOLLOWS)) {
    if (!Object.hasOwn(set, name)) Object.assign(config, { [name]: follow(config, base) });
  }
  modelConfig(config, 1);
  if (config.warmupSteps >= config.steps && config.steps > 1) {
    throw new UsageError(`warmupSteps (${config.warmupSteps}) must be below steps (${config.steps})`);
  }
  return config;
}

function presetSettings(name: string): Partial<TrainConfig> {
  if (Object.hasOwn(PRESETS, name)) return PRESETS[name as keyof typeof PRESETS].settings;
  throw new UsageError(`unknown preset "${name}"; the presets are ${Object.keys(PRESETS).join(', ')}`);
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
