import { z } from 'zod';
import { UsageError } from '../errors.ts';
import type { ModelConfig } from '../model/config.ts';
import { STYLES, styleOf, validateModel } from '../model/styles.ts';
import { check, wrongUse } from '../schema.ts';
import { CLEAN_RULES, cleanRules } from '../text/windows/cleaning.ts';
import { PRECISIONS } from './precision.ts';
import { PRESETS } from './presets.ts';

/** What a setting may be, what it is unless told, and what help texts and editors say of it. */
export const setting = <T extends z.ZodType>(type: T, fallback: z.output<T>, help: string): z.ZodDefault<T> =>
  type.default(fallback as never).describe(help);

const count = z.int().min(1);
const countOr0 = z.int().min(0);
const atLeast0 = z.number().min(0);
const share = z.number().min(0).lt(1);

/**
 * Everything that a training run depends on, beside its text and its adapter: one flat object. Types, ranges, help texts,
 * command-line flags and the JSON Schema for editors come from here. The defaults are the CPU setting that nanoGPT publishes
 * (config/train_shakespeare_char.py and its README), so that losses and speeds compare.
 */
export const TrainConfig = z.strictObject({
  style: setting(
    z.enum(Object.keys(STYLES)),
    'gpt2',
    'architecture: learned positions, layer norm, GELU; or RoPE, RMS norm, SwiGLU',
  ),
  nLayer: setting(count, 4, 'transformer blocks'),
  nHead: setting(count, 4, 'attention heads; must divide the width'),
  nKvHead: setting(countOr0, 0, 'key-value heads of the llama style; 0 for as many as heads'),
  nEmbd: setting(count, 128, 'width of the residual stream'),
  nHidden: setting(countOr0, 0, 'width of the MLP; 0 for 4 (gpt2) or 8/3 (llama) times the width'),
  blockSize: setting(count, 64, 'context, in tokens'),
  contextGrowth: setting(
    z.number().min(0).max(1),
    0,
    'first share of the steps, in which the context grows from a quarter over a half to blockSize; 0 for all of it at once',
  ),
  dropout: setting(share, 0, 'share of activations dropped in training'),
  bias: setting(z.boolean(), false, 'biases in linear layers and norms (gpt2 style)'),
  tieEmbeddings: setting(z.boolean(), true, 'the head shares the weights of the token embedding'),
  previousTokenHead: setting(
    z.boolean(),
    false,
    'a head of the first block begins by looking at the token before (llama style): half of what copies from the context',
  ),
  queryKeyGain: setting(
    atLeast0,
    0,
    'size of fresh queries and keys, whose weights have this / sqrt(width); 0 for the 0.02 of all other weights',
  ),
  tokenizer: setting(z.string().min(1), 'char', 'char, byte, bpe[:size], gpt[:r50k|cl100k|o200k], pieces:REGEX'),
  wholeLines: setting(
    z.boolean(),
    false,
    'windows begin where lines do, for texts that have one thing a line: a molecule, a picture, a name',
  ),
  validationFraction: setting(z.number().min(0.0001).lt(1), 0.1, 'share of the text, from its end, held out'),
  canaries: setting(
    countOr0.max(6),
    0,
    'digits of canaries, sentences planted 1 to 16 times in the training part, of which trust tells what is known by heart; 0 for none',
  ),
  clean: setting(
    z.string(),
    '',
    `what the text is freed of before, held-out part included: some of ${CLEAN_RULES.join(', ')}, with commas between them`,
  ),
  fillInMiddle: setting(
    z.number().min(0).max(1),
    0,
    'share of the windows whose middle is moved to their end, behind marks, so that the model learns to fill holes (complete, /infill); not with char',
  ),
  copyFraction: setting(
    z.number().min(0).max(1),
    0,
    'first share of the steps, which read a few random tokens again and again: heads learn there to copy from the context',
  ),
  batchSize: setting(count, 12, 'windows in a batch'),
  gradientAccumulation: setting(count, 1, 'batches in an optimizer step'),
  recompute: setting(
    z.boolean(),
    false,
    'run each block again in the backward pass in place of keeping its activations: less memory, more time',
  ),
  precision: setting(
    z.enum(PRECISIONS),
    'auto',
    'mixed multiplies matrices of 16-bit floats and scales the loss; auto takes it on GPUs with units for that',
  ),
  steps: setting(count, 2000, 'optimizer steps'),
  schedule: setting(
    z.enum(['cosine', 'linear', 'constant', 'warmup-stable-decay']),
    'cosine',
    'course of the learning rate after the warm-up',
  ),
  learningRate: setting(atLeast0, 1e-3, 'largest learning rate'),
  minLearningRate: setting(atLeast0, 1e-4, 'rate at the end; of a lower learning rate the share that the preset has'),
  warmupSteps: setting(countOr0, 100, 'steps of linear warm-up; of fewer steps the share that the preset has'),
  decayFraction: setting(z.number().min(0).max(1), 0.2, 'last share of the steps that decays (warmup-stable-decay)'),
  optimizer: setting(
    z.enum(['adamw', 'muon']),
    'adamw',
    "muon takes the blocks' matrices and leaves the rest to AdamW: fewer steps to a loss, longer ones",
  ),
  muonMomentum: setting(share, 0.95, "Muon's decay of the sum of gradients"),
  muonFactor: setting(atLeast0, 1, "Muon's learning rate in units of AdamW's"),
  beta1: setting(share, 0.9, "AdamW's decay of the first moment"),
  beta2: setting(share, 0.99, "AdamW's decay of the second moment"),
  epsilon: setting(atLeast0, 1e-8, "AdamW's epsilon"),
  weightDecay: setting(atLeast0, 0.1, 'decoupled weight decay of matrices and embeddings'),
  clipNorm: setting(atLeast0, 1, 'global norm that gradients are clipped to; 0 for no clipping'),
  seed: setting(countOr0.max(2 ** 32 - 1), 1337, 'seed of weights, order of windows and dropout'),
  logEvery: setting(count.max(64), 10, 'steps between two looks at the losses'),
  evalEvery: setting(count, 250, 'steps between two validations'),
  evalBatches: setting(countOr0, 20, 'batches of a validation on the way, spread over the held-out text; 0 for all'),
  checkpointEvery: setting(count, 250, 'steps between two checkpoints'),
  watch: setting(
    z.boolean(),
    false,
    'measure updates, heads, dead units and the noise of gradients on the way, for the log and the report',
  ),
  watchEvery: setting(count, 50, 'with watch: steps between two measurements'),
});
export type TrainConfig = z.infer<typeof TrainConfig>;

/** Names of all settings, in the order in which people read them. */
export const SETTINGS = Object.keys(TrainConfig.shape) as (keyof TrainConfig)[];

/** Times that a context which grows is halved at first: to a quarter. */
export const CONTEXT_HALVINGS = 2;
/** What contexts must be multiples of, to grow. */
const CONTEXT_UNIT = 2 ** CONTEXT_HALVINGS;

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
  /** Of another width: the same share of it, as far as multiples of 8 go. Of another style: what is usual there. */
  nHidden: ({ nHidden, nEmbd, style }, preset) => {
    if (style !== preset.style) return 0;
    return nEmbd === preset.nEmbd ? nHidden : 8 * Math.round((preset.nHidden * nEmbd) / preset.nEmbd / 8);
  },
  /** Of a context that has no quarter, and of windows whose quarters begin no line: it does not grow. */
  contextGrowth: ({ contextGrowth, blockSize, wholeLines }) =>
    blockSize % CONTEXT_UNIT === 0 && !wholeLines ? contextGrowth : 0,
  /** Heads that cannot be grouped so, or a style without groups: as many as heads. */
  nKvHead: ({ nHead, nKvHead, ...config }) => (!styleOf(config).grouped || (nKvHead && nHead % nKvHead) ? 0 : nKvHead),
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
  cleanRules(config.clean);
  const problem = batchProblem(config) ?? contextProblem(config) ?? startProblem(config);
  if (problem) throw new UsageError(problem);
  if (config.warmupSteps >= config.steps && config.steps > 1) {
    throw new UsageError(`warmupSteps (${config.warmupSteps}) must be below steps (${config.steps})`);
  }
  return config;
}

/** Tokens of a batch, all of whose ids and targets are held at once. */
const MOST_BATCH_TOKENS = 2 ** 28;

/** What is wrong with the size of a batch, if anything. */
export const batchProblem = ({
  batchSize,
  blockSize,
}: Pick<TrainConfig, 'batchSize' | 'blockSize'>): string | undefined =>
  batchSize * blockSize > MOST_BATCH_TOKENS
    ? `a batch of ${batchSize} windows of ${blockSize} tokens is more than the ${MOST_BATCH_TOKENS} tokens that one may have`
    : undefined;

function startProblem({ previousTokenHead, ...config }: TrainConfig): string | undefined {
  if (!previousTokenHead || styleOf(config).rotary) return undefined;
  return `previousTokenHead is for styles with rotary positions, such as llama, and ${config.style} has learned ones; leave it out with --no-previous-token-head`;
}

function contextProblem({ contextGrowth, blockSize }: TrainConfig): string | undefined {
  if (contextGrowth === 0 || blockSize % CONTEXT_UNIT === 0) return undefined;
  return `contextGrowth begins with a quarter of the context: blockSize must be a multiple of ${CONTEXT_UNIT}, got ${blockSize}`;
}

function presetSettings(name: string): Partial<TrainConfig> {
  if (Object.hasOwn(PRESETS, name)) return PRESETS[name as keyof typeof PRESETS].settings;
  throw new UsageError(`unknown preset "${name}"; the presets are ${Object.keys(PRESETS).join(', ')}`);
}

/** An MLP with a gate is 8/3 of the width, so that its three matrices cost what two of 4 cost; rounded up to a multiple of 8. */
const hiddenWidth = ({ nEmbd, nHidden, ...config }: TrainConfig): number =>
  nHidden || (styleOf(config).gated ? Math.ceil((nEmbd * 8) / 3 / 8) * 8 : 4 * nEmbd);

/** The model that a run trains. @throws UsageError when the sizes do not fit together. */
export function modelConfig(config: TrainConfig, vocabSize: number): ModelConfig {
  const { style, nLayer, nHead, nEmbd, blockSize, dropout, tieEmbeddings } = config;
  return validateModel({
    ...{ style, vocabSize, blockSize, nLayer, nHead, nEmbd, dropout, tieEmbeddings },
    nKvHead: config.nKvHead || nHead,
    nHidden: hiddenWidth(config),
    normEps: 1e-5,
    ropeBase: 10000,
    bias: styleOf(config).biased && config.bias,
  });
}
