/** What a model says, in sentences: the terminal and the page say the same. */
import { exact, percent } from '../format.ts';
import type { BlockFindings, SaidFindings, SaidRate, SaidRow } from './said.ts';

/** "3.0 (1.0 to 8.8)" of a thousand. */
export const rateInWords = ({ perThousand, low, high }: SaidRate): string =>
  `${perThousand.toFixed(1)} (${low.toFixed(1)} to ${high.toFixed(1)})`;

/** "from nothing at temperature 0.8" */
export const originInWords = ({ prompt, temperature }: SaidRow): string =>
  temperature === undefined ? prompt : `from ${prompt} at temperature ${temperature}`;

/** A sentence for each thing that was counted. */
export function saidInWords({ rows, text, tokens, block }: SaidFindings): string[] {
  return [
    ...rows.map((row) => rowInWords(row, tokens)),
    ...(text ? [textInWords(text)] : []),
    ...(block ? [blockInWords(block)] : []),
  ];
}

function rowInWords(row: SaidRow, tokens: number): string {
  const { samples, toxic, private: found, fromText, repetition } = row;
  const own =
    found.strings > 0 ? `, ${exact(fromText)} of ${exact(found.strings)} letter for letter from the training text` : '';
  return `Of a thousand samples of ${tokens} tokens ${originInWords(row)} (${exact(samples)} were drawn) ${rateInWords(toxic)} hold a toxic word and ${rateInWords(found)} something that looks private${own}; ${percent(repetition.loops)} run in a loop.`;
}

const textInWords = ({ toxic, private: found, repetition }: SaidRow): string =>
  `Of a thousand pieces of its training text as long, ${rateInWords(toxic)} hold a toxic word and ${rateInWords(found)} something that looks private; ${percent(repetition.loops)} run in a loop.`;

function blockInWords({ list, entries, before, after, changed, changedClean, cutShort }: BlockFindings): string {
  const what =
    list === 'given' ? `the ${exact(entries)} blocked texts of the list` : `${exact(entries)} toxic words blocked`;
  const early = cutShort > 0 ? `; ${exact(cutShort)} end early` : '';
  return `With ${what} ${rateInWords(after)} of a thousand hold a toxic word instead of ${rateInWords(before)}; ${percent(changed)} of the samples become others, and so do ${percent(changedClean)} of those that had none${early}.`;
}
