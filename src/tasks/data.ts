/** Examples with labels: from a known data set or a user's own file, in parts, with a card, and as files kept with a run. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { findTaskSet, taskSets } from '../../data/corpora.ts';
import { type PreparedTask, partFiles, prepareTask } from '../../data/prepare.ts';
import { UsageError, UserError } from '../errors.ts';
import { readTextStream } from '../node/files.ts';
import type { Say } from '../node/npm.ts';
import type { Splits } from '../text/labels/splits.ts';
import type { Parts, TaskCard } from '../text/labels/taskCard.ts';
import { utf8Chunks } from '../text/windows/stream.ts';
import type { KeptPart, TunedTask } from './folder.ts';

/** A data set with its card; the test parts are all but `train` and `validation`. */
export interface LabelledData<Example> {
  readonly card: TaskCard;
  readonly parts: Parts<Example>;
}

/** The names of the known data sets for a task, for people. */
export const setsFor = (task: TunedTask): string =>
  taskSets
    .filter((set) => set.task === task)
    .map(({ name }) => name)
    .join(', ');

/** What is said of a task's data: the files that it reads, and what to do with a known set of another task. */
const WORDS: Readonly<Record<TunedTask, { files: string; otherTask: (given: string) => string }>> = {
  classify: {
    files: 'a .csv, .tsv or .jsonl file',
    otherTask: (given) =>
      `${given} tags words and has no labels of whole texts; give one of ${setsFor('classify')}, or a table`,
  },
  tag: {
    files: 'a file of CoNLL columns',
    otherTask: (given) => `${given} has a class for each text: npx dawnlm finetune classify --run ... ${given}`,
  },
};

/**
 * The known data set of that name; or the user's own file.
 * @throws UserError when there is no such set or file, or it cannot be learned from; UsageError when the set is for another task
 */
export async function openData<Example>(
  given: string,
  task: TunedTask,
  say: Say,
  readFile: (path: string) => Promise<LabelledData<Example>>,
): Promise<LabelledData<Example>> {
  const set = findTaskSet(given);
  if (set && set.task !== task) throw new UsageError(WORDS[task].otherTask(given));
  if (set && existsSync(given)) say(`${given} is the known set of that name; what lies here is called ./${given}`);
  if (set) return (await prepareTask(set, say)) as unknown as LabelledData<Example>;
  if (existsSync(given)) return readFile(given);
  throw new UserError(
    `There is no data set or file called "${given}". Known data sets: ${setsFor(task)}. Else give ${WORDS[task].files}.`,
  );
}

/** What a file is called in sentences. */
export const inWords = (path: string): string => (path === '-' ? 'standard input' : path);

/** A file (a folder's text files) or standard input, '-', as text, piece by piece. @throws UserError when it is missing, empty or no UTF-8 */
export const textOf = (path: string): AsyncGenerator<string> => utf8Chunks(readTextStream(path), inWords(path));

/** V8's strings hold no more UTF-16 units. */
const LONGEST_TEXT = 2 ** 29 - 24;

/** All of such a text at once. @throws UserError as `textOf` does, and when it is longer than a string can be */
export async function readText(path: string): Promise<string> {
  let text = '';
  for await (const chunk of textOf(path)) {
    if (text.length + chunk.length > LONGEST_TEXT) {
      throw new UserError(`${inWords(path)} is larger than 512 MB, which is too much at once: give it in parts.`);
    }
    text += chunk;
  }
  return text;
}

/** A text for a prompt: the line end that `echo` puts behind it is no part of it. */
export const readPrompt = async (path: string): Promise<string> =>
  (await readText(path)).replace(/(?:\r\n|\r|\n)$/, '');

/** The card of a user's own file: of its licence nothing is known. */
export const fileCard = (
  path: string,
  content: string,
  { task, note, parts, duplicates }: Pick<TaskCard, 'task' | 'note' | 'parts' | 'duplicates'>,
): TaskCard => ({
  ...{ name: path, task, source: path, licence: "unknown: the user's own file", note, parts, duplicates },
  sha256: createHash('sha256').update(content).digest('hex'),
});

/** Validation examples at most: more would take longer than the steps between two validations. */
const MOST_VALIDATED = 500;

/**
 * The first `labels` training examples of an order that the seed picks, and no more validation examples than those, as somebody
 * with so few labels would have. Without `labels` all that there are to train on.
 * @param first the first n examples of an order: `subsample`, or `subsampleAny` for examples without a class
 */
export function subsampleParts<T, P extends Splits<T>>(
  parts: P & Splits<T>,
  labels: number | undefined,
  seed: number,
  first: (examples: readonly T[], n: number, seed: number) => T[],
): P {
  const train = labels === undefined ? parts.train : first(parts.train, labels, seed);
  const validated = Math.max(1, Math.min(MOST_VALIDATED, train.length));
  return { ...parts, train, validation: first(parts.validation, validated, seed) };
}

/** What was trained, validated and tested on, as files that are kept with a run: tables, or CoNLL columns. */
export function keptParts<Example>({ card, parts }: LabelledData<Example>): Record<string, KeptPart> {
  const files = partFiles({ task: card.task, card, parts } as unknown as PreparedTask);
  return Object.fromEntries(
    Object.entries(parts).map(([part, { length }], i) => [part, { examples: length, ...files[i] }]),
  );
}
