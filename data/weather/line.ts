/** Spells of days as lines of tokens, and back. */
import { UserError } from '../../src/errors.ts';
import { quote } from '../../src/quote.ts';
import { type Day, rainOf, SKIES, seasonOf } from './days.ts';
import type { Climatology } from './forecast/series.ts';

/** Days of a spell that are known, and those that follow. */
export const HISTORY = 8;
export const AHEAD = 6;
/** Tokens of a line: when it is, five words a day, and the line's end. */
export const LINE_TOKENS = 1 + 5 * (HISTORY + AHEAD) + 1;

/** Degrees of a step of the anomaly of each temperature, and steps at most. */
const STEP = { max: 2, min: 1.5 };
const MOST_STEPS = 6;

/** Words for speeds of wind, each from a speed on; and for rain, by the millimetres in the middle of what they stand for. */
const WINDS = { calm: 0, light: 2.2, fresh: 3.4, strong: 5 };
const WIND_MIDDLES = { calm: 1.7, light: 2.8, fresh: 4.1, strong: 6.2 };
const RAINS = { '0mm': 0, '1mm': 0.05, '3mm': 2, '10mm': 6, '25mm': 16 };

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const THIRDS = ['early', 'mid', 'late'];

/** Every word of a line is one token, with what stands behind it. */
export const TOKENIZER = `pieces:(early|mid|late) [a-z]{3}: |(max|min)[+-]\\d |\\d+mm |(calm|light|fresh|strong) |(${SKIES.join('|')});`;

/** The word of a scale for a value: the last one that begins at or below it. */
const wordOf = (scale: Readonly<Record<string, number>>, value: number): string =>
  Object.entries(scale).reduce((found, [word, from]) => (value >= from ? word : found), Object.keys(scale)[0]);

/** "mid jan: " */
export function timeOf(day: number): string {
  const place = seasonOf(day) * 36;
  const third = Math.min(35, Math.floor(place));
  return `${THIRDS[third % 3]} ${MONTHS[Math.floor(third / 3)]}: `;
}

function steps(value: number, size: number): string {
  const count = Math.max(-MOST_STEPS, Math.min(MOST_STEPS, Math.round(value / size)));
  return `${count < 0 ? '-' : '+'}${Math.abs(count)}`;
}

/** "max+1 min-2 3mm light rain;" */
function wordsOf({ day, max, min, wind, rain, sky }: Day, usual: Climatology): string {
  const [usualMax, usualMin] = usual(seasonOf(day));
  const warmth = `max${steps(max - usualMax, STEP.max)} min${steps(min - usualMin, STEP.min)}`;
  return `${warmth} ${wordOf(RAINS, rain)} ${wordOf(WINDS, wind)} ${sky};`;
}

/** Days up to now as the beginning of a line, of which a model writes the rest. `days`: HISTORY or more */
export const beginOf = (days: readonly Day[], usual: Climatology): string =>
  timeOf(days.at(-1)!.day) +
  days
    .slice(-HISTORY)
    .map((day) => wordsOf(day, usual))
    .join('');

/** Every spell of HISTORY + AHEAD days as a line. */
export const linesOf = (days: readonly Day[], usual: Climatology): string =>
  days
    .slice(0, Math.max(0, days.length - HISTORY - AHEAD + 1))
    .map((_, i) => {
      const now = i + HISTORY;
      const ahead = days.slice(now, now + AHEAD).map((day) => wordsOf(day, usual));
      return `${beginOf(days.slice(i, now), usual)}${ahead.join('')}\n`;
    })
    .join('');

/** What a word of the line tells of a day: anomalies of the temperatures, and the other quantities themselves. */
export interface ToldDay {
  readonly max: number;
  readonly min: number;
  readonly wind: number;
  /** log(1 + mm) */
  readonly rain: number;
  readonly sky: string;
}

const DAY = /^max([+-]\d) min([+-]\d) (\d+)mm (calm|light|fresh|strong) ([a-z]+)$/;

/** The days that a line or its beginning tells, as far as they are whole. */
export function toldDays(line: string): ToldDay[] {
  const told: ToldDay[] = [];
  for (const words of line.replace(/^[^:]*: /, '').split(';')) {
    const found = DAY.exec(words);
    if (!found) break;
    const [, max, min, mm, wind, sky] = found;
    told.push({
      ...{ max: Number(max) * STEP.max, min: Number(min) * STEP.min, rain: rainOf(Number(mm)), sky },
      wind: WIND_MIDDLES[wind as keyof typeof WIND_MIDDLES],
    });
  }
  return told;
}

/** The season of a line: its middle, from 0 to below 1. @throws UserError for a text that does not say when it is */
export function seasonOfLine(line: string): number {
  const [, third, month] = /^(early|mid|late) ([a-z]{3})/.exec(line) ?? [];
  const place = MONTHS.indexOf(month);
  if (place < 0)
    throw new UserError(`${quote(line.slice(0, 40))} is no spell of days: it does not begin like "mid jan:".`);
  return (3 * place + THIRDS.indexOf(third) + 0.5) / 36;
}

/** The beginning of a line from words: "", "january", "early march". @throws UserError that says what can be asked for */
export function promptOf(words: string): string {
  const asked = words.trim().toLowerCase();
  if (asked === '') return '';
  const month = MONTHS.find((one) => asked.split(/\s+/).some((word) => word.startsWith(one)));
  const third = THIRDS.find((one) => asked.split(/\s+/).includes(one)) ?? 'mid';
  if (!month)
    throw new UserError(
      `${quote(words)} names no time of the year. Ask for a month, as in "january" or "early march"; "" is for any.`,
    );
  return `${third} ${month}: `;
}
