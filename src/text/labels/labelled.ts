/** Texts with one label each: read from a user's table, freed of duplicates, split, and thinned out. Pure functions. */
import Papa from 'papaparse';
import { UsageError, UserError } from '../../errors.ts';
import { parseJson } from '../../schema.ts';
import { mix } from '../windows/permutation.ts';

/** A text and the class that it belongs to; neither is empty. */
export interface LabelledText {
  readonly text: string;
  readonly label: string;
}

/** How a table is written. `jsonl`: one JSON object a line. */
export type TableFormat = 'csv' | 'tsv' | 'jsonl';

/** Which columns (or fields) of a table hold what. */
export interface TableColumns {
  readonly text: string;
  readonly label: string;
}

/** A row of any format: its columns by name, and the line of the file (from 1) that it begins in. */
interface Row {
  readonly line: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The format that a file's name tells. @throws UsageError for any other ending */
export function tableFormat(path: string): TableFormat {
  const ending = path.slice(path.lastIndexOf('.') + 1).toLowerCase();
  if (ending === 'csv' || ending === 'tsv' || ending === 'jsonl') return ending;
  throw new UsageError(`${path} is no table that can be read: give a .csv, .tsv or .jsonl file`);
}

/**
 * The examples of a table. CSV and TSV begin with a line of column names; quotes, line ends of all systems and a byte order
 * mark are understood, and a semicolon separates where the names hold no comma. Spaces around a text or label are dropped.
 * @param content the whole file
 * @param columns which columns hold the text and the label
 * @param name what errors call the file
 * @throws UserError for a missing column (naming those that there are), broken rows and empty fields (naming their lines)
 */
export function readTable(
  content: string,
  format: TableFormat,
  columns: TableColumns,
  name = 'the table',
): LabelledText[] {
  const rows = rowsOf(content, format, [columns.text, columns.label], name);
  if (rows.length === 0) throw new UserError(`${name} holds no examples; give a table with one text and label a row`);
  const labels = columnOf(rows, columns.label, name);
  return columnOf(rows, columns.text, name).map((text, i) => ({ text, label: labels[i] }));
}

/** The texts alone, for prediction: as `readTable`, where the label column may be absent. */
export const readTexts = (content: string, format: TableFormat, column: string, name = 'the table'): string[] =>
  columnOf(rowsOf(content, format, [column], name), column, name);

/** @throws UserError where something in the column is no text, or is empty */
function columnOf(rows: readonly Row[], column: string, name: string): string[] {
  const texts = rows.map(({ fields, line }) => asText(fields[column], column, line, name));
  const empty = rows.filter((_, i) => texts[i] === '');
  if (empty.length === 0) return texts;
  throw new UserError(
    `${name}: "${column}" is empty in ${listLines(empty.map(({ line }) => line))}; fill it in, or delete ${empty.length > 1 ? 'those rows' : 'that row'}`,
  );
}

function rowsOf(content: string, format: TableFormat, columns: readonly string[], name: string): Row[] {
  if (content.trim() === '') throw new UserError(`${name} is empty; give a table with one text and label a row`);
  const bare = content.replace(/^\uFEFF/, '');
  return format === 'jsonl' ? jsonRows(bare, columns, name) : separatedRows(bare, format, columns, name);
}

const listLines = (lines: readonly number[]): string =>
  `line${lines.length > 1 ? 's' : ''} ${lines.slice(0, 5).join(', ')}${lines.length > 5 ? ` and ${lines.length - 5} more` : ''}`;

function asText(value: unknown, column: string, line: number, name: string): string {
  if (typeof value === 'string') return value.trim();
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new UserError(
    `${name}, line ${line}: "${column}" must be a text, but it is ${value === null ? 'null' : `of type ${typeof value}`}`,
  );
}

function checkColumns(present: readonly string[], wanted: readonly string[], where: string): void {
  for (const column of wanted) {
    if (present.includes(column)) continue;
    const list = present.map((each) => `"${each}"`).join(', ') || 'none';
    throw new UserError(`${where} has no column "${column}"; its columns are ${list}`);
  }
}

function separatedRows(content: string, format: 'csv' | 'tsv', columns: readonly string[], name: string): Row[] {
  const rows = parseRows(content, separatorOf(content, format), name);
  const header = rows.shift()?.cells.map((cell) => cell.trim()) ?? [];
  checkColumns(header, columns, name);
  const twice = columns.find((column) => header.indexOf(column) !== header.lastIndexOf(column));
  if (twice !== undefined) throw new UserError(`${name} has two columns "${twice}"; give each a name of its own`);
  return rows.map(({ cells, line }) => {
    if (cells.length !== header.length) {
      throw new UserError(
        `${name}, line ${line}: ${cells.length} fields, but the first line names ${header.length} columns; put quotes around fields that hold a separator or a line end`,
      );
    }
    return { line, fields: Object.fromEntries(header.map((column, i) => [column, cells[i]])) };
  });
}

function separatorOf(content: string, format: 'csv' | 'tsv'): string {
  if (format === 'tsv') return '\t';
  const header = content.slice(0, content.search(/[\r\n]|$/));
  return header.includes(';') && !header.includes(',') ? ';' : ',';
}

/** Rows of cells with the lines that they begin in: a quoted field may hold line ends, so that rows are not lines. */
function parseRows(content: string, delimiter: string, name: string): { cells: string[]; line: number }[] {
  const rows: { cells: string[]; line: number }[] = [];
  let line = 1;
  let from = 0;
  Papa.parse<string[]>(content, {
    delimiter,
    step: ({ data, errors, meta }) => {
      if (errors.length > 0) {
        throw new UserError(
          `${name}, line ${line}: a quote is opened and not closed, or closed in the middle of a field; write a quote inside a quoted field twice`,
        );
      }
      if (data.length > 1 || data[0].trim() !== '') rows.push({ cells: data, line });
      line += content.slice(from, meta.cursor).match(/\r\n|\r|\n/g)?.length ?? 0;
      from = meta.cursor;
    },
  });
  return rows;
}

function jsonRows(content: string, columns: readonly string[], name: string): Row[] {
  const rows = jsonLines(content, name);
  for (const { line, fields } of rows) checkColumns(Object.keys(fields), columns, `${name}, line ${line},`);
  return rows;
}

/**
 * JSON lines as objects, blank lines aside, each with its line.
 * @throws UserError naming the line that is not a JSON object
 */
export function jsonLines(content: string, name: string): Row[] {
  return content.split(/\r\n|\r|\n/).flatMap((text, i) => {
    if (text.trim() === '') return [];
    const refuse = (problem: string) =>
      new UserError(`${name}, line ${i + 1}: ${problem}; each line must be one JSON object`);
    const value = parseJson(text, refuse);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return [{ line: i + 1, fields: value as Record<string, unknown> }];
    }
    throw new UserError(`${name}, line ${i + 1}: a JSON object was expected, such as {"text": "...", "label": "..."}`);
  });
}

/** Examples as a CSV file with the columns text and label, which `readTable` reads back. */
export const writeTable = (examples: readonly LabelledText[]): string =>
  `${Papa.unparse(
    examples.map(({ text, label }) => ({ text, label })),
    { newline: '\n' },
  )}\n`;

/** The labels that occur and how often, the most frequent first (equally frequent ones by name). */
export function countLabels(examples: readonly { readonly label: string }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { label } of examples) counts.set(label, (counts.get(label) ?? 0) + 1);
  return new Map([...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)));
}

/** @throws UserError where there are fewer than two classes, which leave nothing to learn */
export function requireClasses(examples: readonly LabelledText[], name: string): void {
  const labels = [...countLabels(examples).keys()];
  if (labels.length > 1) return;
  if (labels.length === 0) throw new UserError(`${name} has no texts left: each of them has several labels`);
  throw new UserError(
    `${name} has one class only ("${labels[0]}"), but a classifier needs two or more; check which column holds the label`,
  );
}

/** The items in an order that the seed picks: the same on every machine. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const order = items.map((item, index) => ({ item, index, key: mix(index, seed) }));
  return order.sort((a, b) => a.key - b.key || a.index - b.index).map(({ item }) => item);
}
