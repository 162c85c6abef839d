import { describe, expect, it } from 'vitest';
import { splitTable } from '../../../src/tasks/classify/data.ts';
import { subsampleParts } from '../../../src/tasks/data.ts';
import { subsample } from '../../../src/text/labels/splits.ts';
import { animalTexts } from '../texts.ts';

const COLUMNS = { text: 'body', label: 'kind' };
const rows = Array.from({ length: 40 }, (_, i) => `text number ${i},${i % 2 ? 'odd' : 'even'}`);
const csv = (lines: readonly string[]) => ['body,kind', ...lines].join('\n');

describe('splitTable', () => {
  it('splits by class without repeated texts, and says in the card what it left out', () => {
    const { parts, card } = splitTable(csv([...rows, rows[0], 'text number 1,even']), 'mails.csv', COLUMNS);
    const sizes = [parts.train, parts.validation, parts.test].map((part) => part.length);
    expect(sizes).toEqual([27, 6, 6]);
    expect(card.duplicates).toEqual({ within: 1, across: 0, conflicting: 2 });
    expect(card.parts.test.labels).toEqual({ even: 3, odd: 3 });
    expect(splitTable(csv([...rows]), 'mails.csv', COLUMNS).parts).toEqual(
      splitTable(csv([...rows]), 'a.csv', COLUMNS).parts,
    );
  });

  it('keeps texts that differ in a sign alone, and reads what spreadsheets add', () => {
    const orders = Array.from({ length: 24 }, (_, i) => [`order ${i} came :),happy`, `order ${i} came :(,sad`]).flat();
    const signs = ['👍', '👎', '!', '?'].flatMap((sign) => [`late ${sign},sad`, `LATE ${sign},happy`]);
    const rows = ['body;kind', ...[...orders, ...signs].map((row) => row.replace(/,(?=\w+$)/, ';')), ';', ' ; '];
    const { parts, card } = splitTable(`sep=;\r\n${rows.join('\n')}\r`, 'mails.csv', COLUMNS);
    expect(parts.train.length + parts.validation.length + parts.test.length).toBe(56);
    expect(card.duplicates).toEqual({ within: 0, across: 0, conflicting: 0 });
  });

  it('refuses tables that nothing can be learned from', () => {
    const split = (content: string) => () => splitTable(content, 'mails.csv', COLUMNS);
    expect(split('text,kind\na,b')).toThrow('mails.csv has no column "body"; its columns are "text", "kind"');
    expect(split(csv(['a,b', 'c,b']))).toThrow('mails.csv has one class only ("b")');
    expect(split(csv(['a,b', 'c,d']))).toThrow('fewer than 3 different texts of each class');
    expect(split(csv(['a,b', 'a,c']))).toThrow('mails.csv without its duplicates has no texts left');
    expect(split(csv(['a,b', ',d']))).toThrow('"body" is empty in line 3');
  });
});

it('subsamples so that fewer are a part of more', () => {
  const parts = animalTexts();
  const [few, more] = [subsampleParts(parts, 8, 3, subsample), subsampleParts(parts, 16, 3, subsample)];
  expect(more.train).toEqual(expect.arrayContaining([...few.train]));
  expect([few.validation.length, few.test]).toEqual([8, parts.test]);
  expect(few.train).not.toEqual(more.train);
  expect(few).toEqual(subsampleParts(parts, 8, 3, subsample));
  expect(subsampleParts(parts, undefined, 3, subsample).train).toEqual(parts.train);
});
