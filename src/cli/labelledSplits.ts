import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { findTaskSet, taskSets } from '../../data/corpora.ts';
import { prepareTask } from '../../data/prepare.ts';
import { UserError } from '../errors.ts';
import type { TableColumns } from '../text/labelled.ts';
import type { TaskCard } from '../text/taskCard.ts';
import { type ClassifyData, splitTable } from '../train/finetune/classifyData.ts';
import { count } from '../train/format.ts';
import { say } from './output.ts';

const classifySets = (): string =>
  taskSets
    .filter(({ task }) => task === 'classify')
    .map(({ name }) => name)
    .join(', ');

/** What commander shows for the argument that `openLabelled` takes. */
export const LABELLED_ARGUMENT = `a .csv, .tsv or .jsonl file, or a known set: ${classifySets()}`;

/**
 * The parts of a known data set; or of a user's table, which is freed of duplicates and split.
 * @throws UserError when there is no such set or file, the set is for tagging, or the table cannot be learned from
 */
export async function openLabelled(given: string, columns: TableColumns): Promise<ClassifyData> {
  const data = await readLabelled(given, columns);
  say(cardInWords(data.card));
  return data;
}

async function readLabelled(given: string, columns: TableColumns): Promise<ClassifyData> {
  const known = findTaskSet(given);
  if (known?.task === 'tag') {
    throw new UserError(
      `${given} tags words and has no labels of whole texts; give one of ${classifySets()}, or a table`,
    );
  }
  if (known) return (await prepareTask(known, say)) as ClassifyData;
  if (existsSync(given)) return splitTable(await readFile(given, 'utf8'), given, columns);
  throw new UserError(
    `There is no data set or file called "${given}". Known data sets: ${classifySets()}. Else give a .csv, .tsv or .jsonl file.`,
  );
}

/** What is in a data set, and what was left out of it. */
function cardInWords({ name, parts, duplicates, licence }: TaskCard): string {
  const { within, across, conflicting } = duplicates;
  const classes = Object.keys(parts.train.labels).length;
  return `data: ${name}, ${classes} classes; ${count(parts.train.examples)} texts to train on, ${count(parts.validation.examples)} to validate, ${count(parts.test.examples)} to test; removed: ${count(within)} duplicates, ${count(across)} across parts, ${count(conflicting)} with several labels; licence: ${licence}`;
}
