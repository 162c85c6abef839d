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
  /** Whether a token ends its continuation, of which it is the last then. */
  readonly isEnd?: (token: number) => boolean;
  /** What no continuation may hold; one in which every token would complete such a text ends before it. */
  readonly block?: { readonly texts: BlockedTexts; readonly tokenizer: Tokenizer };
}

/** Goes on with prompts, which may be of any lengths up to the context, as `Generator` does. */
export async function continued(
  model: GPT,
  prompts: readonly ArrayLike<number>[],
  { tokens, temperature, seed, signal, onProgress, what, block, isEnd, batch = BATCH }: Continued,
): Promise<number[][]> {
  const generator = new Generator(model, batch);
  const all: number[][] = [];
  const hasEnded = (tokens: readonly number[]): boolean =>
    isEnd !== undefined && tokens.length > 0 && isEnd(tokens[tokens.length - 1]);
  for (let start = 0; start < prompts.length; start += batch) {
    signal?.throwIfAborted();
    const some = prompts.slice(start, start + batch);
    const full = Array.from({ length: batch }, (_, i) => some[i % some.length]);
    const made: number[][] = some.map(() => []);
    const settings = { ...NO_FILTERS, temperature, tokens, seed: (seed + start) % 2 ** 32 };
    const watch = block && new BlockWatch(block.texts, block.tokenizer, full);
    for await (const { tokens: next } of generator.generate(full, settings, false, watch)) {
      made.forEach((one, i) => {
        if (!watch?.hasEnded(i) && !hasEnded(one)) one.push(next[i]);
      });
      if (made.every(hasEnded)) break;
    }
    for (const one of made) all.push(one);
    onProgress?.(all.length, prompts.length, what);
  }
  return all;
}

/**
 * What a model writes behind many prompts, each text up to the first of some texts that end it.
 * @param stops a token in which one of them stands ends its continuation
 */
export async function writtenUpTo(
  { model, tokenizer }: Base,
  prompts: readonly ArrayLike<number>[],
  stops: readonly string[],
  settings: Omit<Continued, 'isEnd' | 'block'>,
): Promise<string[]> {
  const ends = Array.from({ length: tokenizer.vocabSize }, (_, id) => {
    const text = tokenizer.decode([id]);
    return stops.some((stop) => text.includes(stop));
  });
  const written = await continued(model, prompts, { ...settings, isEnd: (token) => ends[token] });
  return written.map((ids) => stops.reduce((rest, stop) => rest.split(stop, 1)[0], tokenizer.decode(ids)));
}
