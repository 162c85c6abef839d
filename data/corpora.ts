import type { Corpus } from './corpus.ts';
import { mobyDick } from './moby-dick/recipe.ts';

export type { Corpus } from './corpus.ts';

/** The known corpora; the first is the default. */
export const corpora: readonly Corpus[] = [mobyDick];

/** The corpus of that name, or undefined: then it may be a file. */
export function findCorpus(name: string): Corpus | undefined {
  return corpora.find((corpus) => corpus.name === name);
}
