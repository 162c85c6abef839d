import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fromTokenizerJson } from '../../src/export/readTokenizerJson.ts';
import { toTokenizerJson } from '../../src/export/tokenizerJson.ts';
import { exportRun } from '../../src/tasks/text/export.ts';
import { importModel } from '../../src/tasks/text/import.ts';
import { mix } from '../../src/text/windows/permutation.ts';
import { loadRun } from '../../src/train/savedRun.ts';
import { testEngine } from '../helpers/engine.ts';
import { fuzzed, greedy, judge, scratch } from './judges.ts';
import { ADDED, tokenizerJson, type Way } from './tokenizerFiles.ts';

/** Tokenizers that others made: GPT-2's own, one that cuts digits before, and one in the way of Llama 3 (of GPT-4's ranks). */
const RANKS: Readonly<Record<Way, string>> = { gpt2: 'r50k', smollm: 'r50k', llama3: 'cl100k' };

/** Texts with tokens in them that are found before anything else, some cut short, some next to each other. */
const TEXTS = fuzzed('byte').map((text, seed) => {
  const token = ADDED[mix(seed, 5) % ADDED.length];
  const piece = mix(seed, 6) % 3 === 0 ? token.slice(0, -1) : token;
  const at = mix(seed, 7) % (text.length + 1);
  const whole = seed % 2 === 0 ? text : text.slice(0, at) + piece + (seed % 6 === 1 ? piece : '') + text.slice(at);
  return whole.replace(/\p{Surrogate}/gu, '\ufffd');
});

/** White space and digits of which transformers.js thinks otherwise than the library that it follows: as JavaScript does. */
const OTHERWISE = /[\ufeff\u0085]|(?![0-9])\p{N}/u;

it.each(Object.keys(RANKS) as Way[])('%s: ids and texts of the library itself, and of transformers.js', async (way) => {
  const { default: ranks } = await import(`gpt-tokenizer/bpeRanks/${RANKS[way]}_base`);
  const json = JSON.parse(JSON.stringify(tokenizerJson(ranks, way)));
  const { tokenizer: ours, notes } = fromTokenizerJson(json, { rows: 1e6 });
  expect(notes).toEqual([]);
  const library = (await judge('tokenizers')).default.Tokenizer;
  const script = (await judge('@huggingface/tokenizers')).Tokenizer;
  const theirs = library.fromString(JSON.stringify(json));
  const exported = library.fromString(JSON.stringify(toTokenizerJson(ours.toJSON())));
  const inScript = new script(json, { clean_up_tokenization_spaces: false });
  for (const text of TEXTS) {
    const ids = ours.encode(text);
    for (const one of [theirs, exported]) {
      expect((await one.encode(text, null, { addSpecialTokens: false })).getIds(), JSON.stringify(text)).toEqual(ids);
    }
    if (!OTHERWISE.test(text)) {
      expect(inScript.encode(text, { add_special_tokens: false }).ids, JSON.stringify(text)).toEqual(ids);
    }
    expect(ours.decode(ids)).toBe(text);
    expect(await theirs.decode(ids, false)).toBe(text);
  }
});

const HF = new URL('../golden/data/hf', import.meta.url).pathname;
const folder = scratch();

it.each(['gpt2-own-head', 'llama-halves'])(
  '%s, imported and exported again: transformers.js and llama.cpp have it',
  async (name) => {
    const [source, out] = [join(folder, name), join(folder, `${name}-run`)];
    cpSync(join(HF, name), source, { recursive: true });
    rmSync(join(source, 'expected.safetensors'));
    cpSync(join(HF, 'tokenizer.json'), join(source, 'tokenizer.json'));
    await importModel(source, out);
    const run = await loadRun(await testEngine(), out);
    for (const format of ['onnx', 'gguf'] as const) await exportRun(run, format, join(out, format), 'f32');

    const { env, pipeline } = await judge('@huggingface/transformers', 'dist/transformers.node.mjs');
    env.allowRemoteModels = false;
    const write = await pipeline('text-generation', join(out, 'onnx'), { dtype: 'fp32' });
    const prompt = ' the whale<|endoftext|>';
    const [{ generated_text }] = await write(prompt, { max_new_tokens: 6, do_sample: false, return_full_text: true });
    const whole = [...run.tokenizer.encode(prompt), ...(await greedy(run.model, run.tokenizer.encode(prompt), 6))];
    expect(generated_text).toBe(run.tokenizer.decode(whole).replace('<|endoftext|>', ''));

    const { getLlama } = await judge('node-llama-cpp', 'dist/index.js');
    const llama = await getLlama({ build: 'never', gpu: false, logLevel: 'error' });
    const model = await llama.loadModel({ modelPath: join(out, 'gguf', 'model.gguf') });
    for (const one of TEXTS.slice(0, 2000)) {
      expect(model.tokenize(one, true), JSON.stringify(one)).toEqual(run.tokenizer.encode(one));
    }
    await llama.dispose();
  },
);
