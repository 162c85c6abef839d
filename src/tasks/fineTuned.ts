/** What is fine-tuned: a copy of a base model, and a new head. */
import { GPT } from '../model/gpt.ts';
import { Head } from '../model/heads.ts';
import { sizeOf } from '../tensor/shape.ts';
import type { Tokenizer } from '../text/tokenizers/tokenizer.ts';
import { type Trainables, trainablesOf } from '../train/trainable.ts';
import type { FineTuneSettings } from './settings.ts';

/** A pretrained model; tuning leaves it as it is. */
export interface Base {
  readonly model: GPT;
  readonly tokenizer: Tokenizer;
}

/** How many numbers are trained, and those of model and head together. */
export interface ParameterCounts {
  readonly trained: number;
  readonly total: number;
}

export interface FineTunedModel extends Trainables {
  readonly model: GPT;
  readonly head: Head;
  readonly counts: ParameterCounts;
}

/** A copy of the base with a head of so many classes, and what the method trains of them. @throws UsageError for adapters that cannot be */
export function makeFineTuned({ model: base }: Base, settings: FineTuneSettings, classes: number): FineTunedModel {
  const { method, rank, alpha, targets, loraDropout: dropout, baseRate, seed } = settings;
  const { engine } = base;
  base.requirePlain('tuning');
  const model = new GPT(engine, { ...base.config, dropout: settings.dropout });
  if (settings.randomStart) model.initialize(seed);
  else engine.device.copy(base.parameters.values.view, model.parameters.values.view);
  const head = new Head(engine, base.config.nEmbd, classes).initialize(seed);
  const { parameters, adapters } = trainablesOf(model, method, { rank, alpha, targets, dropout }, baseRate);
  adapters?.initialize(seed);
  const trained = [...parameters, { parameters: head.parameters }];
  const counts = { trained: countTrained(trained), total: model.parameters.count + head.parameters.count };
  return { model, head, parameters: trained, adapters, counts };
}

const countTrained = (collections: Trainables['parameters']): number =>
  collections
    .flatMap(({ parameters: { specs }, names }) => specs.filter(({ name }) => names?.includes(name) ?? true))
    .reduce((sum, { shape }) => sum + sizeOf(shape), 0);
