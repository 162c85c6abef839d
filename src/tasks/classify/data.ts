/** Labelled texts to fine-tune on, or to show in prompts: known sets, or a user's table, split and checked. */
import { UserError } from '../../errors.ts';
import type { Say } from '../../node/npm.ts';
import { quote, short } from '../../quote.ts';
import {
  countLabels,
  type LabelledText,
  readTable,
  requireClasses,
  type TableColumns,
  tableFormat,
} from '../../text/labels/labelled.ts';
import { type Fractions, removeDuplicates, type Splits, sameText, stratifiedSplit } from '../../text/labels/splits.ts';
import { countTexts } from '../../text/labels/taskCard.ts';
import { fileCard, type LabelledData, openData, readText } from '../data.ts';

export type ClassifyData = LabelledData<LabelledText>;

/** Texts with labels to fine-tune on: a known set, or a table. @throws as `openData` and `splitTable` do */
export const openTexts = (given: string, columns: TableColumns, say: Say): Promise<ClassifyData> =>
  openData(given, 'classify', say, async (path) => splitTable(await readTableText(path), path, columns));

/** Texts with labels to prompt with: `train` is shown, `test` is asked about. Says what it leaves out of a table. */
export const openShots = (given: string, columns: TableColumns, shots: number, say: Say): Promise<ClassifyData> =>
  openData(given, 'classify', say, async (path) => splitShots(await readTableText(path), path, columns, shots, say));

/** @throws UsageError for a file that is no table, before it is read */
async function readTableText(path: string): Promise<string> {
  tableFormat(path);
  return readText(path);
}

/** What of a user's table is held out. */
const FRACTIONS: Fractions = { validation: 0.15, test: 0.15 };
/** The same rows are held out every time, whatever seed a tuning has. */
const SPLIT_SEED = 0;

/**
 * A table as training, validation and test part, 70 to 15 to 15, of each class; duplicates are removed first.
 * @throws UserError for a table that cannot be read, one class only, and classes too small to hold anything out
 */
export function splitTable(content: string, path: string, columns: TableColumns): ClassifyData {
  const { rows, duplicates } = readRows(content, path, columns);
  const parts = { ...stratifiedSplit(rows, FRACTIONS, SPLIT_SEED) };
  if (parts.test.length === 0) {
    throw new UserError(`${path} has fewer than 3 different texts of each class: none can be held out; add examples`);
  }
  const note = `Column "${columns.text}" to "${columns.label}"; 70% train, 15% validate, 15% test, of each class.`;
  return { card: fileCard(path, content, { task: 'classify', note, parts: countTexts(parts), duplicates }), parts };
}

/** A table without its duplicates: half of each class to show, half to ask about; all of it where no shots are wanted. */
function splitShots(content: string, path: string, columns: TableColumns, shots: number, say: Say): ClassifyData {
  const { rows, duplicates } = readRows(content, path, columns);
  const { within, conflicting } = duplicates;
  if (within + conflicting > 0)
    say(`${path}: left out ${within} duplicates and ${conflicting} rows with several labels`);
  const all = { train: [], validation: [], test: rows };
  const parts = shots === 0 ? all : { ...stratifiedSplit(rows, { validation: 0, test: 0.5 }, SPLIT_SEED) };
  const note = `Column "${columns.text}" to "${columns.label}"; shots come from the pool, the others are asked about.`;
  const counts = countTexts({ pool: parts.train, tested: parts.test });
  return { card: fileCard(path, content, { task: 'classify', note, parts: counts, duplicates }), parts };
}

function readRows(content: string, path: string, columns: TableColumns) {
  const rows = readTable(content, tableFormat(path), columns, path);
  requireClasses(rows, path);
  const { splits, removed } = removeDuplicates({ train: rows, validation: [], test: [] }, sameText);
  requireClasses(splits.train, `${path} without its duplicates`);
  return { rows: splits.train, duplicates: removed };
}

/**
 * The classes of a data set: the labels of its training part, by name.
 * @throws UserError for one class only, for empty parts, and for a label that no training text has
 */
export function classesOf(parts: Splits<LabelledText>, name: string): string[] {
  if (parts.train.length === 0) throw new UserError(`${name} has no texts to train on; give some`);
  if (parts.validation.length === 0) throw new UserError(`${name} has no texts to validate on; add examples`);
  requireClasses(parts.train, name);
  const classes = [...countLabels(parts.train).keys()].sort();
  for (const part of ['validation', 'test'] as const) requireKnown(parts[part], classes, `the ${part} part of ${name}`);
  return classes;
}

/** @throws UserError naming a label that is not among the classes */
export function requireKnown(texts: readonly LabelledText[], classes: readonly string[], where: string): void {
  const unseen = texts.find(({ label }) => !classes.includes(label));
  if (!unseen) return;
  throw new UserError(
    `${where} has the label ${quote(unseen.label)}, which was not in training (${classes.slice(0, 12).map(short).join(', ')}${classes.length > 12 ? ', ...' : ''}); leave such texts out, or tune with some of them`,
  );
}
