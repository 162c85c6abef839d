import { shuffled } from '../../src/text/labels/labelled.ts';
import type { BuiltCorpus } from '../recipe.ts';
import { speeches } from '../state-of-the-union/recipe.ts';
import { wordnet } from '../wordnet-glosses/recipe.ts';

const SOURCES = [wordnet, speeches];
const SEED = 11;
/** Characters that a block has at least: many windows long, so that few windows hold two kinds of text. */
const BLOCK = 4000;

/** Dictionary and speeches in one text, for a model that is tuned on tasks of both kinds. See card.md. */
export const english: BuiltCorpus = {
  name: 'english',
  folder: 'english',
  title: 'WordNet and State of the Union addresses, as one text',
  licence: SOURCES.map(({ name, licence }) => `${name}: ${licence}`).join('; '),
  source: SOURCES.map(({ source }) => source).join('; '),
  note: 'Blocks of both in random order, 58% WordNet; what the labelled sets validate and test on is left out, as in its sources.',
  sha256: '5ff7dbeff69ce0781a39edbc1fc6c958ee146bd0a8c01278e325a3841a0f2644',
  packages: SOURCES.flatMap(({ packages }) => packages),
  build: async (files) => {
    const texts = await Promise.all(SOURCES.map((source) => source.build(files)));
    return shuffled(texts.flatMap(blocksOf), SEED).join('\n');
  },
};

/** Whole lines, as many as make a block. */
function blocksOf(text: string): string[] {
  const blocks: string[] = [];
  let start = 0;
  while (start < text.length) {
    const end = text.indexOf('\n', start + BLOCK) + 1 || text.length;
    blocks.push(text.slice(start, end));
    start = end;
  }
  return blocks;
}
