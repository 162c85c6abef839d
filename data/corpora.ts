import { brownChunks } from './brown-chunks/recipe.ts';
import type { Domain } from './domain.ts';
import { english } from './english/recipe.ts';
import { fashion, fashionMnist } from './fashion-words/domain.ts';
import { fashionThings } from './fashion-words/things.ts';
import { mobyDick } from './moby-dick/recipe.ts';
import { canonicalMolecules, molecules } from './molecules/domain.ts';
import { mutagens } from './molecules/mutagens.ts';
import { names } from './names/domain.ts';
import type { TaskSet, TextCorpus } from './recipe.ts';
import { spamAssassin } from './spam-assassin/recipe.ts';
import { speeches, speechParties, speechPeriods } from './state-of-the-union/recipe.ts';
import { syntheticNames } from './synthetic-names/recipe.ts';
import { plainTypescript, typescript } from './typescript/domain.ts';
import { weather } from './weather/domain.ts';
import { winds } from './winds/domain.ts';
import { wordnet, wordnetGlosses } from './wordnet-glosses/recipe.ts';

export type { Domain } from './domain.ts';

/** A text that can be named on the command line. */
export type Corpus = TextCorpus | Domain;

/** The known corpora that are more than a text: see docs/domains.md. */
export const domains: readonly Domain[] = [
  fashion,
  fashionMnist,
  typescript,
  plainTypescript,
  molecules,
  canonicalMolecules,
  weather,
  winds,
  names,
];

/** The known corpora; the first is the default. */
export const corpora: readonly Corpus[] = [mobyDick, wordnet, speeches, english, ...domains];

/** The known data sets with labels. */
export const taskSets: readonly TaskSet[] = [
  wordnetGlosses,
  spamAssassin,
  speechPeriods,
  speechParties,
  syntheticNames,
  brownChunks,
  fashionThings,
  mutagens,
];

/** The corpus of that name, or undefined: then it may be a file. */
export function findCorpus(name: string): Corpus | undefined {
  return corpora.find((corpus) => corpus.name === name);
}

/** The domain of that name, or undefined. */
export function findDomain(name: string): Domain | undefined {
  return domains.find((domain) => domain.name === name);
}

/** The data set of that name, or undefined: then it may be a file. */
export function findTaskSet(name: string): TaskSet | undefined {
  return taskSets.find((set) => set.name === name);
}
