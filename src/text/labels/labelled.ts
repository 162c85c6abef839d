/** Texts with one label each: read from a user's table, freed of duplicates, split, and thinned out. Pure functions. */
import { UsageError, UserError } from '../../errors.ts';
import { quote } from '../../quote.ts';
import { parseJson } from '../../schema.ts';
import { mix } from '../windows/permutation.ts';
import { separatedLine, separatedRows } from './separated.ts';

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
  /** Of CSV and TSV, whether quotes enclose cells; as `separatedRows` has it unless given. */
  readonly quotes?: boolean;
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
 * The examples of a table. CSV and TSV begin with a line of column names, and are read as `separatedRows` says. Spaces around a
 * text or label are dropped.
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
  const rows = rowsOf(content, format, [columns.text, columns.label], name, columns.quotes);
  if (rows.length === 0) throw new UserError(`${name} holds no examples; give a table with one text and label a row`);
  const labels = columnOf(rows, columns.label, name);
  return columnOf(rows, columns.text, name).map((text, i) => ({ text, label: labels[i] }));
}

/** The texts alone, for prediction: as `readTable`, where the label column may be absent. */
export function readTexts(
  content: string,
  format: TableFormat,
  { text, quotes }: Omit<TableColumns, 'label'>,
  name = 'the table',
): string[] {
  const rows = rowsOf(content, format, [text], name, quotes);
  if (rows.length === 0) throw new UserError(`${name} holds no texts; give a table with one text a row`);
  return columnOf(rows, text, name);
}

/** What a row of a table has in some columns, in their order, and the line that it begins in. */
export interface TableRow {
  readonly line: number;
  readonly values: readonly string[];
}

/**
 * Some columns of a table, none of them empty: as `readTable`, for other things than labels.
 * @throws UserError for a missing column, broken rows and empty fields
 */
export function readColumns(
  content: string,
  format: TableFormat,
  { names, quotes }: { names: readonly string[]; quotes?: boolean },
  name = 'the table',
): TableRow[] {
  const rows = rowsOf(content, format, names, name, quotes);
  if (rows.length === 0) throw new UserError(`${name} holds no rows below the names of its columns; give some`);
  const columns = names.map((column) => columnOf(rows, column, name));
  return rows.map(({ line }, i) => ({ line, values: columns.map((column) => column[i]) }));
}

/** The names of a table's columns: of JSON lines those of the first. `expected` are those that it is likely to have, by which its separator is found. */
export function columnNames(content: string, format: TableFormat, expected: readonly string[], name: string): string[] {
  const bare = content.replace(/^\uFEFF/, '');
  if (format === 'jsonl') return Object.keys(jsonLines(bare, name)[0]?.fields ?? {});
  const [first] = separatedRows(bare, format, expected, { name });
  return first?.cells.map((cell) => cell.trim()) ?? [];
}

/** @throws UserError where something in the column is no text, or is empty */
function columnOf(rows: readonly Row[], column: string, name: string): string[] {
  const texts = rows.map(({ fields, line }) => asText(fields[column], column, line, name));
  const empty = rows.filter((_, i) => texts[i] === '');
  if (empty.length === 0) return texts;
  throw new UserError(
    `${name}: "${column}" is empty in ${listLines(empty.map(({ line }) => line))}; fill it in, or delete ${empty.length > 1 ? 'those rows' : 'that row'}`,
  );
}

function rowsOf(
  content: string,
  format: TableFormat,
  columns: readonly string[],
  name: string,
  quotes?: boolean,
): Row[] {
  if (content.trim() === '') throw new UserError(`${name} is empty; give a table with one text and label a row`);
  const bare = content.replace(/^\uFEFF/, '');
  return format === 'jsonl' ? jsonRows(bare, columns, name) : namedRows(bare, format, columns, { name, quotes });
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
    const more = present.length > 8 ? ` and ${present.length - 8} more` : '';
    const list = present.slice(0, 8).map(quote).join(', ') || 'none';
    throw new UserError(`${where} has no column ${quote(column)}; its columns are ${list}${more}`);
  }
}

function namedRows(
  content: string,
  format: 'csv' | 'tsv',
  columns: readonly string[],
  { name, quotes }: { name: string; quotes?: boolean },
): Row[] {
  const [first, ...rows] = separatedRows(content, format, columns, { name, quotes });
  const header = first?.cells.map((cell) => cell.trim()) ?? [];
  checkColumns(header, columns, name);
  const twice = columns.find((column) => header.indexOf(column) !== header.lastIndexOf(column));
  if (twice !== undefined) throw new UserError(`${name} has two columns "${twice}"; give each a name of its own`);
  return rows.map(({ cells, line }) => {
    const more = cells.slice(header.length).some((cell) => cell.trim() !== ''); // spreadsheets end rows with separators
    if (cells.length < header.length || more) {
      throw new UserError(
        `${name}, line ${line}: ${cells.length} fields, but the first line names ${header.length} columns; put quotes around fields that hold a separator or a line end${format === 'tsv' ? ', and give --quotes' : ''}`,
      );
    }
    return { line, fields: Object.fromEntries(header.map((column, i) => [column, cells[i]])) };
  });
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
  ['text,label', ...examples.map(({ text, label }) => separatedLine([text, label]))]
    .map((line) => `${line}\n`)
    .join('');

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
    `${name} has one class only (${quote(labels[0])}), but a classifier needs two or more; check which column holds the label`,
  );
}

/** The items in an order that the seed picks: the same on every machine. */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const order = items.map((item, index) => ({ item, index, key: mix(index, seed) }));
  return order.sort((a, b) => a.key - b.key || a.index - b.index).map(({ item }) => item);
}
