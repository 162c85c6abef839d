/**
 * Separated values (CSV and TSV) as spreadsheets, other programs and data sets write them. By hand, for papaparse takes one kind of
 * line end for a whole file: where they are mixed it joins rows, or loses them without a word.
 */

import { UserError } from '../../errors.ts';
import { largest } from '../../numbers.ts';

/** A row that is not blank, and the line of the file (from 1) that it begins in: a quoted cell may hold line ends. */
export interface SeparatedRow {
  readonly cells: string[];
  readonly line: number;
}

/** How a file is written. */
interface Dialect {
  readonly separator: string;
  /** Whether a cell that begins with a quote goes on to the next one, or quotes are letters like others. */
  readonly quotes: boolean;
}

const LINE_END = /\r\n|\r|\n/g;
const SEPARATORS = [',', ';', '\t', '|'];

/**
 * The rows of a file, the one that names the columns first. Line ends may be of all systems, and mixed; rows of nothing but
 * separators and spaces are none. Excel's first line `sep=;` is obeyed; else a CSV file is separated by what makes its first line
 * name `columns`. Quotes enclose cells in CSV, and in TSV where they enclose the names of the columns; else they are letters.
 * @param quotes whether they enclose cells, where somebody has said so
 * @throws UserError, with `name` and the line, for a quote that is not closed, or closed in the middle of a cell
 */
export function* separatedRows(
  content: string,
  format: 'csv' | 'tsv',
  columns: readonly string[],
  { name, quotes }: { name: string; quotes?: boolean },
): Generator<SeparatedRow> {
  const told = /^"?sep=(.)"?(?:\r\n|\r|\n|$)/.exec(content);
  const start = { at: told?.[0].length ?? 0, line: told ? 2 : 1 };
  const candidates = told ? [told[1]] : format === 'tsv' ? ['\t'] : SEPARATORS;
  const enclosed = quotes ?? (format === 'csv' || /^\s*"[^"\t\r\n]*"[\t\r\n]/.test(content.slice(start.at)));
  const separator = candidates.find((one) => namesAll(content, start, { separator: one, quotes: enclosed }, columns));
  yield* parse(
    content,
    start,
    { separator: separator ?? commonest(content, start, candidates), quotes: enclosed },
    name,
  );
}

interface Start {
  readonly at: number;
  readonly line: number;
}

function namesAll(content: string, start: Start, dialect: Dialect, columns: readonly string[]): boolean {
  try {
    const [header] = parse(content, start, dialect, '');
    const names = header.cells.map((cell) => cell.trim());
    return columns.every((column) => names.includes(column));
  } catch {
    return false; // a cell that ends behind its quote by another separator does not by this one
  }
}

/** The candidate that the first line holds most often. */
function commonest(content: string, { at }: Start, candidates: readonly string[]): string {
  const [line] = content.slice(at).split(/[\r\n]/, 1);
  const times = candidates.map((one) => line.split(one).length);
  return candidates[times.indexOf(largest(times))];
}

function* parse(content: string, start: Start, { separator, quotes }: Dialect, name: string): Generator<SeparatedRow> {
  const cellEnd = new RegExp(`[${separator.replace(/[\\\]^-]/, '\\$&')}\r\n]|$`, 'g');
  let { at, line } = start;
  while (at < content.length) {
    const row: SeparatedRow = { cells: [], line };
    for (let more = true; more; at += more ? 1 : 0) {
      const isQuoted = quotes && content[at] === '"';
      const end = isQuoted ? closingQuote(content, at) : at;
      cellEnd.lastIndex = end;
      const next = cellEnd.exec(content)!.index;
      const cell = isQuoted ? content.slice(at + 1, end - 1) : content.slice(at, next);
      if (isQuoted && (end === 0 || content.slice(end, next).trim() !== '')) throw brokenQuote(name, row.line);
      row.cells.push(isQuoted ? cell.replaceAll('""', '"') : cell);
      if (isQuoted) line += cell.match(LINE_END)?.length ?? 0;
      at = next;
      more = content[at] === separator;
    }
    at += content.startsWith('\r\n', at) ? 2 : 1;
    line++;
    if (row.cells.some((cell) => cell.trim() !== '')) yield row;
  }
}

/** The index behind the quote that closes the one at `open`, pairs of them aside; 0 where none does. */
function closingQuote(content: string, open: number): number {
  let at = open;
  do at = content.indexOf('"', at + 1) + 1;
  while (at > 0 && content[at] === '"');
  return at;
}

const brokenQuote = (name: string, line: number): UserError =>
  new UserError(
    `${name}, line ${line}: a quote is opened and not closed, or closed in the middle of a field; write a quote inside a quoted field twice, or give --no-quotes where quotes are letters`,
  );

/** A row of CSV, without its line end: cells that would be read otherwise, or with care, are quoted. */
export const separatedLine = (cells: readonly string[]): string =>
  cells.map((cell) => (/[",\r\n\ufeff]|^ | $/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',');
