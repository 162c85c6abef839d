import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { findTaskSet, taskSets } from '../../data/corpora.ts';
import { prepareTask } from '../../data/prepare.ts';
import { UserError } from '../errors.ts';
import { type LabelledText, readTable, requireClasses, type TableColumns, tableFormat } from '../text/labelled.ts';
import { removeDuplicates, type Splits, stratifiedSplit } from '../text/splits.ts';
import { say } from './output.ts';

/** Labelled texts to show to a model, and others to ask it about. */
export interface ShotsAndTested {
  name: string;
  pool: readonly LabelledText[];
  tested: readonly LabelledText[];
}

/** Share of a user's table that shots may be drawn from; a fixed seed, so that the same rows are always asked about. */
const POOL_SHARE = 0.5;
const SPLIT_SEED = 0;

/**
 * A known data set: shots from its training part, tested on its test part. Or a user's table, freed of duplicates: half of each
 * for the one and the other; all is tested where no shots are wanted.
 * @throws UserError when there is no such set or file, the set is for tagging, or the table cannot be read
 */
export async function openShots(given: string, columns: TableColumns, shots: number): Promise<ShotsAndTested> {
  const known = findTaskSet(given);
  if (known) {
    const prepared = await prepareTask(known, say);
    if (prepared.task === 'classify') return { name: given, pool: prepared.parts.train, tested: prepared.parts.test };
    throw new UserError(`${given} tags words and has no labels of whole texts; give one of ${classifySets()}`);
  }
  if (!existsSync(given)) {
    throw new UserError(
      `There is no data set or file called "${given}". Known data sets: ${classifySets()}. Else give a .csv, .tsv or .jsonl file.`,
    );
  }
  const format = tableFormat(given);
  const rows = readTable(await readFile(given, 'utf8'), format, columns, given);
  const { splits, removed } = removeDuplicates({ train: rows, validation: [], test: [] });
  const { within, conflicting } = removed;
  if (within + conflicting > 0)
    say(`${given}: left out ${within} duplicates and ${conflicting} rows with several labels`);
  requireClasses(splits.train, given);
  return { name: given, ...divide(splits, shots) };
}

const classifySets = (): string =>
  taskSets
    .filter(({ task }) => task === 'classify')
    .map(({ name }) => name)
    .join(', ');

function divide({ train }: Splits<LabelledText>, shots: number): Omit<ShotsAndTested, 'name'> {
  if (shots === 0) return { pool: [], tested: train };
  const parts = stratifiedSplit(train, { validation: 0, test: 1 - POOL_SHARE }, SPLIT_SEED);
  return { pool: parts.train, tested: parts.test };
}
