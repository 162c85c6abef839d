/** What learns: a copy of a base model, and a new head. */
import { UsageError } from '../errors.ts';
import { GPT } from '../model/gpt.ts';
import { Head } from '../model/heads.ts';
import { targetsOf } from '../model/lora.ts';
import { sizeOf } from '../tensor/shape.ts';
import type { Tokenizer } from '../text/tokenizers/tokenizer.ts';
import { type Method, type Trainables, trainablesOf } from '../train/trainable.ts';

/** A pretrained model; tuning leaves it as it is. */
export interface Base {
  readonly model: GPT;
  readonly tokenizer: Tokenizer;
}

export interface PupilSettings {
  readonly method: Method;
  /** Learning rate of the base's own weights, in units of the head's: they know something already. */
  readonly baseRate: number;
  /** Of LoRA: inner width, scale, layers (all unless given), and the share of their inputs that adapters do not see. */
  readonly rank: number;
  readonly alpha: number;
  readonly targets?: readonly string[];
  readonly loraDropout: number;
  /** Whether the model begins with random weights: to compare with. */
  readonly randomStart: boolean;
  /** Share of the activations that tuning drops: with few labels more than pretraining does. */
  readonly dropout: number;
  readonly seed: number;
}

/** @throws UsageError for random weights that would stay as they are */
export function requireTrained(method: Method, randomStart: boolean): void {
  if (!randomStart || method === 'full') return;
  throw new UsageError(
    `random weights are of no use as they are: with a random start everything is trained, not ${method}`,
  );
}

export interface Pupil extends Trainables {
  readonly model: GPT;
  readonly head: Head;
  /** Numbers that are trained, and those of model and head together. */
  readonly trained: number;
  readonly total: number;
}

/** A copy of the base with a head of so many classes, and what the method trains of them. @throws UsageError for adapters that cannot be */
export function makePupil({ model: base }: Base, settings: PupilSettings, classes: number): Pupil {
  const { method, rank, alpha, loraDropout, baseRate, seed } = settings;
  const { engine } = base.parameters;
  const model = new GPT(engine, { ...base.config, dropout: settings.dropout });
  if (settings.randomStart) model.initialize(seed);
  else engine.device.copy(base.parameters.values.view, model.parameters.values.view);
  const head = new Head(engine, base.config.nEmbd, classes).initialize(seed);
  const lora = { rank, alpha, targets: [...(settings.targets ?? targetsOf(base.config))], dropout: loraDropout };
  const { parameters, adapters } = trainablesOf(model, method, lora, baseRate);
  adapters?.initialize(seed);
  const trainables = { parameters: [...parameters, { parameters: head.parameters }], ...(adapters && { adapters }) };
  const total = model.parameters.count + head.parameters.count;
  return { model, head, ...trainables, trained: countTrained(trainables), total };
}

const countTrained = ({ parameters: collections }: Trainables): number =>
  collections.reduce((sum, { parameters, names }) => {
    const wanted = names && new Set(names);
    const trained = parameters.specs.filter(({ name }) => !wanted || wanted.has(name));
    return sum + trained.reduce((size, { shape }) => size + sizeOf(shape), 0);
  }, 0);
