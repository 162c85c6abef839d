/** Programs that others wrote, which say whether what is exported is right; and what they are given. */

import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll } from 'vitest';
import { peersFolder } from '../../bench/peers/catalog.ts';
import { NO_FILTERS } from '../../src/kernels/sampling/settings.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { Generator } from '../../src/model/generate.ts';
import { GPT } from '../../src/model/gpt.ts';
import { type Tokenizer, trainTokenizer } from '../../src/text/tokenizers/tokenizer.ts';
import { mix } from '../../src/text/windows/permutation.ts';
import { resolveConfig } from '../../src/train/config.ts';
import type { SavedRun } from '../../src/train/savedRun.ts';
import { GPT2, LLAMA, weightsOf } from '../export/exported.ts';
import { TEXT } from '../helpers/dawnlm.ts';
import { testEngine } from '../helpers/engine.ts';
import { randomText } from '../text/tokenizers/samples.ts';

const inPeers = (...path: string[]): string => join(peersFolder(), 'node_modules', ...path);

/** A judge's module. They have no types here: they are installed when they are needed. */
// biome-ignore lint/suspicious/noExplicitAny: what is not installed has no types
export const judge = async (name: string, entry?: string): Promise<any> =>
  import(pathToFileURL(entry ? inPeers(name, entry) : createRequire(inPeers('package.json')).resolve(name)).href);

/** What tokenizers are fitted to: words, and a little of all that trips them up. */
export const CORPUS = TEXT + randomText(1, 400);

/** The kinds that a run may have. */
export const SPECS = ['char', 'byte', 'bpe:400', 'gpt:r50k', 'pieces:hello|Camel|\\.\\.\\.|/to|x{4}|e\u0301'] as const;

/** Whether tokens are characters, and what is not among them cannot be written. */
export const isOfCharacters = (spec: string): boolean => spec === 'char' || spec.startsWith('pieces:');

export const tokenizerOf = (spec: string): Promise<Tokenizer> =>
  trainTokenizer(spec, async function* () {
    yield CORPUS;
  });

const known = new Set(CORPUS);

/**
 * 10,000 texts that a tokenizer can write: pieces that trip up others, cut anywhere, half of a surrogate pair too, with signs from all
 * over Unicode between them.
 */
export function fuzzed(spec: string): string[] {
  const texts = Array.from({ length: 10_000 }, (_, seed) => {
    const text = randomText(seed, 1 + (mix(seed, 1) % 8));
    const from = mix(seed, 2) % Math.min(4, text.length);
    const point = [0x20 + (mix(seed, 3) % 0x60), mix(seed, 3) % 0xd800, 0x1f300 + (mix(seed, 3) % 800)][
      mix(seed, 4) % 3
    ];
    return text.slice(from) + String.fromCodePoint(point) + text.slice(0, from);
  });
  const writable = (text: string): string => [...text].filter((character) => known.has(character)).join('');
  return (isOfCharacters(spec) ? texts.map(writable) : texts).filter((text) => text.length > 0);
}

/** What becomes of a text in UTF-8, which has no halves of surrogate pairs. */
export const inUtf8 = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd');

/** Tokens of single bytes, 2,000 times, most of which are no text: for tokenizers whose first tokens are the bytes. */
export const loneBytes = (): number[][] =>
  Array.from({ length: 2000 }, (_, seed) =>
    Array.from(
      { length: 1 + (mix(seed, 0) % 6) },
      (_, i) => (mix(seed, i + 1) % 3 ? 0x80 : 0) + (mix(seed, i + 9) % 0x80),
    ),
  );

/** A model of each style, one of them with biases and a head of its own, and one with keys that queries share. */
export const MODELS: readonly ModelConfig[] = [GPT2, { ...GPT2, bias: true, tieEmbeddings: false }, LLAMA].map(
  (config) => ({
    ...{ ...config, blockSize: 96, nEmbd: 64, nHead: 4, nHidden: 128, nKvHead: config.style === 'llama' ? 2 : 4 },
  }),
);

/** A run that was never trained: its weights are lively enough for texts that do not repeat. */
export async function runOf(config: ModelConfig, tokenizer: Tokenizer): Promise<SavedRun> {
  const sized = { ...config, vocabSize: tokenizer.vocabSize };
  const model = new GPT(await testEngine(), sized);
  const data = new Map(weightsOf(sized, 0.15).map((weight) => [weight.name, weight.data as Float32Array<ArrayBuffer>]));
  model.parameters.values.write(model.parameters.join((name) => data.get(name)!));
  const counts = { bytes: 1, characters: 1, trainTokens: 1, validationTokens: 1 };
  return {
    ...{ version: 1, adapter: { name: '', software: true }, startedAt: '', config: resolveConfig('tiny') },
    dataCard: {
      name: 'x',
      source: 'x',
      licence: 'x',
      sha256: '',
      tokenizer: tokenizer.kind,
      vocabularySize: 1,
      ...counts,
    },
    ...{ model, tokenizer, state: { step: 1, timeMs: 1, bestValidationLoss: 1, bestStep: 1 } },
  };
}

/** The most likely continuation, as ids. */
export async function greedy(model: GPT, prompt: readonly number[], tokens: number): Promise<number[]> {
  const ids: number[] = [];
  const settings = { ...NO_FILTERS, temperature: 0, seed: 0, tokens };
  for await (const step of new Generator(model).generate([prompt], settings)) ids.push(step.tokens[0]);
  return ids;
}

/** The logits of a text: (T, V), row-major. */
export async function logitsOf(model: GPT, ids: readonly number[]): Promise<Float32Array> {
  const { engine } = model;
  const work = () => model.logits(model.hidden(engine.tensor(Uint32Array.from(ids), [1, ids.length])));
  return engine.withoutGradients(work).floats();
}

/** A folder that is removed when the file's tests are done. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dawnlm-judges-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
