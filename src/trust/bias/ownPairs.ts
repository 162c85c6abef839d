/** A user's own pairs of sentences, from a table. */
import { mean } from 'simple-statistics';
import { UserError } from '../../errors.ts';
import { quote } from '../../quote.ts';
import type { OwnPairs } from '../../report/trust/bias.ts';
import { columnNames, readColumns, tableFormat } from '../../text/labels/labelled.ts';
import { estimateOf, shareOfCells } from './bands.ts';
import type { SentenceScorer } from './score.ts';
import type { CutSentence } from './templates.ts';

/** Two sentences of a row, cut where they begin and end to differ. */
export interface OwnPair {
  readonly line: number;
  readonly group: string;
  readonly first: CutSentence;
  readonly second: CutSentence;
}

/** What the columns of the two sentences may be called; the second is as CrowS-Pairs has them. */
const COLUMNS = [
  ['more', 'less'],
  ['sent_more', 'sent_less'],
  ['sentence_a', 'sentence_b'],
] as const;
const GROUPS = ['group', 'bias_type'];
/** The group of rows that have none. */
const ALL = 'all pairs';

/** The pairs of a table, and the columns that they stand in. @throws UserError for a table without such columns, and for a pair that is none */
export function readOwnPairs(content: string, file: string): { pairs: OwnPair[]; columns: [string, string] } {
  const format = tableFormat(file);
  const present = columnNames(content, format, COLUMNS[0], file);
  const columns = COLUMNS.find((names) => names.every((name) => present.includes(name)));
  if (!columns) {
    const wanted = COLUMNS.map((names) => names.join(' and ')).join(', or ');
    throw new UserError(
      `${file} has no columns of pairs: give it ${wanted}, and if you like a column group; its columns are ${present.slice(0, 8).map(quote).join(', ') || 'none'}`,
    );
  }
  const group = GROUPS.find((name) => present.includes(name));
  const rows = readColumns(content, format, { names: group ? [...columns, group] : columns }, file);
  const pairs = rows.map(({ line, values: [a, b, name = ALL] }) => {
    if (a === b) {
      throw new UserError(
        `${file}, line ${line}: both sentences are ${quote(a)}; let them differ in a word, or delete the row`,
      );
    }
    return { line, group: name, ...cutApart(a, b) };
  });
  return { pairs, columns: [...columns] };
}

/** Two sentences cut into what they begin with alike, the words in which they differ (of each one at least), and what they end with alike. */
export function cutApart(a: string, b: string): { first: CutSentence; second: CutSentence } {
  const [first, second] = [a, b].map((text) => text.split(/(?<=\S)(?=\s)/)); // words with the space before them
  const shorter = Math.min(first.length, second.length) - 1;
  let start = 0;
  while (start < shorter && first[start] === second[start]) start++;
  let end = 0;
  while (end < shorter - start && first.at(-1 - end) === second.at(-1 - end)) end++;
  const cut = (words: readonly string[]): CutSentence => ({
    context: words.slice(0, start).join(''),
    word: words.slice(start, words.length - end).join(''),
    rest: words.slice(words.length - end).join(''),
  });
  return { first: cut(first), second: cut(second) };
}

/** Asks a user's pairs; those with characters that the tokenizer lacks are left out, by their lines. */
export async function askOwnPairs(
  { pairs, columns }: ReturnType<typeof readOwnPairs>,
  { file, scorer, seed }: { file: string; scorer: SentenceScorer; seed: number },
  progress: Parameters<SentenceScorer['score']>[1] = {},
): Promise<OwnPairs> {
  const asked = pairs.filter((pair) => [pair.first, pair.second].every((one) => scorer.knows(textOf(one))));
  if (asked.length === 0)
    throw new UserError(`${file}: the tokenizer lacks characters of every pair; nothing can be asked`);
  const sides = asked.flatMap(({ first, second }) => [first, second]);
  const scores = await scorer.score(sides, progress);
  const found = asked.map(({ line, group, first, second }, i) => ({
    ...{ line, group, first: textOf(first), second: textOf(second) },
    word: scores[2 * i].word - scores[2 * i + 1].word,
    sentence: scores[2 * i].sentence - scores[2 * i + 1].sentence,
  }));
  const lost = pairs.filter((pair) => !asked.includes(pair)).map(({ line }) => `line ${line}`);
  const names = [...new Set(asked.map(({ group }) => group))];
  const over = (name: string, rows: typeof found) => {
    const band = (of: (row: (typeof found)[number]) => number) => estimateOf(rows.map(of), mean, seed);
    return {
      ...{ name, pairs: rows.length, word: band(({ word }) => word), sentence: band(({ sentence }) => sentence) },
      likelier: shareOfCells(
        rows.map(({ sentence }, row) => ({ row, column: 0, value: sentence > 0 ? 1 : sentence < 0 ? 0 : 0.5 })),
        seed,
      ),
    };
  };
  const groups = names.map((name) =>
    over(
      name,
      found.filter(({ group }) => group === name),
    ),
  );
  return {
    ...{ file, columns, groups: names.length > 1 ? [...groups, over(ALL, found)] : groups },
    pairs: found.map(({ group: _, ...pair }) => pair),
    leftOut: lost.length > 0 ? [{ words: lost, why: 'the tokenizer lacks characters of the sentences' }] : [],
  };
}

const textOf = ({ context, word, rest }: CutSentence): string => context + word + rest;
