import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { toHuggingFaceConfig } from '../../src/export/huggingFace.ts';
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from '../../src/export/safetensors.ts';
import { exportRun } from '../../src/tasks/text/export.ts';
import { importModel } from '../../src/tasks/text/import.ts';
import { loadRun } from '../../src/train/savedRun.ts';
import { GPT2, LLAMA, weightsOf } from '../export/exported.ts';
import { testEngine } from '../helpers/engine.ts';

const HF = new URL('../golden/data/hf', import.meta.url).pathname;
const scratch = mkdtempSync(join(tmpdir(), 'dawnlm-import-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const TOKENIZER = JSON.parse(readFileSync(join(HF, 'tokenizer.json'), 'utf8'));
const V = Object.keys(TOKENIZER.model.vocab).length;

let folders = 0;
const fresh = (): string => join(scratch, String(folders++));

/** A golden model with the tokenizer that all of them share. */
function golden(name: string): string {
  const folder = fresh();
  cpSync(join(HF, name), folder, { recursive: true });
  rmSync(join(folder, 'expected.safetensors'));
  cpSync(join(HF, 'tokenizer.json'), join(folder, 'tokenizer.json'));
  return folder;
}

it.each([
  ['gpt2-bare', 'F32', 1, [/^12 rows of the vocabulary's 280 stand for no token/, /^4 masks and frequencies/], true],
  ['gpt2-own-head', 'BF16', 2, [/^lm_head\.weight is not the token embedding/], false],
  ['llama-halves', 'F16', 3, [/^2 masks and frequencies/], false],
  ['llama-tied', 'BF16', 1, [], true],
] as const)("%s, %s in %d: the logits of PyTorch's model", async (name, type, parts, notes, tied) => {
  const out = fresh();
  const imported = await importModel(golden(name), out);
  expect(imported).toMatchObject({ types: [type], tokenizer: { kind: 'imported', vocabSize: V } });
  expect(imported.files.length).toBe(parts);
  expect(imported.notes.length).toBe(notes.length);
  for (const [i, note] of notes.entries()) expect(imported.notes[i]).toMatch(note);
  const { model, tokenizer, importedFrom } = await loadRun(await testEngine(), out);
  const { tensors } = decodeSafetensors(readFileSync(join(HF, name, 'expected.safetensors')), name);
  const ids = Uint32Array.from(tensors.get('ids')!.data);
  const { shape, data } = tensors.get('logits')!;
  const work = () => model.logits(model.hidden(model.engine.tensor(ids, [1, ids.length])));
  const ours = await model.engine.withoutGradients(work).floats();
  expect(ours.length).toBe(ids.length * V);
  const errors = ours.map((value, i) => Math.abs(value - data[Math.floor(i / V) * shape[1] + (i % V)]));
  expect(!(Math.max(...errors) > 1e-4), `${Math.max(...errors)}`).toBe(true);
  expect(Math.max(...ours)).toBeGreaterThan(1);
  expect(tokenizer.vocabSize).toBe(V);
  expect(tokenizer.encode(' the whale<|endoftext|> and')).toEqual([258, 265, V - 1, 220, 266]);
  expect(importedFrom?.path).toMatch(/^\//);
  expect(model.config.tieEmbeddings).toBe(tied);
});

it('a file of weights stands for what lies beside it; a tokenizer may be in the two files of before', async () => {
  const [folder, out] = [golden('llama-tied'), fresh()];
  const { vocab, merges } = TOKENIZER.model;
  rmSync(join(folder, 'tokenizer.json'));
  writeFileSync(join(folder, 'vocab.json'), JSON.stringify(vocab));
  writeFileSync(join(folder, 'merges.txt'), `#version: 0.2\n${merges.join('\n')}\n`);
  await importModel(join(folder, 'model.safetensors'), out);
  const { tokenizer } = await loadRun(await testEngine(), out);
  expect(tokenizer.encode(' the whale<|endoftext|> and')).toEqual([258, 265, V - 1, 220, 266]);
});

it('what export writes is read as what it was', async () => {
  const [run, hf, out] = [fresh(), fresh(), fresh()];
  await importModel(golden('llama-halves'), run);
  const before = await loadRun(await testEngine(), run);
  await exportRun(before, 'hf', hf, 'f32');
  await importModel(hf, out);
  const tensors = (folder: string) =>
    decodeSafetensors(readFileSync(join(folder, 'model.safetensors')), folder).tensors;
  expect(tensors(out)).toEqual(tensors(run));
  const after = await loadRun(await testEngine(), out);
  expect(after.tokenizer.toJSON()).toEqual({ ...before.tokenizer.toJSON() });
  expect(after.model.config).toEqual(before.model.config);
});

/** A model that is made here: what is wrong with one is told in a sentence, and nothing is written. */
function made(
  config: typeof GPT2,
  {
    fields = {},
    tensors = (all) => all,
    tokenizer = TOKENIZER,
  }: {
    fields?: object;
    tensors?: (all: NamedTensor[]) => NamedTensor[];
    tokenizer?: object | null;
  } = {},
): string {
  const folder = fresh();
  mkdirSync(folder);
  const sized = { ...config, vocabSize: V };
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...toHuggingFaceConfig(sized), ...fields }));
  writeFileSync(join(folder, 'model.safetensors'), Buffer.concat(encodeSafetensors(tensors(weightsOf(sized)))));
  if (tokenizer) writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
  return folder;
}

const withModel = (more: object): object => ({ ...TOKENIZER, model: { ...TOKENIZER.model, ...more } });
const added = (more: object): object => ({ ...TOKENIZER, added_tokens: [{ ...TOKENIZER.added_tokens[0], ...more }] });

describe('refuses', () => {
  it.each<[string, () => string, RegExp]>([
    ['nothing', () => join(scratch, 'none'), /There is no .*none\. Give a folder with config\.json/],
    ['a file of another kind', () => join(HF, 'tokenizer.json'), /is no model that can be read/],
    ['a folder without a model', () => join(HF, '..'), /has no model\.safetensors/],
    [
      'another architecture',
      () => made(GPT2, { fields: { model_type: 'mistral' } }),
      /model_type must be .* got "mistral"/,
    ],
    [
      'rope scaling',
      () => made(LLAMA, { fields: { rope_scaling: { factor: 2 } } }),
      /rope_scaling is not computed here/,
    ],
    ['a sliding window', () => made(LLAMA, { fields: { sliding_window: 8 } }), /sliding_window is not computed/],
    ['quantized weights', () => made(LLAMA, { fields: { quantization_config: {} } }), /quantization_config is not/],
    ['a head width of its own', () => made(LLAMA, { fields: { head_dim: 16 } }), /head_dim must be hidden_size/],
    [
      'another activation',
      () => made(GPT2, { fields: { activation_function: 'gelu' } }),
      /activation_function must be/,
    ],
    ['a scale by layer', () => made(GPT2, { fields: { scale_attn_by_inverse_layer_idx: true } }), /must be false/],
    ['a missing tensor', () => made(GPT2, { tensors: (all) => all.slice(1) }), /have no "transformer\.wte\.weight"/],
    [
      'a head that is missing',
      () => made(LLAMA, { tensors: (all) => all.filter(({ name }) => name !== 'lm_head.weight') }),
      /have no "lm_head\.weight"/,
    ],
    [
      'a tensor of another shape',
      () => made(GPT2, { tensors: (all) => all.map((one, i) => (i ? one : { ...one, shape: [8, V] })) }),
      /"transformer\.wte\.weight" is \(8, 268\), and by config\.json it must be \(268, 8\)/,
    ],
    [
      'what the model has no place for',
      () => made(GPT2, { tensors: (all) => [...all, { name: 'score.weight', shape: [1], data: new Float32Array(1) }] }),
      /holds the tensor "score\.weight", which no gpt2 model has/,
    ],
    [
      'a tensor with and without prefix',
      () => made(GPT2, { tensors: (all) => [...all, { ...all[0], name: 'wte.weight' }] }),
      /a second time/,
    ],
    [
      'numbers that are none',
      () => made(GPT2, { tensors: (all) => all.map((one) => ({ ...one, data: one.data.map(() => Number.NaN) })) }),
      /holds numbers that are NaN or infinite/,
    ],
    ['no tokenizer', () => made(GPT2, { tokenizer: null }), /has no tokenizer\.json, nor vocab\.json and merges\.txt/],
    [
      'another model of tokens',
      () => made(GPT2, { tokenizer: withModel({ type: 'Unigram' }) }),
      /model\.type must be "BPE"/,
    ],
    ['bytes as a last resort', () => made(GPT2, { tokenizer: withModel({ byte_fallback: true }) }), /byte_fallback/],
    ['a normalizer', () => made(GPT2, { tokenizer: { ...TOKENIZER, normalizer: { type: 'NFC' } } }), /normalizer/],
    [
      'a pattern that is not known',
      () => made(GPT2, { tokenizer: { ...TOKENIZER, pre_tokenizer: split('(a+)+b') } }),
      /cuts text by a pattern that is not known here, "\(a\+\)\+b"/,
    ],
    [
      'a space before a text',
      () => made(GPT2, { tokenizer: { ...TOKENIZER, pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true } } }),
      /add_prefix_space/,
    ],
    ['a token that eats space', () => made(GPT2, { tokenizer: added({ lstrip: true }) }), /lstrip must be false/],
    [
      'merges of nothing',
      () => made(GPT2, { tokenizer: withModel({ merges: ['q z'] }) }),
      /merges must be pairs of tokens/,
    ],
    [
      'a hole among ids',
      () => made(GPT2, { tokenizer: added({ content: '<pad>', id: V - 1 }) }),
      /two tokens have the id/,
    ],
    [
      'an id past the model',
      () => made(GPT2, { tokenizer: withModel({ vocab: { ...TOKENIZER.model.vocab, ab: 999 } }) }),
      /has the id 999/,
    ],
  ])('%s', async (_, source, sentence) => {
    const out = fresh();
    const attempt = importModel(source(), out);
    await expect(attempt).rejects.toThrow(sentence);
    await expect(attempt).rejects.toThrow(UserError);
    expect(existsSync(join(out, 'run.json'))).toBe(false);
  });
});

const split = (regex: string): object => ({
  type: 'Sequence',
  pretokenizers: [
    { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false },
    { type: 'ByteLevel', add_prefix_space: false, use_regex: false },
  ],
});
