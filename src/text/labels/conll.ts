/** Sentences with one tag a word, as the CoNLL shared tasks wrote them: a word a line, blank lines between sentences. */
import { UserError } from '../../errors.ts';

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
  /** In IOB1, B- stands only where a span follows another of its type; everything else begins with I-. */
  readonly scheme: 'BIO' | 'IOB1';
  /** Lines whose I- continued nothing in a BIO file: as conlleval reads them, they begin a span, and are B- now. */
  readonly repairedLines: readonly number[];
}

interface Line {
  readonly line: number;
  readonly word: string;
  readonly tag: string;
}

/** O, B-type or I-type. */
export const TAG = /^(?:O|[BI]-\S+)$/;

/**
 * Reads CoNLL columns, separated by spaces or tabs: the word first, the tag in `column` (from 0; the last one where it is not
 * given). Blank lines end sentences; -DOCSTART- lines are passed over. Tags in BIO or IOB1 become BIO.
 * @param name what errors call the file
 * @throws UserError, with the line, for a wrong number of columns, a tag of neither scheme, or a file without sentences
 */
export function readConll(
  content: string,
  { column, name = 'the file' }: { column?: number; name?: string } = {},
): ConllFile {
  const blocks = readBlocks(content, column, name);
  if (blocks.length === 0) {
    throw new UserError(
      `${name} holds no sentences; give a word and its tag a line, and a blank line after each sentence`,
    );
  }
  const strays = blocks.flatMap(straysOf);
  const scheme = strays.length > 0 && blocks.every(isIob1) ? 'IOB1' : 'BIO';
  const sentences = blocks.map((lines) => ({
    words: lines.map(({ word }) => word),
    tags: toBio(lines.map(({ tag }) => tag)),
  }));
  return { sentences, scheme, repairedLines: scheme === 'BIO' ? strays : [] };
}

function readBlocks(content: string, column: number | undefined, name: string): Line[][] {
  const blocks: Line[][] = [];
  let block: Line[] = [];
  let width: number | undefined;
  for (const [i, text] of content
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const cells = text.trim() === '' ? [] : text.trim().split(/[ \t]+/);
    if (cells.length === 0 || cells[0] === '-DOCSTART-') {
      if (block.length > 0) blocks.push(block);
      block = [];
      continue;
    }
    width ??= cells.length;
    block.push(readLine(cells, width, column, `${name}, line ${i + 1}`, i + 1));
  }
  return block.length > 0 ? [...blocks, block] : blocks;
}

function readLine(cells: string[], width: number, column: number | undefined, where: string, line: number): Line {
  if (width < 2)
    throw new UserError(`${where}: one column only; a word and its tag were expected, such as "Paris B-LOC"`);
  if (cells.length !== width) {
    throw new UserError(
      `${where}: ${cells.length} columns, but the lines before have ${width}; mend it, or put a blank line between sentences`,
    );
  }
  const tag = cells[column ?? width - 1];
  if (tag === undefined)
    throw new UserError(`${where}: there is no column ${column}; they are counted from 0 to ${width - 1}`);
  if (!TAG.test(tag)) {
    throw new UserError(
      `${where}: "${tag}" is no tag of BIO or IOB1 (O, B-type or I-type); from BIOES make S- to B- and E- to I-`,
    );
  }
  return { line, word: cells[0], tag };
}

const typeOf = (tag: string | undefined): string => tag?.slice(2) ?? '';

/** Lines whose I- follows neither B- nor I- of its type. */
const straysOf = (lines: readonly Line[]): number[] =>
  lines.filter(({ tag }, i) => tag[0] === 'I' && typeOf(lines[i - 1]?.tag) !== typeOf(tag)).map(({ line }) => line);

/** Whether every B- follows a span of its type, as it must in IOB1. */
const isIob1 = (lines: readonly Line[]): boolean =>
  lines.every(({ tag }, i) => tag[0] !== 'B' || typeOf(lines[i - 1]?.tag) === typeOf(tag));

/**
 * Tags of BIO or IOB1 in BIO. An I- that continues no span of its type begins one, which is what IOB1 means by it and how
 * conlleval reads it in BIO.
 */
export const toBio = (tags: readonly string[]): string[] =>
  tags.map((tag, i) => (tag[0] === 'I' && typeOf(tags[i - 1]) !== typeOf(tag) ? `B-${typeOf(tag)}` : tag));

/** The spans that tags of either scheme mark, as conlleval finds them. */
export function spansOf(tags: readonly string[]): Span[] {
  const spans: { type: string; start: number; end: number }[] = [];
  for (const [i, tag] of toBio(tags).entries()) {
    if (tag[0] === 'B') spans.push({ type: typeOf(tag), start: i, end: i + 1 });
    else if (tag[0] === 'I') spans.at(-1)!.end = i + 1;
  }
  return spans;
}

/** Sentences as CoNLL columns of word and tag, which `readConll` reads back. Words must hold no space. */
export const writeConll = (sentences: readonly TaggedSentence[]): string =>
  sentences.map(({ words, tags }) => `${words.map((word, i) => `${word} ${tags[i]}`).join('\n')}\n\n`).join('');
