/** What learns: a copy of a base model, and a new head. */
import { GPT } from '../../model/gpt.ts';
import { Head } from '../../model/heads.ts';
import { sizeOf } from '../../tensor/shape.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { type MethodSettings, type Trainables, trainablesOf } from './method.ts';

/** A pretrained model; tuning leaves it as it is. */
export interface Base {
  readonly model: GPT;
  readonly tokenizer: Tokenizer;
}

export interface PupilSettings extends MethodSettings {
  /** Whether the model begins with random weights: to compare with. */
  readonly randomStart: boolean;
}

export interface Pupil extends Trainables {
  readonly model: GPT;
  readonly head: Head;
  /** Numbers that are trained, and those of model and head together. */
  readonly trained: number;
  readonly total: number;
}

/** A copy of the base with a head of so many classes, and what the method trains of them. */
export function makePupil({ model: base }: Base, settings: PupilSettings, classes: number): Pupil {
  const { engine } = base.parameters.values;
  const model = new GPT(engine, base.config);
  if (settings.randomStart) model.initialize(settings.seed);
  else engine.device.copy(base.parameters.values.view, model.parameters.values.view);
  const head = new Head(engine, base.config.nEmbd, classes).initialize(settings.seed);
  const trainables = trainablesOf(model, head.parameters, settings);
  const total = model.parameters.count + head.parameters.count;
  return { model, head, ...trainables, trained: countTrained(trainables), total };
}

const countTrained = ({ parameters: collections }: Trainables): number =>
  collections.reduce((sum, { parameters, names }) => {
    const wanted = names && new Set(names);
    const trained = parameters.specs.filter(({ name }) => !wanted || wanted.has(name));
    return sum + trained.reduce((size, { shape }) => size + sizeOf(shape), 0);
  }, 0);
