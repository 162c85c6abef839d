/** How much of a base model a tuning trains. */
import type { GPT } from '../model/gpt.ts';
import { LoraAdapters, type LoraSettings, targetsOf } from '../model/lora.ts';
import type { Tokenizer } from '../text/tokenizers/tokenizer.ts';
import type { TunedFrom } from './runFolder.ts';
import type { TrainableParameters } from './stepper.ts';

/**
 * `full`: everything. `lora`: low-rank adapters beside the linear layers. `last`: the last block and the norm behind it. `head`:
 * nothing of the base. Where a task has a head of its own, that is trained in each.
 */
export const METHODS = ['full', 'lora', 'last', 'head'] as const;
export type Method = (typeof METHODS)[number];

/** Adapters unless told otherwise. */
export const LORA = { rank: 4, alpha: 8, loraDropout: 0 } as const;

/** What is trained of a model, and the adapters that were made for it. */
export interface Trainables {
  readonly parameters: readonly TrainableParameters[];
  readonly adapters?: LoraAdapters;
}

/**
 * What a method trains of a model, which has the adapters from now on: they change nothing until they are filled.
 * @param lora settings of adapters, as usual unless given, and beside all layers
 * @param rate learning rate of the model's own weights, in units of the schedule's
 * @throws UsageError for adapters that cannot be
 */
export function trainablesOf(model: GPT, method: Method, lora: Partial<LoraSettings> = {}, rate = 1): Trainables {
  const { parameters } = model;
  if (method === 'head') return { parameters: [] };
  if (method === 'full') return { parameters: [{ parameters, rate }] };
  if (method === 'last') return { parameters: [{ parameters, names: lastNames(model), rate }] };
  const { rank = LORA.rank, alpha = LORA.alpha, dropout = LORA.loraDropout, targets = targetsOf(model.config) } = lora;
  const adapters = new LoraAdapters(model.engine, model, { rank, alpha, targets, dropout });
  model.adapters = adapters;
  return { parameters: [{ parameters: adapters.parameters }], adapters };
}

/** A model to go on from, and what of it is trained on text. */
export interface TextTuning extends Trainables {
  readonly model: GPT;
  readonly tokenizer: Tokenizer;
  readonly from: TunedFrom;
}

/** The parameters of the last block and of the norm behind it. */
function lastNames({ config, parameters }: GPT): string[] {
  const last = new RegExp(`\\.(?:h|layers)\\.${config.nLayer - 1}\\.|^(?:transformer\\.ln_f|model\\.norm)\\.`);
  return parameters.specs.map(({ name }) => name).filter((name) => last.test(name));
}
