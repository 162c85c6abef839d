/** A run written for programs that others made. */
import { join, resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import { encodeGguf, type GgufType } from '../../export/gguf.ts';
import { ggufCaveats, ggufTokenizer } from '../../export/ggufTokenizer.ts';
import { toHuggingFaceConfig } from '../../export/huggingFace.ts';
import { knownStyle } from '../../export/knownStyle.ts';
import { encodeOnnx } from '../../export/onnx.ts';
import { encodeSafetensors, type NamedTensor } from '../../export/safetensors.ts';
import { toTokenizerJson } from '../../export/tokenizerJson.ts';
import { writeAtomic } from '../../node/files.ts';
import { shellWord } from '../../shellWord.ts';
import { marksOf } from '../../text/windows/fillInMiddle.ts';
import { weightsOf, writeJson } from '../../train/runFolder.ts';
import type { SavedRun } from '../../train/savedRun.ts';
import { type RunOrigin, writeTorch } from './exportTorch.ts';

/** How the numbers of weights are written. */
export const TYPES = ['f32', 'f16', 'q8_0'] as const satisfies readonly GgufType[];
export type WeightType = (typeof TYPES)[number];

/** What was written, the line that loads it elsewhere, and what has to be known of it. */
export interface Exported {
  readonly files: readonly string[];
  readonly load: string;
  readonly notes: readonly string[];
}

/** A run to be exported. */
export interface ExportedRun extends SavedRun {
  /** Its weights, where they were read back already. */
  readonly weights?: readonly NamedTensor[];
  /** Where it comes from: asked for by formats that go on training it. */
  readonly origin?: RunOrigin;
}

type Write = (run: ExportedRun, folder: string, type: WeightType) => Promise<Exported>;

/** Each format: which types it holds, and who writes it. */
const WRITERS = {
  hf: { types: ['f32', 'f16'], write: writeHuggingFace },
  gguf: { types: TYPES, write: writeGguf },
  ollama: { types: TYPES, write: writeOllama },
  onnx: { types: ['f32'], write: writeOnnx },
  torch: { types: ['f32'], write: goOnInTorch },
} as const satisfies Record<string, { types: readonly WeightType[]; write: Write }>;
export type ExportFormat = keyof typeof WRITERS;
export const FORMATS = Object.keys(WRITERS) as ExportFormat[];

/** Those that a trained model is used in; the others go on training it, and need its text. */
export const MODEL_FORMATS = FORMATS.filter((format) => format !== 'torch');

/** Whether a format has such numbers. */
export const holds = (format: ExportFormat, type: WeightType): boolean =>
  (WRITERS[format].types as readonly WeightType[]).includes(type);

/**
 * Writes a run as a format has it: weights, with those of adapters added, tokenizer and config.
 * @throws UsageError when the format has no such numbers, UserError when it cannot hold the run or the folder cannot be written
 */
export async function exportRun(
  run: ExportedRun,
  format: ExportFormat,
  folder: string,
  type: WeightType,
): Promise<Exported> {
  const { types, write } = WRITERS[format];
  if (holds(format, type)) return write(run, folder, type);
  throw new UsageError(
    `${format} holds weights as ${types.join(' or ')}, not as ${type}; leave --type out, or name another format`,
  );
}

const weightsIn = async ({ weights, model }: ExportedRun): Promise<readonly NamedTensor[]> =>
  weights ?? weightsOf(model.parameters);

/** A file of JSON as Hugging Face's programs look for it. */
async function writeAll(folder: string, files: Readonly<Record<string, unknown>>): Promise<string[]> {
  for (const [name, value] of Object.entries(files)) await writeJson(folder, name, value);
  return Object.keys(files);
}

/** What both Python's transformers and transformers.js read beside the weights. @throws UserError for a style that they do not have */
function describe({ model: { config }, tokenizer }: SavedRun, folder: string): Promise<string[]> {
  const ends = { bos_token_id: tokenizer.bos ?? null, eos_token_id: tokenizer.eos ?? null };
  knownStyle({ gpt2: 'GPT2LMHeadModel', llama: 'LlamaForCausalLM' }, config, 'hf');
  return writeAll(folder, {
    'config.json': { ...toHuggingFaceConfig(config), ...ends },
    'tokenizer.json': toTokenizerJson(tokenizer.toJSON()),
    'tokenizer_config.json': {
      tokenizer_class: 'PreTrainedTokenizerFast',
      model_max_length: config.blockSize,
      clean_up_tokenization_spaces: false,
    },
    'generation_config.json': { max_length: config.blockSize, do_sample: true, ...ends },
  });
}

async function writeHuggingFace(run: ExportedRun, folder: string, type: WeightType): Promise<Exported> {
  const described = await describe(run, folder);
  const weights = await weightsIn(run);
  await writeAtomic(join(folder, 'model.safetensors'), encodeSafetensors(weights, {}, type === 'f16' ? 'f16' : 'f32'));
  const path = JSON.stringify(resolve(folder));
  return {
    files: [...described, 'model.safetensors'],
    load: `python3 -c ${shellWord(`from transformers import pipeline; print(pipeline("text-generation", ${path})("The"))`)}`,
    notes: [],
  };
}

async function writeGguf(run: ExportedRun, folder: string, type: WeightType): Promise<Exported> {
  const { model, tokenizer, config } = run;
  const weights = await weightsIn(run);
  const file = tokenizer.toJSON();
  const metadata = ggufTokenizer(file, config.fillInMiddle > 0 ? marksOf(tokenizer) : undefined);
  await writeAtomic(join(folder, 'model.gguf'), encodeGguf(model.config, weights, metadata, type));
  const path = join(folder, 'model.gguf');
  return {
    files: ['model.gguf'],
    load: `llama-cli -m ${shellWord(path)} -no-cnv --ignore-eos -p "The"`,
    notes: ggufCaveats(file),
  };
}

/** Ollama takes a GGUF file and a description of how it is asked. */
async function writeOllama(run: ExportedRun, folder: string, type: WeightType): Promise<Exported> {
  const { files, notes } = await writeGguf(run, folder, type);
  const { before, between, after } = run.tunedFrom?.chat ?? { before: '', between: '', after: undefined };
  const lines = [
    'FROM ./model.gguf',
    `TEMPLATE """${before}{{ .Prompt }}${between}"""`,
    `PARAMETER num_ctx ${run.model.config.blockSize}`,
    ...(after === undefined ? [] : [`PARAMETER stop ${JSON.stringify(after)}`]),
  ];
  await writeAtomic(join(folder, 'Modelfile'), `${lines.join('\n')}\n`);
  return {
    files: [...files, 'Modelfile'],
    load: `ollama create dawnlm -f ${shellWord(join(folder, 'Modelfile'))} && ollama run dawnlm "The"`,
    notes,
  };
}

async function writeOnnx(run: ExportedRun, folder: string): Promise<Exported> {
  const described = await describe(run, folder);
  const weights = await weightsIn(run);
  const encoded = (quantized: boolean) => [encodeOnnx(run.model.config, weights, { cache: true, quantized })];
  await writeAtomic(join(folder, 'onnx', 'model.onnx'), encoded(false));
  await writeAtomic(join(folder, 'onnx', 'model_quantized.onnx'), encoded(true));
  return {
    files: [...described, 'onnx/model.onnx', 'onnx/model_quantized.onnx'],
    load: `import { env, pipeline } from '@huggingface/transformers'; env.allowRemoteModels = false; const write = await pipeline('text-generation', ${JSON.stringify(resolve(folder))})`,
    notes: ["transformers.js takes the file of 8 bits in browsers without WebGPU, unless it is told dtype: 'fp32'"],
  };
}

async function goOnInTorch(run: ExportedRun, folder: string): Promise<Exported> {
  if (!run.origin) throw new Error('torch goes on with a run, and has to know where that lies');
  return writeTorch(run, await weightsIn(run), run.origin, folder);
}
