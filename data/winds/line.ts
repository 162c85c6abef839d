/** Spells of months as lines of letters, and back. */
import { UserError } from '../../src/errors.ts';
import { quote } from '../../src/quote.ts';
import { anomalies, range, type Series } from '../weather/forecast/series.ts';
import { climatologyWithout, TRAIN_END } from './climate.ts';
import { monthNames } from './fields.ts';
import { type Codebook, MONTH_LETTERS, PATCHES } from './patches.ts';

/** Months that are known: what lasted is their mean. */
export const HISTORY = 12;
/** Months that are forecast. */
export const AHEAD = 6;
/** Tokens of a line: the month that is now, what lasted, what is now, what comes, and the line's end. */
export const LINE_TOKENS = 1 + PATCHES * (2 + AHEAD) + 1;

/** The mean of so many months up to `now`. */
export function lasting(fields: readonly Float32Array[], now: number, months = HISTORY): Float32Array {
  const own = fields.slice(Math.max(0, now - months + 1), now + 1);
  const sum = new Float32Array(fields[now].length);
  for (const field of own) for (let i = 0; i < sum.length; i++) sum[i] += field[i] / own.length;
  return sum;
}

/** The month `now` and what is known of it as the beginning of a line. `fields`: anomalies of steps in order, `month` that of the step `now` */
export const beginOf = (fields: readonly Float32Array[], now: number, month: number, codebook: Codebook): string =>
  MONTH_LETTERS[month % 12] + codebook.encode(lasting(fields, now)) + codebook.encode(fields[now]);

/**
 * Every spell as a line of which what comes lies in the steps [first, end); what is known may lie before. Of training months,
 * anomalies are those against the other years.
 */
export function linesOf(series: Series, codebook: Codebook, first: number, end: number): string {
  const usualOutside = climatologyWithout(series);
  const lines = range(Math.max(first, HISTORY) - 1, end - AHEAD).map((now) => {
    const begin = now - HISTORY + 1;
    const last = now + AHEAD + 1;
    const usual = now < TRAIN_END ? climatologyWithout(series, begin, last) : usualOutside;
    const own = anomalies({ steps: series.steps.slice(begin, last), season: series.season.slice(begin, last) }, usual);
    const month = Math.round(series.season[now] * 12);
    const ahead = range(HISTORY, own.length).map((t) => codebook.encode(own[t]));
    return `${beginOf(own, HISTORY - 1, month, codebook)}${ahead.join('')}\n`;
  });
  return lines.join('');
}

/** The beginning of a line that tells what is known. */
export const knownOf = (line: string): string => line.slice(0, 1 + 2 * PATCHES);

/** The fields that a line, or its beginning, tells: the month that is now, from 0, and what lasted, what is now, what comes. */
export function toldFields(line: string, codebook: Codebook): { month: number; fields: Float32Array[] } {
  const month = MONTH_LETTERS.indexOf(line[0] ?? '?');
  if (month < 0)
    throw new UserError(`${quote(line.slice(0, 20))} is no spell of months: it begins with none of ${MONTH_LETTERS}.`);
  const whole = Math.floor((line.trimEnd().length - 1) / PATCHES);
  return {
    month,
    fields: range(0, whole).map((i) => codebook.decode(line.slice(1 + i * PATCHES, 1 + (i + 1) * PATCHES))),
  };
}

/** The beginning of a line from words: "" or the name of a month. @throws UserError that says what can be asked for */
export function promptOf(words: string): string {
  const asked = words.trim().toLowerCase();
  if (asked === '') return '';
  const month = monthNames.findIndex((name) => asked.length > 2 && name.toLowerCase().startsWith(asked));
  if (month < 0) throw new UserError(`${quote(words)} is no month. Ask for one, as in "january"; "" is for any.`);
  return MONTH_LETTERS[month];
}
