/** How much of a base model a tuning trains. */
import type { GPT } from '../../model/gpt.ts';
import { LoraAdapters, targetsOf } from '../../model/lora.ts';
import type { Parameters } from '../../tensor/parameters.ts';
import type { TrainableParameters } from '../stepper.ts';

/**
 * `full`: everything. `lora`: low-rank adapters beside the linear layers. `last`: the last block and the norm behind it. `head`:
 * nothing of the base. The head of the task is trained in each.
 */
export const METHODS = ['full', 'lora', 'last', 'head'] as const;
export type Method = (typeof METHODS)[number];

export interface MethodSettings {
  readonly method: Method;
  /** Learning rate of the base's own weights, in units of the head's: they know something already. */
  readonly baseRate: number;
  /** Of LoRA: inner width and scale. */
  readonly rank: number;
  readonly alpha: number;
  readonly seed: number;
}

/** What is trained, and the adapters that were made for it. */
export interface Trainables {
  readonly parameters: readonly TrainableParameters[];
  readonly adapters?: LoraAdapters;
}

/** What a method trains of a model, and of the head before it. Adapters are fresh, and the model has them from now on. */
export function trainablesOf(model: GPT, head: Parameters, settings: MethodSettings): Trainables {
  const { method, baseRate: rate, rank, alpha, seed } = settings;
  const { parameters } = model;
  if (method === 'head') return { parameters: [{ parameters: head }] };
  if (method === 'full') return { parameters: [{ parameters, rate }, { parameters: head }] };
  if (method === 'last') return { parameters: [{ parameters, names: lastNames(model), rate }, { parameters: head }] };
  const { engine } = parameters.values;
  const settingsOfAdapters = { rank, alpha, targets: targetsOf(model.config), dropout: 0 };
  const adapters = new LoraAdapters(engine, model, settingsOfAdapters).initialize(seed);
  model.adapters = adapters;
  return { parameters: [{ parameters: adapters.parameters }, { parameters: head }], adapters };
}

/** The parameters of the last block and of the norm behind it. */
function lastNames({ config, parameters }: GPT): string[] {
  const block = `.${config.nLayer - 1}.`;
  return parameters.specs
    .map(({ name }) => name)
    .filter((name) => name.includes(block) || /^(?:transformer\.ln_f|model\.norm)\./.test(name));
}
