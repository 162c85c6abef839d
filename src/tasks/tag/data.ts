/** Tagged sentences to fine-tune on: known sets, or a user's file, split and checked. */
import { findTaskSet } from '../../../data/corpora.ts';
import { UsageError, UserError } from '../../errors.ts';
import type { Say } from '../../node/npm.ts';
import { type ConllColumns, readConll, type TaggedSentence } from '../../text/labels/conll.ts';
import { type Fractions, randomSplit, removeRepeated, sameText } from '../../text/labels/splits.ts';
import { countSentences } from '../../text/labels/taskCard.ts';
import { fileCard, type LabelledData, openData, readText } from '../data.ts';

export type TagData = LabelledData<TaggedSentence>;

/**
 * Sentences with a tag for each word: a known set, or a file, of which `columns` may be named.
 * @throws UsageError for a column of a known set; else as `openData` and `splitTagFile` do
 */
export async function openSentences(given: string, columns: ConllColumns, say: Say): Promise<TagData> {
  const { column, wordsColumn } = columns;
  if ((column ?? wordsColumn) !== undefined && findTaskSet(given)?.task === 'tag') {
    throw new UsageError(`--column and --words-column are for files of your own; ${given} has its tags already`);
  }
  return openData(given, 'tag', say, async (path) => splitTagFile(await readText(path), { path, ...columns }));
}

/** What of a user's own file is held out. */
const FRACTIONS: Fractions = { validation: 0.1, test: 0.1 };
/** The same sentences are held out every time, whatever seed a tuning has. */
const SPLIT_SEED = 0;

/**
 * A CoNLL file as training, validation and test part, 80 to 10 to 10 at random; repeated sentences are removed first.
 * @throws UserError for a broken file (with the line), fewer than three sentences, or one tag only
 */
export function splitTagFile(content: string, { path, ...columns }: ConllColumns & { path: string }): TagData {
  const { sentences, scheme, repairedLines, numbered } = readConll(content, { ...columns, name: path });
  const { splits, removed } = removeRepeated(
    { train: sentences, validation: [], test: [] },
    ({ words }) => words.map(sameText).join('\n'),
    () => '', // of two copies that are tagged differently the first one stays
  );
  const parts = { ...randomSplit(splits.train, FRACTIONS, SPLIT_SEED) };
  if (splits.train.length < 3) {
    throw new UserError(
      `${path} holds ${splits.train.length} different sentences, but 3 or more are needed: to train, to validate and to test`,
    );
  }
  requireSpans(parts.train, `the training part of ${path}`);
  const repaired =
    repairedLines.length > 0 && `, ${repairedLines.length} spans that began with no beginning begin with B- now`;
  const where = numbered ? ' the first column numbers the words, which are taken from the next (--words-column);' : '';
  const note = `Tags in ${scheme}${repaired || ''};${where} 80% train, 10% validate, 10% test, at random.`;
  const facts = { task: 'tag', note, parts: countSentences(parts), duplicates: removed } as const;
  return { card: fileCard(path, content, facts), parts };
}

/** @throws UserError where every word is tagged O, which leaves nothing to learn */
export function requireSpans(sentences: readonly TaggedSentence[], name: string): void {
  if (sentences.some(({ tags }) => tags.some((tag) => tag !== 'O'))) return;
  throw new UserError(
    `${name} has one tag only ("O"), but a tagger needs spans to learn from; check which column holds the tags (--column)`,
  );
}

/** The classes of a tagger that learns from these sentences: O, then the others by name. */
export function tagsOf(sentences: readonly TaggedSentence[]): string[] {
  const tags = new Set(sentences.flatMap(({ tags }) => tags));
  tags.delete('O');
  return ['O', ...[...tags].sort()];
}

/** Types of spans that tags name, in alphabetical order. */
export const typesOf = (tags: readonly string[]): string[] =>
  [...new Set(tags.filter((tag) => tag !== 'O').map((tag) => tag.slice(2)))].sort();

/** One sentence a part that has types which a tagger with these tags never says, all of which count as missed. */
export function unseenTypes(
  tags: readonly string[],
  parts: Readonly<Record<string, readonly TaggedSentence[]>>,
): string[] {
  const known = new Set(typesOf(tags));
  return Object.entries(parts).flatMap(([part, sentences]) => {
    const unseen = typesOf(tagsOf(sentences)).filter((type) => !known.has(type));
    if (unseen.length === 0) return [];
    return [
      `${unseen.join(', ')} stand${unseen.length > 1 ? '' : 's'} in the ${part} part but not in what was trained on: all of them will be missed`,
    ];
  });
}
