import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { lossCurve } from '../../../src/cli/terminal/lossCurve.ts';
import type { LogRecord } from '../../../src/report/logRecord.ts';

const log = (losses: readonly number[], validations: Readonly<Record<number, number>> = {}): LogRecord[] =>
  losses.map((loss, i) => ({ step: i + 1, tokens: 0, timeMs: 0, loss, validationLoss: validations[i + 1] }));

const falling = log(
  Array.from({ length: 500 }, (_, i) => 1.5 + 3 * Math.exp(-i / 80)),
  { 100: 2.6, 200: 1.9, 300: 1.75, 400: 1.8, 500: 1.9 },
);

it('draws a falling loss from the top left to the bottom right', () => {
  const lines = lossCurve(falling, 60, 15).split('\n');
  expect(lines).toHaveLength(15);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
  const plot = lines.slice(0, 12).map((line) => line.slice(line.search(/[│┤]/) + 1));
  expect(plot[0]).toMatch(/^[\u2801-\u28ff] *$/);
  expect(plot[11].trimStart()).toMatch(/^[\u2801-\u28ff]+$/);
  expect(plot[11]).toHaveLength(Math.max(...plot.map((line) => line.length)));
  expect(plot.join('').match(/•/g)).toHaveLength(5);
});

it('labels both axes and says the last and the best loss', () => {
  const text = lossCurve(falling, 80, 20);
  expect(text).toMatch(/^ *2\.0 ┤/m);
  expect(text).toMatch(/^ +0 +100 +200 +300 +400 +500$/m);
  expect(text).toContain('training 1.5');
  expect(text).toContain('• validation 1.900, best 1.750 at step 300');
});

it('puts each step in its column and each loss in its row', () => {
  const lines = lossCurve(log([4, 4, 4, 4, 4, 4, 4, 4, 4, 2]), 33, 8).split('\n');
  const [top, bottom] = [lines[0], lines[4]].map((line) => line.slice(line.search(/[│┤]/) + 1));
  expect(top.length).toBeGreaterThan(24);
  expect(bottom.trim().length).toBeLessThanOrEqual(2);
  expect(bottom.length).toBeGreaterThan(top.length);
});

it('colours only when told to', () => {
  expect(lossCurve(falling, 60, 15)).not.toContain('\x1b');
  const colored = lossCurve(falling, 60, 15, true);
  expect(colored).toContain('\x1b[34m');
  expect(stripVTControlCharacters(colored)).toBe(lossCurve(falling, 60, 15));
});

it.each<[string, LogRecord[]]>([
  ['one step', log([3])],
  ['two steps', log([3, 2])],
  ['all the same', log([2, 2, 2, 2])],
  ['holes', log([4, Number.NaN, 3, Number.POSITIVE_INFINITY, 2])],
  ['an explosion', log([4, 3, 2, 1e30])],
  ['nearly the same', log([2, 2.00001, 2.00002])],
  ['only validation', [{ step: 1000, tokens: 0, timeMs: 0, validationLoss: 1.5 }]],
  ['100,000 steps', log(Array.from({ length: 100_000 }, (_, i) => 4 - Math.log10(i + 1)))],
])('stays within its bounds with %s', (_, records) => {
  for (const [width, height] of [
    [80, 20],
    [40, 8],
    [3, 1],
  ]) {
    const lines = lossCurve(records, width, height).split('\n');
    expect(lines.join()).not.toMatch(/NaN|undefined|Infinity/);
    expect(lines.length).toBeLessThanOrEqual(Math.max(6, height));
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(Math.max(30, width));
  }
});

it('has nothing to draw without losses', () => {
  expect(lossCurve([], 80, 20)).toBe('');
  expect(lossCurve(log([Number.NaN]), 80, 20)).toBe('');
});
