/**
 * LoRA adapters as PEFT (github.com/huggingface/peft) keeps them: adapter_config.json and adapter_model.safetensors, so that they
 * load there onto the exported model, and adapters from there load here. A stack that works as one (Llama's queries, keys and
 * values) shares one A; in the file each part has A again, and its own rows of B.
 */
import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { ModelConfig } from '../model/config.ts';
import { type LinearLayer, type LoraSettings, linearLayers, matrixName, means, targetsOf } from '../model/lora.ts';
import { styleOf } from '../model/styles.ts';
import { quote } from '../quote.ts';
import { check, type Refuse } from '../schema.ts';
import { withoutNulls } from './huggingFace.ts';
import { type LoadedFile, type NamedTensor, tensorOf } from './safetensors.ts';

/** What PEFT puts before the names of the model's own layers. */
const PREFIX = 'base_model.model.';
/** Metadata of the tensors: SHA-256 of the file with the base's weights. */
export const BASE_HASH = 'base_sha256';

/** The fields of adapter_config.json, to be written as JSON. `base` says where the model is that the adapters belong to. */
export function toPeftConfig(
  { rank, alpha, targets, dropout }: LoraSettings,
  config: ModelConfig,
  base: string,
): Record<string, unknown> {
  const modules = targets.flatMap((target) =>
    linearLayers(config)
      .filter(({ name }) => means(target, name))
      .flatMap(({ parts }) => (parts.length === 1 ? [target] : parts.map(({ name }) => moduleOf(target, name)))),
  );
  return {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: base,
    ...{ r: rank, lora_alpha: alpha, lora_dropout: dropout, target_modules: [...new Set(modules)] },
    ...{ bias: 'none', fan_in_fan_out: !styleOf(config).transposed, init_lora_weights: true, inference_mode: true },
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
  r: z.int().min(1).max(16_384),
  /** Where a config is silent, what PEFT takes. */
  lora_alpha: z.number().positive().max(1e6).default(8),
  lora_dropout: z.number().min(0).max(0.99).default(0),
  target_modules: z
    .union([z.array(z.string()).min(1), z.string().min(1)])
    .meta({ title: 'a list of the names of layers, "all-linear" or a pattern' }),
  bias: z.literal('none').optional(),
  /** Ways to begin that leave the base's weights as they are. With others (PiSSA, OLoRA, ...) the adapters belong to weights that no file holds. */
  init_lora_weights: z.literal([true, false, 'gaussian', 'eva', 'orthogonal']).optional(),
  ...{ use_dora: z.literal(false).optional(), use_rslora: z.literal(false).optional() },
  ...{ lora_bias: z.literal(false).optional(), use_qalora: z.literal(false).optional() },
  ...{ modules_to_save: absent, layers_to_transform: absent, layer_replication: absent, exclude_modules: absent },
  ...{ target_parameters: absent, trainable_token_indices: absent, alora_invocation_tokens: absent },
  ...{ rank_pattern: empty, alpha_pattern: empty },
});

/**
 * The settings that a parsed adapter_config.json describes, for a model of the given config.
 * @throws UserError that names the field: missing, unknown target, a part of a stack alone, or asking for what is not built here
 */
export function fromPeftConfig(json: unknown, config: ModelConfig, fileName = 'adapter_config.json'): LoraSettings {
  const refuse: Refuse = (problem) =>
    new UserError(`${fileName} describes no adapters that can be loaded here: ${problem}.`);
  const fields = check(Fields, withoutNulls(json), refuse);
  const targets = targetsIn(fields.target_modules, config, refuse);
  return { rank: fields.r, alpha: fields.lora_alpha, dropout: fields.lora_dropout, targets };
}

function targetsIn(modules: string | readonly string[], config: ModelConfig, refuse: Refuse): string[] {
  const layers = linearLayers(config);
  const meant = meaning(modules, refuse);
  const names = layers.flatMap(({ parts }) => parts.map(({ name }) => name));
  const stray =
    typeof modules === 'string'
      ? !names.some(meant) && modules
      : modules.find((module) => !names.some((name) => means(module, name)));
  if (stray) {
    throw refuse(`the model has no layer ${quote(stray)} that could have an adapter; they belong to another one`);
  }
  const wanted = layers.filter((layer) => isMeant(layer, meant, refuse));
  return targetsOf(config).flatMap((target) => {
    const [all, some] = [layers, wanted].map((of) => of.filter(({ name }) => means(target, name)));
    return some.length === all.length ? [target] : some.map(({ name }) => name);
  });
}

/**
 * Patterns that mean the same in Python and here, and cannot take for ever: letters, dots, classes and groups, and only what is no
 * group repeated, three times at most, and eight choices, over names of some forty letters.
 */
const SAFE_PATTERN =
  /^(?!.{200})(?!(?:[^*+?]*[*+?]){4})(?!(?:[^|]*\|){9})(?:(?:[\w.]|\\[.dw]|\[[\w-]+\])[*+?]?|[(|)])+$/;

/** Which layers are meant: those of such names or ends of names, all of them, or as PEFT has it those that a pattern matches whole. */
function meaning(modules: string | readonly string[], refuse: Refuse): (layer: string) => boolean {
  if (typeof modules !== 'string') return (layer) => modules.some((module) => means(module, layer));
  if (modules === 'all-linear') return () => true;
  try {
    const pattern = SAFE_PATTERN.test(modules) && new RegExp(`^(?:${modules})$`);
    if (pattern) return (layer) => pattern.test(layer);
  } catch {
    // brackets that do not close
  }
  throw refuse(
    `target_modules, ${quote(modules)}, is no pattern that is understood here: list the names of the layers`,
  );
}

/** @throws UserError when some parts of a stack are meant and others are not */
function isMeant({ parts }: LinearLayer, meant: (layer: string) => boolean, refuse: Refuse): boolean {
  const left = parts.filter(({ name }) => !meant(name));
  if (left.length === 0 || left.length === parts.length) return left.length === 0;
  throw refuse(`${left[0].name} has no adapter, but the layers beside it do; all or none is needed`);
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
  file: LoadedFile,
  layers: readonly LinearLayer[],
  { rank }: Pick<LoraSettings, 'rank'>,
  baseHash?: string,
): Map<string, Float32Array> {
  const { fileName, metadata } = file;
  const made = metadata[BASE_HASH];
  if (made !== undefined && baseHash !== undefined && made !== baseHash) {
    throw new UserError(
      `${fileName} was made for other weights than these (SHA-256 ${made.slice(0, 12)}, not ${baseHash.slice(0, 12)}): give the base that it was tuned on.`,
    );
  }
  const left = new Set(file.tensors.keys());
  const take = (layer: string, matrix: 'A' | 'B', shape: readonly number[]): Float32Array => {
    const name = PREFIX + matrixName(layer, matrix);
    left.delete(name);
    return tensorOf(file, name, shape);
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
  if (stray === undefined) return own;
  throw new UserError(`${fileName} holds a tensor ${quote(stray)} that none of its target layers has.`);
}
