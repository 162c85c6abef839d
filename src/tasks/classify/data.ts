/** Labelled texts to tune on: from a user's table, split and checked; and thinned out. */
import { UserError } from '../../errors.ts';
import {
  countLabels,
  type LabelledText,
  readTable,
  requireClasses,
  type TableColumns,
  tableFormat,
  writeTable,
} from '../../text/labels/labelled.ts';
import { type Fractions, removeDuplicates, type Splits, stratifiedSplit } from '../../text/labels/splits.ts';
import { countTexts, type Parts, type TaskCard } from '../../text/labels/taskCard.ts';
import { ownCard } from '../card.ts';
import type { KeptPart } from '../folder.ts';

/** A data set for a classifier, with its card. */
export interface ClassifyData {
  readonly card: TaskCard;
  readonly parts: Parts<LabelledText>;
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
  const rows = readTable(content, tableFormat(path), columns, path);
  requireClasses(rows, path);
  const { splits, removed } = removeDuplicates({ train: rows, validation: [], test: [] });
  requireClasses(splits.train, `${path} without its duplicates`);
  const parts = { ...stratifiedSplit(splits.train, FRACTIONS, SPLIT_SEED) };
  if (parts.test.length === 0) {
    throw new UserError(`${path} has fewer than 3 different texts of each class: none can be held out; add examples`);
  }
  const note = `Column "${columns.text}" to "${columns.label}"; 70% train, 15% validate, 15% test, of each class.`;
  const facts = { task: 'classify', note, parts: countTexts(parts), duplicates: removed } as const;
  return { card: ownCard(path, content, facts), parts };
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
    `${where} has the label "${unseen.label}", which was not in training (${classes.slice(0, 12).join(', ')}${classes.length > 12 ? ', ...' : ''}); leave such texts out, or tune with some of them`,
  );
}

/** The texts that were trained, validated and tested on, as CSV files of text and label. */
export const keptTexts = (parts: Splits<LabelledText>): Record<string, KeptPart> =>
  Object.fromEntries(
    Object.entries(parts).map(([part, texts]: [string, readonly LabelledText[]]) => [
      part,
      { examples: texts.length, file: `${part}.csv`, content: writeTable(texts) },
    ]),
  );
