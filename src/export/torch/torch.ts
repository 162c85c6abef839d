/**
 * Programs of PyTorch that go on with a run. Each is a file beside this one: Python as it stands, in which constants, `NAME = value`
 * at the start of a line, are filled in, and what only some runs have stands between comments `#: if <fact>`, `#: else` and
 * `#: end`. What is written has neither those comments nor what the run has not.
 */
import { readFile } from 'node:fs/promises';
import type { ModelConfig } from '../../model/config.ts';
import { styleOf } from '../../model/styles.ts';
import { knownStyle } from '../knownStyle.ts';

/** The settings of a run that the programs have; what they mean is said where training has them. */
export interface TorchSettings
  extends Readonly<
    Record<
      | ('steps' | 'batchSize' | 'gradientAccumulation' | 'seed')
      | ('learningRate' | 'minLearningRate' | 'warmupSteps' | 'decayFraction' | 'clipNorm' | 'weightDecay')
      | 'contextGrowth'
      | ('beta1' | 'beta2' | 'epsilon' | 'muonMomentum' | 'muonFactor')
      | ('logEvery' | 'evalEvery' | 'evalBatches' | 'checkpointEvery'),
      number
    >
  > {
  readonly optimizer: 'adamw' | 'muon';
  readonly schedule: 'cosine' | 'linear' | 'constant' | 'warmup-stable-decay';
}

/** Of each style the program that computes it, and what names of matrices in its blocks have in common. */
const MODELS: Readonly<Record<string, { file: string; blocks: string }>> = {
  gpt2: { file: 'gpt2.py', blocks: '.h.' },
  llama: { file: 'llama.py', blocks: '.layers.' },
};

/** How tokens lie in files: PyTorch has no unsigned numbers of 16 bits in all of its versions. */
export const tokenType = ({ vocabSize }: Pick<ModelConfig, 'vocabSize'>): 'int16' | 'int32' =>
  vocabSize <= 2 ** 15 ? 'int16' : 'int32';

/**
 * The programs by the names of their files.
 * @throws UserError for a style of model that none of them computes
 */
export async function torchPrograms(model: ModelConfig, settings: TorchSettings): Promise<Record<string, string>> {
  const { file, blocks } = knownStyle(MODELS, model, 'torch');
  const sources = { model: file, optimizer: `${settings.optimizer}.py`, train: 'train.py' };
  const more = { windows: 'windows.py', checkpoint: 'checkpoint.py' };
  const facts = factsOf(model, settings);
  const constants = { ...constantsOf(model, settings), BLOCKS: JSON.stringify(blocks) };
  const programs = Object.entries({ ...sources, ...more }).map(async ([name, source]) => {
    const text = await readFile(new URL(source, import.meta.url), 'utf8');
    return [`${name}.py`, filled(text, facts, constants)];
  });
  return Object.fromEntries(await Promise.all(programs));
}

/** What is so of a run. */
function factsOf(model: ModelConfig, settings: TorchSettings): Readonly<Record<string, boolean>> {
  const { schedule, warmupSteps, clipNorm, gradientAccumulation } = settings;
  return {
    ...{ bias: model.bias, dropout: model.dropout > 0, untied: !model.tieEmbeddings },
    ...{ packed: styleOf(model).names.parts.qkv === undefined, accumulates: gradientAccumulation > 1 },
    ...{ grows: settings.contextGrowth > 0 },
    ...{ warmup: warmupSteps > 0, clips: clipNorm > 0, decays: schedule !== 'constant' },
    ...{ constant: schedule === 'constant', linear: schedule === 'linear', cosine: schedule === 'cosine' },
    ...{ stable: schedule === 'warmup-stable-decay', progresses: schedule === 'linear' || schedule === 'cosine' },
  };
}

/** The programs' constants, as Python writes them. */
const constantsOf = (model: ModelConfig, settings: TorchSettings): Readonly<Record<string, string | number>> => ({
  ...{ VOCABULARY: model.vocabSize, CONTEXT: model.blockSize, LAYERS: model.nLayer, HEADS: model.nHead },
  ...{ KEY_VALUE_HEADS: model.nKvHead, WIDTH: model.nEmbd, HIDDEN: model.nHidden, DROPOUT: model.dropout },
  ...{ NORM_EPSILON: model.normEps, ROPE_BASE: model.ropeBase, TOKEN: `torch.${tokenType(model)}` },
  ...{ STEPS: settings.steps, BATCH: settings.batchSize, ACCUMULATION: settings.gradientAccumulation },
  ...{ CONTEXT_GROWTH: settings.contextGrowth },
  ...{ LEARNING_RATE: settings.learningRate, MIN_LEARNING_RATE: settings.minLearningRate },
  ...{ WARMUP_STEPS: settings.warmupSteps, DECAY_FRACTION: settings.decayFraction, CLIP_NORM: settings.clipNorm },
  ...{ BETAS: `(${settings.beta1}, ${settings.beta2})`, EPSILON: settings.epsilon },
  ...{ WEIGHT_DECAY: settings.weightDecay, MOMENTUM: settings.muonMomentum, FACTOR: settings.muonFactor },
  ...{ SEED: settings.seed, LOG_EVERY: settings.logEvery, SAVE_EVERY: settings.checkpointEvery },
  ...{ VALIDATE_EVERY: settings.evalEvery, VALIDATION_BATCHES: settings.evalBatches },
});

/** A program with its constants, without what the facts exclude. @throws Error for a fact or constant that nobody knows */
function filled(
  text: string,
  facts: Readonly<Record<string, boolean>>,
  constants: Readonly<Record<string, string | number>>,
): string {
  const know = <T>(known: Readonly<Record<string, T>>, name: string): T => {
    if (Object.hasOwn(known, name)) return known[name];
    throw new Error(`a program of PyTorch asks for ${name}, which is not known`);
  };
  const open: boolean[] = [];
  const kept = text.split('\n').filter((line) => {
    const [, word, fact] = line.match(/^ *#: (if|else|end) ?(\w*)$/) ?? [];
    if (word === 'if') open.push(know(facts, fact));
    if (word === 'else') open.push(!open.pop());
    if (word === 'end') open.pop();
    return word === undefined && open.every(Boolean);
  });
  const constant = /^([A-Z_0-9]+) = (?:[\d.e-]+|"\S+"|\([\d., ]+\)|torch\.\w+)(?= {2}#|$)/;
  return kept.map((line) => line.replace(constant, (_, name) => `${name} = ${know(constants, name)}`)).join('\n');
}
