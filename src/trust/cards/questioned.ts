/** What a model said when it was questioned (`dawnlm trust`), as sections of its card. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { exact, figure } from '../../report/format.ts';
import {
  banded,
  GROUP_HEADINGS,
  groupRows,
  labelSentences,
  ownHeadings,
  ownRows,
  PAIR_HEADINGS,
  pairRows,
} from '../../report/trust/biasWords.ts';
import { TRUST_FILE, TrustCard } from '../../report/trust/card.ts';
import { type CardBlock, notMeasured, table, text } from '../../report/trust/cardDocument.ts';
import { memoryInWords } from '../../report/trust/memoryWords.ts';
import { saidInWords } from '../../report/trust/saidWords.ts';
import { readJson, weightsFile } from '../../train/runFolder.ts';

/** Files that were written at once may bear times that differ by so much. */
const AT_ONCE_MS = 2000;

/**
 * What was found of the weights that a folder holds; undefined where nobody asked, or they were trained on since.
 * @throws UserError when the file is damaged
 */
export async function trustOf(folder: string): Promise<TrustCard | undefined> {
  const [asked, trained] = await Promise.all([TRUST_FILE, weightsFile(folder)].map((file) => writtenAt(folder, file)));
  if (asked === undefined || (trained !== undefined && asked + AT_ONCE_MS < trained)) return undefined;
  return readJson(folder, TRUST_FILE, TrustCard);
}

const writtenAt = (folder: string, file: string): Promise<number | undefined> =>
  stat(join(folder, file)).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );

/** In words, and canaries by how often they were planted. */
export function memoryBlocks(memory: TrustCard['memory']): CardBlock[] {
  if (!memory) return [notMeasured('dawnlm trust --only memory')];
  const rows = memory.canaries?.rows.map(({ times, rank, exposure }) => [
    ...[times === 0 ? 'never (control)' : `${times} times`, figure(rank), exposure.toFixed(1)],
  ]);
  return [
    ...memoryInWords(memory).map(text),
    ...(rows ? [table(['Canary planted', 'Rank', 'Exposure, bits'], rows)] : []),
  ];
}

/** Toxic and private strings in samples, and how much they repeat themselves. */
export const saidBlocks = (said: TrustCard['said']): CardBlock[] =>
  said ? saidInWords(said).map(text) : [notMeasured('dawnlm trust --only said')];

/** A row each kind of pairs, beside the same difference in the text's own counts; and labels by group. */
export function biasBlocks(bias: TrustCard['bias']): CardBlock[] {
  const { pairs = [], own, labels } = bias ?? {};
  const blocks = [
    ...(pairs.length > 0 ? [table(PAIR_HEADINGS, pairRows(pairs))] : []),
    ...(own ? [table(ownHeadings(own), ownRows(own))] : []),
    ...(labels && labels.groups.length > 0 ? [table(GROUP_HEADINGS, groupRows(labels.groups))] : []),
    ...(labels ? labelSentences(labels).map(text) : []),
  ];
  return blocks.length > 0 ? blocks : [notMeasured('dawnlm trust --only bias')];
}

/** What the training text itself has near the two sides, where it was counted. */
export const countsInWords = (bias: TrustCard['bias']): string[] =>
  (bias?.pairs ?? [])
    .filter(({ text: { near } }) => near.first + near.second > 0)
    .map(
      ({ name, first, second, text: { near } }) =>
        `${name}: near ${first} ${exact(near.first)} times, near ${second} ${exact(near.second)} times; log ratio ${banded(near.logRatio)}.`,
    );
