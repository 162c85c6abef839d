/** Tables, columns of words and tags, and known sets as documents: a row or a sentence each. */
import { basename } from 'node:path';
import { type PreparedTask, prepareTask } from '../../../data/prepare.ts';
import type { TaskSet } from '../../../data/recipe.ts';
import { UserError } from '../../errors.ts';
import { readTextStream } from '../../node/files.ts';
import type { Say } from '../../node/npm.ts';
import { quote } from '../../quote.ts';
import { type SeparatedRow, separatedLine, separatedRows } from '../../text/labels/separated.ts';
import { linesOf, utf8Chunks } from '../../text/windows/stream.ts';
import type { Document, DocumentSource } from './documents.ts';
import { lenientChunks, type OnFault } from './lenient.ts';
import { paragraphs } from './paragraphs.ts';

/** What of a table is looked at. */
export interface TableChoice {
  /** Column or field of the text: "text" where there is one, else the one with the longest texts. Of prompts and answers both. */
  readonly text?: string;
  /** Of CSV and TSV, whether quotes enclose cells; as `separatedRows` has it unless given. */
  readonly quotes?: boolean;
  /** Of words and tags: the column of the words, from 0. */
  readonly wordsColumn?: number;
}

type Rows = (chunks: AsyncIterable<string>, at: Place) => AsyncIterable<Omit<Document, 'part'>>;
interface Place extends TableChoice {
  readonly path: string;
  readonly onBroken?: (line: number) => void;
}

/** How each ending is read. */
const READERS: Readonly<Record<string, Rows>> = {
  csv: (chunks, at) => separated(chunks, 'csv', at),
  tsv: (chunks, at) => separated(chunks, 'tsv', at),
  jsonl: jsonLines,
  conll: tagged,
};

const endingOf = (path: string): string => path.slice(path.lastIndexOf('.') + 1).toLowerCase();

/** Whether a file's ending is that of a table that can be read: .csv, .tsv, .jsonl, .conll. */
export const isTable = (path: string): boolean => Object.hasOwn(READERS, endingOf(path));

/**
 * A table: a row, a line of JSON or a sentence of words and tags is a document, however long. JSON lines and sentences stream; CSV and
 * TSV are held whole, for a quote may end anywhere. Rows that are broken are told as faults where somebody listens, and taken for text.
 * @throws UserError for a file that is missing, broken or of more than 512 MB (CSV, TSV), and for a column that is not there
 */
export function tableDocuments(path: string, choice: TableChoice = {}): DocumentSource {
  const part = basename(path);
  const rows = READERS[endingOf(path)];
  return {
    name: part,
    parts: [{ name: part, source: path, licence: "unknown: the user's own file" }],
    async *documents(onFault?: OnFault) {
      const bytes = readTextStream(path);
      const chunks = onFault ? lenientChunks(bytes, (fault) => onFault({ part, ...fault })) : utf8Chunks(bytes, path);
      const onBroken = onFault && ((line: number) => onFault({ part, kind: 'broken row', line, count: 1 }));
      for await (const row of rows(chunks, { ...choice, path, onBroken })) yield { part, ...row };
    },
  };
}

/** A known set, which is built where it is not there yet: its parts train, validation, test. */
export async function setDocuments(set: TaskSet, say: Say): Promise<DocumentSource> {
  const prepared = await prepareTask(set, say);
  const { name, source, licence, sha256 } = set;
  return {
    name,
    parts: Object.keys(prepared.parts).map((part) => ({ name: part, source, licence, sha256 })),
    async *documents() {
      for (const part of Object.keys(prepared.parts)) yield* partDocuments(prepared, part);
    },
  };
}

/** The rows of a part, at the lines that they have in the files of `partFiles`. */
function* partDocuments(prepared: PreparedTask, part: string): Generator<Document> {
  if (prepared.task === 'classify') {
    let line = 2;
    yield { part, line: 1, text: '', end: 'text,label\n' };
    for (const { text, label } of prepared.parts[part]) {
      yield { part, line, text, end: '\n', written: (other) => separatedLine([other, label]) };
      line += text.split('\n').length;
    }
    return;
  }
  let line = 1;
  for (const { words, tags } of prepared.parts[part]) {
    const rows = words.map((word, i) => [word, tags[i]]);
    yield { part, line, text: words.join(' '), end: '\n\n', written: (other) => withWords(rows, 0, words, other) };
    line += words.length + 1;
  }
}

/** V8's strings hold no more UTF-16 units. */
const LONGEST_TEXT = 2 ** 29 - 24;

async function* separated(
  chunks: AsyncIterable<string>,
  format: 'csv' | 'tsv',
  { path, text: given, quotes }: Place,
): AsyncGenerator<Omit<Document, 'part'>> {
  let content = '';
  for await (const chunk of chunks) {
    if (content.length + chunk.length > LONGEST_TEXT) {
      throw new UserError(`${path} is larger than 512 MB, which is too much for a table at once: give it in parts.`);
    }
    content += chunk;
  }
  const rows = separatedRows(content, format, [given ?? 'text'], { name: path, quotes });
  const write = (cells: readonly string[]): string =>
    format === 'csv' ? separatedLine(cells) : cells.map((cell) => cell.replace(/[\t\r\n]+/g, ' ')).join('\t');
  const header: SeparatedRow | undefined = rows.next().value;
  if (!header) return;
  const first = [...take(rows, SAMPLE)];
  const names = header.cells.map((cell) => cell.trim());
  const column = columnOf(names, given, path, (i) =>
    first.reduce((sum, { cells }) => sum + (cells[i]?.length ?? 0), 0),
  );
  yield { line: header.line, text: '', end: `${write(header.cells)}\n` };
  for (const some of [first, rows]) {
    for (const { cells, line } of some) {
      yield { line, text: cells[column] ?? '', end: '\n', written: (text) => write(cells.with(column, text)) };
    }
  }
}

/** Rows by which the column with the longest texts is found. */
const SAMPLE = 20;

function* take<T>(items: Iterator<T>, most: number): Generator<T> {
  for (let i = 0; i < most; i++) {
    const next = items.next();
    if (next.done) return;
    yield next.value;
  }
}

function columnOf(names: readonly string[], given: string | undefined, path: string, length: (i: number) => number) {
  const column = names.indexOf(given ?? 'text');
  if (column >= 0) return column;
  if (given !== undefined) {
    throw new UserError(
      `${path} has no column ${quote(given)}; its columns are ${names.slice(0, 8).map(quote).join(', ')}`,
    );
  }
  return names.reduce((best, _, i) => (length(i) > length(best) ? i : best), 0);
}

async function* jsonLines(
  chunks: AsyncIterable<string>,
  { path, text: given, onBroken }: Place,
): AsyncGenerator<Omit<Document, 'part'>> {
  let line = 0;
  for await (const some of linesOf(chunks)) {
    for (const raw of some) {
      line++;
      if (raw.trim() === '') continue;
      const fields = objectOf(raw);
      if (!fields && !onBroken) {
        throw new UserError(`${path}, line ${line}: each line must be one JSON object, such as {"text": "..."}`);
      }
      onBroken && !fields && onBroken(line);
      yield { line, end: '\n', ...jsonRow(raw, fields ?? {}, given) };
    }
  }
}

function objectOf(raw: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(raw);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The text of a JSON object: of the field that is named, "text", prompt and answer, else the longest one; the line where none is text. */
function jsonRow(
  raw: string,
  fields: Readonly<Record<string, unknown>>,
  given: string | undefined,
): Pick<Document, 'text' | 'written'> {
  const { prompt, answer } = fields;
  const texts = Object.entries(fields).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  if (given === undefined && typeof prompt === 'string' && typeof answer === 'string') {
    const text = `${prompt}\n${answer}`;
    return { text, written: (other) => (other === text ? raw : undefined) };
  }
  const longest = texts.reduce(
    (best, [name, { length }]) => (length > (best?.length ?? -1) ? { name, length } : best),
    {
      name: '',
      length: -1,
    },
  );
  const field = given ?? (typeof fields.text === 'string' ? 'text' : longest.name);
  const text = fields[field];
  if (typeof text !== 'string') return { text: raw, written: (other) => (other === raw ? raw : undefined) };
  return {
    text,
    written: (other) => (other === text ? raw : JSON.stringify({ ...fields, [field]: other })),
  };
}

/** Blocks of word and tag columns; what begins with # in a comment's way, and -DOCSTART-, is no word. */
async function* tagged(chunks: AsyncIterable<string>, { wordsColumn }: Place): AsyncGenerator<Omit<Document, 'part'>> {
  for await (const { line, text: block, end } of paragraphs(chunks)) {
    const rows = block.split(/\r\n|\r|\n/).map((row) => row.split(row.includes('\t') ? '\t' : / +/));
    const isWord = (row: readonly string[]): boolean =>
      row.length > 1 && row[0] !== '-DOCSTART-' && !/^#\s+\S+\s+=\s/.test(row.join(' '));
    const inside = rows.filter(isWord);
    const numbered = inside.length > 1 && inside.every(([cell], i) => cell === String(i + 1));
    const column = wordsColumn ?? (numbered ? 1 : 0);
    const words = inside.map((row) => row[column] ?? '');
    const written = (other: string): string | undefined =>
      other === words.join(' ') ? block : withWords(rows, column, words, other, isWord);
    yield { line, text: words.join(' '), end, written };
  }
}

/** Rows of a sentence with the words of another text; undefined where it has more or fewer. */
function withWords(
  rows: readonly (readonly string[])[],
  column: number,
  words: readonly string[],
  text: string,
  isWord: (row: readonly string[]) => boolean = () => true,
): string | undefined {
  const others = text === words.join(' ') ? words : text.split(' ');
  if (others.length !== words.length) return undefined;
  let at = 0;
  const lines = rows.map((row) => {
    const cells = isWord(row) ? row.with(column, others[at++]) : row;
    return cells.join(cells.some((cell) => cell.includes(' ')) ? '\t' : ' ');
  });
  return lines.join('\n');
}
