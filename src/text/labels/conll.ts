/** Sentences with one tag a word, as the CoNLL shared tasks wrote them: a word a line, blank lines between sentences. */
import { UsageError, UserError } from '../../errors.ts';
import { quote } from '../../quote.ts';

/** Words and their tags in BIO: 'O', 'B-type' at the first word of a span, 'I-type' inside. As many tags as words. */
export interface TaggedSentence {
  readonly words: readonly string[];
  readonly tags: readonly string[];
}

/** Words from `start` to before `end` that name something of a type. */
export interface Span {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** What was in a file. */
export interface ConllFile {
  readonly sentences: TaggedSentence[];
  /** As it was in the file: BIO; IOB1, where B- stands only behind a span of its type; BIOES, BILOU or another one with ends. */
  readonly scheme: string;
  /** Lines whose tag was to go on with a span where none was: as conlleval reads them, they begin one, and are B- now. */
  readonly repairedLines: readonly number[];
  /** Whether the first column numbers the words, which were taken from the next one. */
  readonly numbered: boolean;
}

/** Which columns of a file hold what, from 0. */
export interface ConllColumns {
  /** The tags; the last one unless given. */
  readonly column?: number;
  /** The words; the first one unless given, or the second where the first one numbers them. */
  readonly wordsColumn?: number;
}

interface Row {
  readonly line: number;
  readonly text: string;
  readonly cells: readonly string[];
}

interface Line {
  readonly line: number;
  readonly word: string;
  readonly tag: string;
}

/** What a tagger says: O, B-type or I-type. */
export const TAG = /^(?:O|[BI]-\S+)$/;
/** O; what begins a span, goes on with it, ends it, or is one: B I in BIO, S and E too in BIOES, L and U in BILOU, M and W in BMEWO. */
const ANY_TAG = /^(?:O|[BIESLUMW]-\S+)$/;

/**
 * Reads CoNLL columns, separated by tabs, or in lines without any by spaces. Blank lines end sentences; -DOCSTART- lines are
 * passed over, and so are comments (`# sent_id = 1`) before a sentence. Tags in BIO and its kin become BIO.
 * @param name what errors call the file
 * @throws UserError, with the line, for a wrong number of columns, a tag of no scheme, numbers in place of words, or a file
 *   without sentences; UsageError where words and tags are to be of one column
 */
export function readConll(
  content: string,
  { name = 'the file', ...columns }: ConllColumns & { name?: string } = {},
): ConllFile {
  const rows = readRows(content, columns.column, name);
  if (rows.length === 0) {
    throw new UserError(
      `${name} holds no sentences; give a word and its tag a line, and a blank line after each sentence`,
    );
  }
  const numbered = columns.wordsColumn === undefined && isNumbered(rows);
  const blocks = rows.map((block) =>
    block.filter(({ cells }) => !numbered || !isRange(cells[0])).map((row) => readLine(row, numbered, columns, name)),
  );
  const strays = blocks.flatMap(straysOf);
  const scheme = schemeOf(blocks, strays.length > 0);
  const sentences = blocks.map((lines) => ({
    words: lines.map(({ word }) => word),
    tags: toBio(lines.map(({ tag }) => tag)),
  }));
  return { sentences, scheme, repairedLines: /^IO/.test(scheme) ? [] : strays, numbered };
}

/** The rows of each sentence, all of the same width. */
function readRows(content: string, column: number | undefined, name: string): Row[][] {
  const blocks: Row[][] = [[]];
  for (const [i, text] of content
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const cells = cellsOf(text);
    if (text.trim() === '' || cells[0] === '-DOCSTART-') blocks.push([]);
    else blocks.at(-1)!.push({ line: i + 1, text, cells });
  }
  const all = blocks.flat();
  const width = (all.find(({ text }) => !text.startsWith('#')) ?? all[0])?.cells.length;
  const isWord = ({ text, cells }: Row): boolean =>
    !text.startsWith('#') ||
    (cells.length === width && ANY_TAG.test(cells[column ?? width - 1]) && !/^#\s+\S+\s+=\s/.test(text));
  const sentences = blocks.map((block) => (block.some(isWord) ? block.slice(block.findIndex(isWord)) : []));
  for (const row of sentences.flat()) checkWidth(row, width, `${name}, line ${row.line}`);
  return sentences.filter(({ length }) => length > 0);
}

/** Where tabs separate, a space belongs to a word. */
function cellsOf(text: string): string[] {
  if (!text.includes('\t')) return text.match(/[^ ]+/g) ?? [];
  const cells = text.match(/[^\t]+/g) ?? [];
  return cells.flatMap((cell) => /[^ ](?:.*[^ ])?/s.exec(cell)?.[0] ?? []); // without the spaces around
}

function checkWidth({ cells }: Row, width: number, where: string): void {
  if (width < 2)
    throw new UserError(`${where}: one column only; a word and its tag were expected, such as "Paris B-LOC"`);
  if (cells.length === width) return;
  throw new UserError(
    `${where}: ${cells.length} columns, but the lines before have ${width}; mend it, or put a blank line between sentences`,
  );
}

/** "1-2" and "1.1" in a column of numbers: words written together, and ones that are not written. */
const isRange = (cell: string): boolean => /^\d+[-.]\d+$/.test(cell);

/** Whether the first column does nothing but count, which words never do. */
function isNumbered(blocks: readonly (readonly Row[])[]): boolean {
  const counts = (block: readonly Row[]): boolean => {
    const numbers = block.map(({ cells }) => cells[0]).filter((cell) => !isRange(cell));
    return numbers.every((cell, i) => /^\d+$/.test(cell) && Number(cell) === Number(numbers[0]) + i);
  };
  return blocks.some(({ length }) => length > 1) && blocks.every(counts);
}

function readLine({ line, cells }: Row, numbered: boolean, columns: ConllColumns, name: string): Line {
  const where = `${name}, line ${line}`;
  const { column = cells.length - 1, wordsColumn = numbered ? 1 : 0 } = columns;
  for (const one of [column, wordsColumn]) {
    if (one < cells.length) continue;
    throw new UserError(`${where}: there is no column ${one}; they are counted from 0 to ${cells.length - 1}`);
  }
  if (column === wordsColumn && numbered) {
    throw new UserError(
      `${where}: the first column numbers the words, and none holds them; add one, or give --words-column 0 if these are words`,
    );
  }
  if (column === wordsColumn) {
    throw new UsageError(
      `words and tags cannot both be in column ${column} of ${name}: give --words-column and --column, counted from 0`,
    );
  }
  const tag = cells[column];
  if (ANY_TAG.test(tag)) return { line, word: cells[wordsColumn], tag };
  throw new UserError(
    `${where}: ${quote(tag)} is no tag of BIO, IOB1, BIOES, BILOU or their kin (O, B-type, I-type, ...); --column names the column of the tags, from 0`,
  );
}

const typeOf = (tag: string | undefined): string => tag?.slice(2) ?? '';

/** Whether a tag begins a span: it says so, or there is none of its type before it that goes on. */
const begins = (tag: string, before: string | undefined): boolean =>
  /^[BSUW]/.test(tag) || (tag !== 'O' && (typeOf(before) !== typeOf(tag) || /^[ELSUW]/.test(before!)));

/** Lines that go on with a span where there is none. */
const straysOf = (lines: readonly Line[]): number[] =>
  lines.filter(({ tag }, i) => !/^[BSUW]/.test(tag) && begins(tag, lines[i - 1]?.tag)).map(({ line }) => line);

/** Whether every B- follows a span of its type, as it must in IOB1. */
const isIob1 = (lines: readonly Line[]): boolean =>
  lines.every(({ tag }, i) => tag[0] !== 'B' || typeOf(lines[i - 1]?.tag) === typeOf(tag));

function schemeOf(blocks: readonly (readonly Line[])[], hasStrays: boolean): string {
  const letters = new Set(blocks.flatMap((lines) => lines.map(({ tag }) => tag[0])));
  const has = (some: string): boolean => [...some].some((letter) => letters.has(letter));
  if (has('LU')) return 'BILOU';
  if (has('MW')) return has('S') ? 'BMES' : 'BMEWO';
  if (has('S') || (has('E') && has('B'))) return 'BIOES';
  if (has('E')) return 'IOE';
  return hasStrays && blocks.every(isIob1) ? 'IOB1' : 'BIO';
}

/**
 * Tags of BIO and its kin in BIO. A tag that goes on with no span of its type begins one, which is what IOB1 means by it and how
 * conlleval reads it in BIO.
 */
export const toBio = (tags: readonly string[]): string[] =>
  tags.map((tag, i) => (tag === 'O' ? tag : `${begins(tag, tags[i - 1]) ? 'B' : 'I'}-${typeOf(tag)}`));

/** The spans that tags of any scheme mark, as conlleval finds them. */
export function spansOf(tags: readonly string[]): Span[] {
  const spans: { type: string; start: number; end: number }[] = [];
  for (const [i, tag] of toBio(tags).entries()) {
    if (tag[0] === 'B') spans.push({ type: typeOf(tag), start: i, end: i + 1 });
    else if (tag[0] === 'I') spans.at(-1)!.end = i + 1;
  }
  return spans;
}

/** Sentences as CoNLL columns of word and tag, which `readConll` reads back. Words must hold no tab. */
export const writeConll = (sentences: readonly TaggedSentence[]): string => sentences.map(linesOf).join('');

const linesOf = ({ words, tags }: TaggedSentence): string =>
  `${words.map((word, i) => `${word}${word.includes(' ') ? '\t' : ' '}${tags[i]}`).join('\n')}\n\n`;
