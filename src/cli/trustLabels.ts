/** `dawnlm trust` of a classifier: errors, calibration and flips of its labels by a group that a column names. */
import { UsageError, UserError } from '../errors.ts';
import type { LabelBias } from '../report/trust/bias.ts';
import { shellWord } from '../shellWord.ts';
import { requireKnown } from '../tasks/classify/data.ts';
import { readText } from '../tasks/data.ts';
import { openClassifier } from '../tasks/finetune.ts';
import { readTunedCard, type TunedTask } from '../tasks/folder.ts';
import { readColumns, tableFormat } from '../text/labels/labelled.ts';
import { askLabels, type GroupedText, type LabelQuestions } from '../trust/bias/labels.ts';
import { openEngine } from './engine.ts';

export interface LabelBiasFlags {
  run: string;
  data?: string;
  group?: string;
  textColumn: string;
  labelColumn: string;
  quotes?: boolean;
  adapter?: string;
  seed: number;
}

/** @throws UsageError without rows to ask about; UserError for a tagger, and for a table that does not fit the run */
export async function labelBias(
  flags: LabelBiasFlags,
  task: TunedTask,
  watched: Pick<LabelQuestions, 'signal' | 'onProgress'>,
): Promise<LabelBias> {
  const { run: folder, data, group, adapter, seed } = flags;
  if (task !== 'classify') {
    throw new UserError(
      `${folder} holds a tagger, of whose labels nothing is asked: question the run that it was tuned from.`,
    );
  }
  if (data === undefined) {
    throw new UsageError(
      `${folder} holds a classifier: give labelled rows to ask it about, npx dawnlm trust --run ${shellWord(folder)} --data test.csv --group sex`,
    );
  }
  const rows = await readGrouped(data, flags);
  const card = await readTunedCard(folder, 'classify');
  requireKnown(rows, card.labels, data);
  const classifier = await openClassifier((await openEngine(adapter)).engine, folder, card);
  return askLabels(classifier, rows, { file: data, column: group, seed, ...watched });
}

async function readGrouped(
  file: string,
  { textColumn, labelColumn, group, quotes }: LabelBiasFlags,
): Promise<GroupedText[]> {
  const format = tableFormat(file);
  const names = [textColumn, labelColumn, ...(group === undefined ? [] : [group])];
  return readColumns(await readText(file), format, { names, quotes }, file).map(({ values: [text, label, name] }) => ({
    ...{ text, label, group: name },
  }));
}
