import { expect, it } from 'vitest';
import { mix } from '../../../src/text/windows/permutation.ts';
import { LogBins } from '../../../src/trust/data/audit/lengths.ts';
import { useOf } from '../../../src/trust/data/audit/licences.ts';
import { formOf, LineLengths, RecurringLines } from '../../../src/trust/data/audit/lines.ts';

it('counts lines and their ends in pieces as in one', () => {
  const text = 'a\nbb\r\nccc\rdddd\n\n\r\nlast';
  const counted = (pieces: readonly string[]) => {
    const bins = new LogBins();
    const lines = new LineLengths(bins);
    for (const piece of pieces) lines.add(piece);
    lines.close();
    return { lines: lines.lines, ends: lines.ends, bins: bins.result(), longest: bins.longest };
  };
  const whole = counted([text]);
  expect(whole).toMatchObject({ lines: 7, ends: { lf: 3, crlf: 2, cr: 1 }, longest: 4 });
  for (const at of [1, 2, 3, 7, 8, 12, 20]) expect(counted([text.slice(0, at), text.slice(at)])).toEqual(whole);
  expect(counted([])).toMatchObject({ lines: 0, bins: [] });
  expect(counted(['x'.repeat(65536), 'y'.repeat(65536), '\n'])).toMatchObject({ lines: 1, longest: 131072 });
});

it('puts each length into the bin that begins at or below it', () => {
  for (const length of [1, 2, 3, 4, 5, 100, 1023, 1024, 5_000_001]) {
    const bins = new LogBins();
    bins.add(length);
    const [{ from, count }, ...more] = bins.result();
    expect([count, more]).toEqual([1, []]);
    expect(from).toBeLessThanOrEqual(length);
    expect(length).toBeLessThan(1.42 * (from + 1));
  }
});

it('finds the lines that recur, digits aside, each document once', () => {
  const recurring = new RecurringLines();
  for (let document = 11; document <= 22; document++) {
    for (let i = 0; i < 2; i++) recurring.add(`Page ${document} of the collected works`, document, 'a', document);
    recurring.add(`a line of its own ${'x'.repeat(document)}`, document, 'a', document);
    if (document < 20) recurring.add('not often enough to tell', document, 'a', document);
    recurring.add('-------- 12345', document, 'a', document);
  }
  expect(recurring.result()).toEqual([{ text: 'Page 00 of the collected works', documents: 12, part: 'a', line: 11 }]);
});

it('among very many lines those that recur are found, and their counts are hardly too low', () => {
  const recurring = new RecurringLines();
  const times = 400;
  for (let i = 0; i < 400_000; i++) {
    const text =
      i % 1000 === 0
        ? 'Next chapter, previous chapter'
        : `line with letters ${mix(i, 1).toString(36).replace(/\d/g, 'k')}${'q'.repeat(i % 7)}`;
    recurring.add(text, i, 'a', i + 1);
  }
  const [found] = recurring.result();
  expect(found.text).toBe('Next chapter, previous chapter');
  expect(found.documents).toBeGreaterThanOrEqual(times - 400_000 / 50_000);
  expect(found.documents).toBeLessThanOrEqual(times);
  expect(recurring.size).toBeLessThan(200_000);
});

it.each([
  ['The Project Gutenberg EBook of Moby Dick', 'Project Gutenberg'],
  ['Copyright (c) 2024 A. Person', 'licence or copyright'],
  [' * Licensed under the Apache License, Version 2.0', 'licence or copyright'],
  ['Skip to main content', 'navigation'],
  ['« Previous chapter', 'navigation'],
  ['To unsubscribe, write to us', 'mailing list'],
  ['<div class="menu">', 'markup'],
  ['We use cookies to improve your visit.', 'cookies'],
])('%s is %s', (line, form) => {
  expect(formOf(line)).toBe(form);
});

it.each([
  'The right of copyright is to be protected by law.',
  'They went home',
  'if a < b and b > c then',
  'The next chapter of this story is short.',
  'He gave her a cookie.',
])('"%s" is a line like others', (line) => {
  expect(formOf(line)).toBeUndefined();
});

it('says what licences allow by their names, and nothing of a text of which nothing is known', () => {
  expect(useOf('PDDL-1.0 (the database), CC0-1.0 (its contents)')).toBe('any use, rights in it were given up');
  expect(useOf('CC-BY-NC-4.0')).toBe('any but commercial use, with the name of the author');
  expect(useOf('names: CC0-1.0; cities: CC-BY 4.0')).toMatch(/with the name of the author/);
  expect(useOf('WordNet licence')).toBe('any use, its notice kept');
  expect(useOf("unknown: the user's own text")).toBe('unknown');
  expect(useOf('permitted, with limits')).toBe('unknown');
});
