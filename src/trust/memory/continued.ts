/** What a model writes behind many prompts. */
import { NO_FILTERS } from '../../kernels/sampling/settings.ts';
import { Generator } from '../../model/generate.ts';
import type { GPT } from '../../model/gpt.ts';
import type { QuestionedRun } from '../questioned.ts';

/** Prompts that are gone on with at once. */
const BATCH = 32;

export interface Continued extends Pick<QuestionedRun, 'seed' | 'signal' | 'onProgress'> {
  /** Of each continuation. */
  readonly tokens: number;
  /** 0 takes the most likely token each time. */
  readonly temperature: number;
  /** For `onProgress`. */
  readonly what: string;
}

/** Goes on with prompts, which may be of any lengths up to the context, as `Generator` does. */
export async function continued(
  model: GPT,
  prompts: readonly ArrayLike<number>[],
  { tokens, temperature, seed, signal, onProgress, what }: Continued,
): Promise<number[][]> {
  const generator = new Generator(model, BATCH);
  const all: number[][] = [];
  for (let start = 0; start < prompts.length; start += BATCH) {
    signal?.throwIfAborted();
    const some = prompts.slice(start, start + BATCH);
    const full = Array.from({ length: BATCH }, (_, i) => some[i % some.length]);
    const made: number[][] = some.map(() => []);
    const settings = { ...NO_FILTERS, temperature, tokens, seed: (seed + start) % 2 ** 32 };
    for await (const { tokens: next } of generator.generate(full, settings)) {
      made.forEach((one, i) => {
        one.push(next[i]);
      });
    }
    for (const one of made) all.push(one);
    onProgress?.(all.length, prompts.length, what);
  }
  return all;
}
