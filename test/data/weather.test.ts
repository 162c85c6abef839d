import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Day, readDays, seasonOf } from '../../data/weather/days.ts';
import { weather } from '../../data/weather/domain.ts';
import { drawSpells } from '../../data/weather/draw.ts';
import {
  AHEAD,
  beginOf,
  HISTORY,
  LINE_TOKENS,
  linesOf,
  promptOf,
  seasonOfLine,
  TOKENIZER,
  toldDays,
} from '../../data/weather/line.ts';
import { UserError } from '../../src/errors.ts';
import { trainTokenizer } from '../../src/text/tokenizers/tokenizer.ts';

const folder = mkdtempSync(join(tmpdir(), 'dawnlm-weather-'));
afterAll(() => rmSync(folder, { recursive: true }));

const HEADER = 'date,precipitation,temp_max,temp_min,wind,weather';
const table = (...rows: string[]): string => [HEADER, ...rows].join('\n');
const FIRST = Date.UTC(2020, 1, 20) / 86_400_000;
const made: Day[] = Array.from({ length: 20 }, (_, i) => ({
  ...{ day: FIRST + i, max: 10 + (i % 5) * 2, min: 4 - (i % 3) * 1.5, wind: 1 + i / 3, rain: i % 4 ? 0 : i },
  sky: i % 4 ? 'sun' : 'rain',
}));
const usual = (): Float32Array => Float32Array.of(12, 3, 3, 0.5);

describe('a table of days', () => {
  it('is read, whatever the order of its columns', () => {
    const [day] = readDays(
      'weather;wind;temp_min;temp_max;precipitation;date\nsun;1.5;-2;3.5;0.2;2020-02-29\n',
      'x.csv',
    );
    expect(day).toEqual({
      day: Date.UTC(2020, 1, 29) / 86_400_000,
      max: 3.5,
      min: -2,
      wind: 1.5,
      rain: 0.2,
      sky: 'sun',
    });
  });

  it.each([
    [
      'no column',
      'date,wind\n2020-01-01,3',
      'x.csv is no table of days: it has no column precipitation, temp_max, temp_min, weather.',
    ],
    [
      'an empty cell',
      table('2020-01-01,0,5,1,3,sun', '2020-01-02,0,,1,3,sun'),
      'x.csv, line 3: temp_max is missing on "2020-01-02". Days must have no gaps',
    ],
    [
      'a missing day',
      table('2020-02-28,0,5,1,3,sun', '2020-03-01,0,5,1,3,sun'),
      'x.csv, line 3: 2020-02-29 is missing, 2020-03-01 comes after 2020-02-28. Days must have no gaps.',
    ],
    [
      'a day twice',
      table('2020-01-01,0,5,1,3,sun', '2020-01-01,0,5,1,3,sun'),
      'x.csv, line 3: 2020-01-01 comes after 2020-01-01. Days must stand in order, each once.',
    ],
    [
      'a word for a number',
      table('2020-01-01,0,5,warm,3,sun'),
      'x.csv, line 2: temp_min is "warm", but degrees Celsius from -80 to 70 was expected.',
    ],
    [
      'an unknown sky',
      table('2020-01-01,0,5,1,3,hail'),
      'x.csv, line 2: weather is "hail", but one of drizzle, fog, rain, snow, sun was expected.',
    ],
    [
      'a date of its own',
      table('1.1.2020,0,5,1,3,sun'),
      'x.csv, line 2: date is "1.1.2020", but a date like 2015-12-31 was expected.',
    ],
    ['a text', 'Call me Ishmael.\n', 'x.csv is no table of days'],
  ])('with %s gets a sentence', (_, content, sentence) => {
    expect(() => readDays(content, 'x.csv')).toThrow(UserError);
    expect(() => readDays(content, 'x.csv')).toThrow(sentence);
  });
});

describe('spells', () => {
  it('become lines, and tell what they were, to a step', () => {
    const lines = linesOf(made, usual).trimEnd().split('\n');
    expect(lines.length).toBe(made.length - HISTORY - AHEAD + 1);
    expect(lines[0]).toMatch(/^late feb: max-1 min\+1 0mm calm rain;max\+0 min\+0 0mm calm sun;/);
    lines.forEach((line, i) => {
      expect(line.startsWith(beginOf(made.slice(0, i + HISTORY), usual))).toBe(true);
      const told = toldDays(line);
      expect(told.length).toBe(HISTORY + AHEAD);
      told.forEach((day, k) => {
        const { max, min, rain, sky } = made[i + k];
        expect(Math.abs(day.max - (max - 12))).toBeLessThanOrEqual(1);
        expect(Math.abs(day.min - (min - 3))).toBeLessThanOrEqual(0.75);
        expect([day.rain > 0, day.sky]).toEqual([rain > 0, sky]);
      });
      expect(Math.abs(seasonOfLine(line) - seasonOf(made[i + HISTORY - 1].day))).toBeLessThan(1 / 36);
    });
  });

  it('are of as many tokens as a window has', async () => {
    const text = linesOf(made, usual);
    const tokenizer = await trainTokenizer(TOKENIZER, async function* () {
      yield text;
    });
    for (const line of text.trimEnd().split('\n')) expect(tokenizer.encode(`${line}\n`).length).toBe(LINE_TOKENS);
    expect(weather.settings.blockSize).toBe(LINE_TOKENS);
  });

  it('that break off tell the days that are whole', () => {
    expect(toldDays('mid jan: max+1 min-2 3mm light rain;max+0 min').map(({ max, min }) => [max, min])).toEqual([
      [2, -3],
    ]);
    expect(toldDays('mid jan: rain and more rain')).toEqual([]);
  });

  it('begin with a time that words ask for', () => {
    expect(['', 'January', 'early march', 'late  SEP'].map(promptOf)).toEqual([
      '',
      'mid jan: ',
      'early mar: ',
      'late sep: ',
    ]);
    expect(() => promptOf('a storm')).toThrow('"a storm" names no time of the year. Ask for a month');
  });

  it('are drawn as SVG, those that begin alike in one picture', () => {
    const [line] = linesOf(made, usual).split('\n');
    const other = line.replace(/max.0 min.0 0mm \w+ rain;$/, 'max+5 min+5 0mm calm snow;');
    expect(drawSpells([line, other], usual).match(/days from now/g)?.length).toBe(1);
    const svg = drawSpells([line, line.replace('late', 'mid')], usual);
    expect(svg.match(/days from now/g)?.length).toBe(2);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" /);
    expect(svg).not.toContain('NaN');
  });
});

it("a user's file becomes spells, or a sentence", async () => {
  const path = join(folder, 'days.csv');
  const row = ({ day, max, min, wind, rain, sky }: Day): string =>
    [new Date(day * 86_400_000).toISOString().slice(0, 10), rain, max, min, wind, sky].join(',');
  writeFileSync(path, table(...made.map(row)));
  const text = await weather.read!(path);
  expect(text.split('\n').length - 1).toBe(made.length - HISTORY - AHEAD + 1);
  const begin = await weather.begin!(path);
  expect(toldDays(begin).length).toBe(HISTORY);
  await weather.drawing!.draw([begin], join(folder, 'days.svg'));
  expect(readFileSync(join(folder, 'days.svg'), 'utf8')).toContain('no day ahead is told');
  writeFileSync(path, table(...made.slice(0, 5).map(row)));
  await expect(weather.begin!(path)).rejects.toThrow('holds 5 days, but 8 in a row are needed');
  await expect(weather.read!(join(folder, 'none.csv'))).rejects.toThrow('none.csv cannot be read (ENOENT)');
});
