import { existsSync } from 'node:fs';
import { findTaskSet, taskSets } from '../../data/corpora.ts';
import { prepareTask } from '../../data/prepare.ts';
import { UsageError, UserError } from '../errors.ts';
import { count } from '../report/format.ts';
import { ownCard } from '../tasks/card.ts';
import { type ClassifyData, splitTable } from '../tasks/classify/data.ts';
import {
  type LabelledText,
  readTable,
  requireClasses,
  type TableColumns,
  tableFormat,
} from '../text/labels/labelled.ts';
import { removeDuplicates, type Splits, stratifiedSplit } from '../text/labels/splits.ts';
import { countTexts, type TaskCard } from '../text/labels/taskCard.ts';
import { readText } from './terminal/input.ts';
import { say } from './terminal/output.ts';

/** The names of the known data sets for a task, for people. */
export const setsFor = (task: 'classify' | 'tag'): string =>
  taskSets
    .filter((set) => set.task === task)
    .map(({ name }) => name)
    .join(', ');

/** What commander shows for the argument that `openLabelled` takes. */
export const LABELLED_ARGUMENT = `a .csv, .tsv or .jsonl file, or a known set: ${setsFor('classify')}`;

/**
 * The parts of a known data set; or of a user's table, which is freed of duplicates and split. Says what is in them.
 * @throws UserError when there is no such set or file, or the table cannot be learned from; UsageError when the set is for tagging
 */
export async function openLabelled(given: string, columns: TableColumns): Promise<ClassifyData> {
  const data = (await openSet(given)) ?? splitTable(await readTableFile(given), given, columns);
  say(cardInWords(data.card));
  return data;
}

/** What is in a data set, and what was left out of it. */
function cardInWords({ name, parts, duplicates, licence }: TaskCard): string {
  const { within, across, conflicting } = duplicates;
  const classes = Object.keys(parts.train.labels).length;
  return `data: ${name}, ${classes} classes; ${count(parts.train.examples)} texts to train on, ${count(parts.validation.examples)} to validate, ${count(parts.test.examples)} to test; removed: ${count(within)} duplicates, ${count(across)} across parts, ${count(conflicting)} with several labels; licence: ${licence}`;
}

/** Labelled texts to show to a model, and others to ask it about. */
export interface ShotsAndTested {
  card: TaskCard;
  pool: readonly LabelledText[];
  tested: readonly LabelledText[];
}

/**
 * A known data set: shots from its training part, tested on its test part. Or a user's table, freed of duplicates: half of each
 * for the one and the other; all is tested where no shots are wanted.
 * @throws UserError when there is no such set or file, or the table cannot be read; UsageError when the set is for tagging
 */
export async function openShots(given: string, columns: TableColumns, shots: number): Promise<ShotsAndTested> {
  const known = await openSet(given);
  if (known) return { card: known.card, pool: known.parts.train, tested: known.parts.test };
  const content = await readTableFile(given);
  const rows = readTable(content, tableFormat(given), columns, given);
  const { splits, removed } = removeDuplicates({ train: rows, validation: [], test: [] });
  const { within, conflicting } = removed;
  if (within + conflicting > 0)
    say(`${given}: left out ${within} duplicates and ${conflicting} rows with several labels`);
  requireClasses(splits.train, given);
  const divided = divide(splits, shots);
  const note = `Column "${columns.text}" to "${columns.label}"; shots come from the pool, the others are asked about.`;
  const facts = { task: 'classify', note, parts: countTexts({ ...divided }), duplicates: removed } as const;
  return { card: ownCard(given, content, facts), ...divided };
}

/** Share of a user's table that shots may be drawn from; a fixed seed, so that the same rows are always asked about. */
const POOL_SHARE = 0.5;
const SPLIT_SEED = 0;

function divide({ train }: Splits<LabelledText>, shots: number): Omit<ShotsAndTested, 'card'> {
  if (shots === 0) return { pool: [], tested: train };
  const parts = stratifiedSplit(train, { validation: 0, test: 1 - POOL_SHARE }, SPLIT_SEED);
  return { pool: parts.train, tested: parts.test };
}

/** The known data set of that name, if there is one. */
async function openSet(given: string): Promise<ClassifyData | undefined> {
  const set = findTaskSet(given);
  if (set?.task === 'tag') {
    throw new UsageError(
      `${given} tags words and has no labels of whole texts; give one of ${setsFor('classify')}, or a table`,
    );
  }
  return set && ((await prepareTask(set, say)) as ClassifyData);
}

async function readTableFile(path: string): Promise<string> {
  if (!existsSync(path)) {
    throw new UserError(
      `There is no data set or file called "${path}". Known data sets: ${setsFor('classify')}. Else give a .csv, .tsv or .jsonl file.`,
    );
  }
  tableFormat(path); // of another kind it is refused before it is read
  return readText(path);
}
