/** What a model writes behind many prompts. */
import { NO_FILTERS } from '../../kernels/sampling/settings.ts';
import { Generator } from '../../model/generate.ts';
import type { GPT } from '../../model/gpt.ts';
import { type BlockedTexts, BlockWatch } from '../../text/tokenizers/blocked.ts';
import type { Tokenizer } from '../../text/tokenizers/types.ts';
import type { Base } from '../fineTuned.ts';

/** `batch` unless told. */
const BATCH = 32;

export interface Continued {
  /** Of every draw: the same seed gives the same texts. */
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, of: number, what: string) => void;
  /** Of each continuation. */
  readonly tokens: number;
  /** Prompts that are gone on with at once; draws depend on it. */
  readonly batch?: number;
  /** 0 takes the most likely token each time. */
  readonly temperature: number;
  /** For `onProgress`. */
  readonly what: string;
  /** Whether the continuation of a prompt, by its number, has ended with the last of its tokens. */
  readonly isDone?: (tokens: readonly number[], prompt: number) => boolean;
  /** What no continuation may hold; one in which every token would complete such a text ends before it. */
  readonly block?: { readonly texts: BlockedTexts; readonly tokenizer: Tokenizer };
}

/** Goes on with prompts, which may be of any lengths up to the context, as `Generator` does. */
export async function continued(
  model: GPT,
  prompts: readonly ArrayLike<number>[],
  { tokens, temperature, seed, signal, onProgress, what, block, isDone, batch = BATCH }: Continued,
): Promise<number[][]> {
  const generator = new Generator(model, batch);
  const all: number[][] = [];
  for (let start = 0; start < prompts.length; start += batch) {
    signal?.throwIfAborted();
    const some = prompts.slice(start, start + batch);
    const full = Array.from({ length: batch }, (_, i) => some[i % some.length]);
    const made: number[][] = some.map(() => []);
    const settings = { ...NO_FILTERS, temperature, tokens, seed: (seed + start) % 2 ** 32 };
    const watch = block && new BlockWatch(block.texts, block.tokenizer, full);
    const done = made.map(() => false);
    for await (const { tokens: next } of generator.generate(full, settings, false, watch)) {
      made.forEach((one, i) => {
        if (done[i] || watch?.hasEnded(i)) return;
        one.push(next[i]);
        done[i] = isDone?.(one, start + i) ?? false;
      });
      if (done.every(Boolean)) break;
    }
    for (const one of made) all.push(one);
    onProgress?.(all.length, prompts.length, what);
  }
  return all;
}

/** As `Continued`, of texts. */
interface WrittenUpTo extends Omit<Continued, 'isDone' | 'block'> {
  /** Whether what is written behind a prompt, by its number, is all that is wanted, though no text ends it. */
  readonly isEnough?: (text: string, prompt: number) => boolean;
}

/**
 * What a model writes behind many prompts, each text up to the first of some texts that end it.
 * @param stops a token in which one of them stands ends its continuation
 */
export async function writtenUpTo(
  { model, tokenizer }: Base,
  prompts: readonly ArrayLike<number>[],
  stops: readonly string[],
  { isEnough, ...settings }: WrittenUpTo,
): Promise<string[]> {
  const ends = Array.from({ length: tokenizer.vocabSize }, (_, id) => {
    const text = tokenizer.decode([id]);
    return stops.some((stop) => text.includes(stop));
  });
  const isDone = (ids: readonly number[], prompt: number): boolean =>
    ends[ids[ids.length - 1]] || (isEnough?.(tokenizer.decode(ids), prompt) ?? false);
  const written = await continued(model, prompts, { ...settings, isDone });
  return written.map((ids) => stops.reduce((rest, stop) => rest.split(stop, 1)[0], tokenizer.decode(ids)));
}
