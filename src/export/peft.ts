/**
 * LoRA adapters as PEFT (github.com/huggingface/peft) keeps them: adapter_config.json and adapter_model.safetensors, so that they
 * load there onto the exported model, and adapters from there load here. A stack that works as one (Llama's queries, keys and
 * values) shares one A; in the file each part has A again, and its own rows of B.
 */
import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { ModelConfig } from '../model/config.ts';
import { type LinearLayer, type LoraSettings, matrixName, means, targetsOf } from '../model/lora.ts';
import { check } from '../schema.ts';
import { withoutNulls } from './huggingFace.ts';
import type { LoadedFile, NamedTensor } from './safetensors.ts';

/** What PEFT puts before the names of the model's own layers. */
const PREFIX = 'base_model.model.';
/** Metadata of the tensors: SHA-256 of the file with the base's weights. */
export const BASE_HASH = 'base_sha256';

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];

/** The fields of adapter_config.json, to be written as JSON. `base` says where the model is that the adapters belong to. */
export function toPeftConfig(
  { rank, alpha, targets, dropout }: LoraSettings,
  layers: readonly LinearLayer[],
  { style }: Pick<ModelConfig, 'style'>,
  base: string,
): Record<string, unknown> {
  const modules = targets.flatMap((target) => {
    const stacks = layers.filter(({ name, parts }) => means(target, name) && parts.length > 1);
    return stacks.length === 0
      ? [target]
      : stacks.flatMap(({ parts }) => parts.map(({ name }) => moduleOf(target, name)));
  });
  return {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: base,
    ...{ r: rank, lora_alpha: alpha, lora_dropout: dropout, target_modules: unique(modules) },
    ...{ bias: 'none', fan_in_fan_out: style === 'gpt2', init_lora_weights: true, inference_mode: true },
    ...{ modules_to_save: null, use_dora: false, use_rslora: false, rank_pattern: {}, alpha_pattern: {} },
  };
}

/** A part by its last name where a target was short, by its full one where that was. */
const moduleOf = (target: string, part: string): string =>
  target.split('.').length > 2 ? part : part.slice(part.lastIndexOf('.') + 1);

const absent = z.null().optional();
const empty = z
  .record(z.string(), z.unknown())
  .refine((ranks) => Object.keys(ranks).length === 0, 'gives layers ranks of their own, but one for all is needed')
  .optional();

/** Fields that change what adapters compute are here too: they have to be as it is built here, or absent. */
const Fields = z.object({
  peft_type: z.literal('LORA').optional(),
  r: z
    .int()
    .min(1)
    .max(2 ** 14),
  /** Where a config is silent, what PEFT takes. */
  lora_alpha: z.number().positive().max(1e6).default(8),
  lora_dropout: z.number().min(0).max(0.99).default(0),
  target_modules: z.array(z.string()).min(1).meta({ title: 'a list of the names of layers' }),
  bias: z.literal('none').optional(),
  /** Ways to begin that leave the base's weights as they are. With others (PiSSA, OLoRA, ...) the adapters belong to weights that no file holds. */
  init_lora_weights: z.literal([true, false, 'gaussian', 'eva', 'orthogonal']).optional(),
  ...{ use_dora: z.literal(false).optional(), use_rslora: z.literal(false).optional() },
  ...{ modules_to_save: absent, layers_to_transform: absent, layer_replication: absent },
  ...{ rank_pattern: empty, alpha_pattern: empty },
});

/**
 * The settings that a parsed adapter_config.json describes, for a model with the given linear layers.
 * @throws UserError that names the field: missing, unknown target, a part of a stack alone, or asking for what is not built here
 */
export function fromPeftConfig(
  json: unknown,
  layers: readonly LinearLayer[],
  config: Pick<ModelConfig, 'style'>,
  fileName = 'adapter_config.json',
): LoraSettings {
  const { r, lora_alpha, lora_dropout, target_modules } = check(
    Fields,
    withoutNulls(json),
    (problem) => new UserError(`${fileName} describes no adapters that can be loaded here: ${problem}.`),
  );
  const targets = targetsIn(target_modules, layers, config, fileName);
  return { rank: r, alpha: lora_alpha, dropout: lora_dropout, targets };
}

function targetsIn(
  modules: readonly string[],
  layers: readonly LinearLayer[],
  config: Pick<ModelConfig, 'style'>,
  fileName: string,
): string[] {
  const stray = modules.find((module) => !layers.some(({ parts }) => parts.some(({ name }) => means(module, name))));
  if (stray !== undefined) {
    throw new UserError(
      `${fileName}: the model has no layer "${stray.slice(0, 80)}" that could have an adapter; the adapters belong to another model.`,
    );
  }
  const wanted = new Set(layers.filter((layer) => isMeant(layer, modules, fileName)).map(({ name }) => name));
  return targetsOf(config).flatMap((target) => {
    const alike = layers.filter(({ name }) => means(target, name)).map(({ name }) => name);
    const meant = alike.filter((name) => wanted.has(name));
    return meant.length === alike.length ? [target] : meant;
  });
}

/** @throws UserError when some parts of a stack are meant and others are not */
function isMeant({ parts }: LinearLayer, modules: readonly string[], fileName: string): boolean {
  const left = parts.filter(({ name }) => !modules.some((module) => means(module, name)));
  if (left.length === 0) return true;
  if (left.length === parts.length) return false;
  throw new UserError(
    `${fileName}: ${left[0].name} has no adapter, but the layers beside it do; all or none is needed.`,
  );
}

/** The tensors of adapter_model.safetensors: A (r, in) and B (out, r) of every layer, from those of `LoraAdapters.parameters`. */
export function toPeftTensors(layers: readonly LinearLayer[], own: readonly NamedTensor[]): NamedTensor[] {
  const byName = new Map(own.map((tensor) => [tensor.name, tensor]));
  return layers.flatMap(({ name, parts }) => {
    const [A, B] = (['A', 'B'] as const).map((matrix) => byName.get(matrixName(name, matrix))!);
    const rank = A.shape[0];
    let row = 0;
    return parts.flatMap(({ name: part, rows }) => {
      const data = B.data.subarray(row * rank, (row + rows) * rank);
      row += rows;
      return [
        { ...A, name: PREFIX + matrixName(part, 'A') },
        { name: PREFIX + matrixName(part, 'B'), shape: [rows, rank], data },
      ];
    });
  });
}

/**
 * The opposite: the tensors of `LoraAdapters.parameters` by name, out of a file.
 * @throws UserError for a file of another base (by `baseHash`), missing or stray tensors, another rank, or parts of a stack whose A differ
 */
export function fromPeftTensors(
  { tensors, metadata }: LoadedFile,
  layers: readonly LinearLayer[],
  { rank }: Pick<LoraSettings, 'rank'>,
  fileName: string,
  baseHash?: string,
): Map<string, Float32Array> {
  const made = Object.hasOwn(metadata, BASE_HASH) ? metadata[BASE_HASH] : undefined;
  if (made !== undefined && baseHash !== undefined && made !== baseHash) {
    throw new UserError(
      `${fileName} was made for other weights than these (SHA-256 ${made.slice(0, 12)}, not ${baseHash.slice(0, 12)}): give the base that it was tuned on.`,
    );
  }
  const left = new Set(tensors.keys());
  const take = (layer: string, matrix: 'A' | 'B', shape: readonly number[]): Float32Array => {
    const name = PREFIX + matrixName(layer, matrix);
    const tensor = tensors.get(name);
    if (!tensor) throw new UserError(`${fileName} has no tensor "${name}": it holds the adapters of another model.`);
    if (tensor.shape.join() !== shape.join()) {
      const sizes = `(${tensor.shape.join(', ')}), and (${shape.join(', ')}) is needed`;
      throw new UserError(`${fileName}: "${name}" is ${sizes}; the rank or the base is another one.`);
    }
    left.delete(name);
    return tensor.data;
  };
  const own = new Map<string, Float32Array>();
  for (const { name, inner, outer, parts } of layers) {
    const [A, ...others] = parts.map((part) => take(part.name, 'A', [rank, inner]));
    if (others.some((other) => other.some((value, i) => value !== A[i]))) {
      throw new UserError(
        `${fileName}: ${parts.map((part) => part.name).join(', ')} have different matrices A, but work as one layer here; merge the adapters into the model where they were made.`,
      );
    }
    const B = new Float32Array(outer * rank);
    let row = 0;
    for (const part of parts) {
      B.set(take(part.name, 'B', [part.rows, rank]), row * rank);
      row += part.rows;
    }
    own.set(matrixName(name, 'A'), A).set(matrixName(name, 'B'), B);
  }
  const [stray] = left;
  if (stray !== undefined) {
    throw new UserError(`${fileName} holds a tensor "${stray.slice(0, 100)}" that none of its target layers has.`);
  }
  return own;
}
