import { describe, expect, it } from 'vitest';
import { UsageError, UserError } from '../../../src/errors.ts';
import {
  countLabels,
  readTable,
  readTexts,
  requireClasses,
  shuffled,
  tableFormat,
  writeTable,
} from '../../../src/text/labels/labelled.ts';

const columns = { text: 'text', label: 'label' };
const csv = (content: string, names = columns) => readTable(content, 'csv', names, 'data.csv');
const jsonl = (content: string) => readTable(content, 'jsonl', columns, 'data.jsonl');

describe('a CSV table', () => {
  it('may have quotes, separators and line ends in a field, in any column', () => {
    const content = 'id,label,text\n1,good,"She said ""yes"", twice"\n2,bad,"two\nlines"\n';
    expect(csv(content)).toEqual([
      { text: 'She said "yes", twice', label: 'good' },
      { text: 'two\nlines', label: 'bad' },
    ]);
  });

  it.each([
    ['a byte order mark and line ends of Windows', '\uFEFFtext,label\r\none,a\r\ntwo,b\r\n'],
    ['line ends of old Macs', 'text,label\rone,a\rtwo,b'],
    ['blank lines', 'text,label\n\none,a\n\ntwo,b\n\n'],
    ['semicolons', 'text;label\none;a\ntwo;b\n'],
    ['columns without a name', ',text,label,\n1,one,a,2\n3,two,b,4\n'],
    ['spaces around', ' text , label \n one , a\ntwo,b \n'],
  ])('may have %s', (_, content) => {
    expect(csv(content)).toEqual([
      { text: 'one', label: 'a' },
      { text: 'two', label: 'b' },
    ]);
  });

  it('survives being written and read', () => {
    const examples = [
      { text: 'a "quote", a comma\nand a line', label: 'x;y' },
      { text: '-', label: 'ä' },
    ];
    expect(csv(writeTable(examples))).toEqual(examples);
  });

  it.each([
    ['a missing column', 'body,class\na,b\n', /^data\.csv has no column "text"; its columns are "body", "class"$/],
    ['two columns of one name', 'text,label,text\na,b,c\n', /^data\.csv has two columns "text"/],
    ['a row that is too short', 'text,label\n"a\nb",x\nalone\n', /data\.csv, line 4: 1 fields, but .* 2 columns/],
    ['a row that is too long', 'text,label\na,b,c\n', /data\.csv, line 2: 3 fields/],
    ['an open quote', 'text,label\na,b\n"open,b\nc,d\n', /data\.csv, line 3: a quote is opened and not closed/],
    ['a quote in the middle', 'text,label\n"a"b,c\n', /data\.csv, line 2: a quote/],
    ['an empty text', 'text,label\na,b\n ,b\n', /data\.csv: "text" is empty in line 3; .* delete that row/],
    ['empty labels', 'text,label\na,\n"b\nb",\nc,x\n', /data\.csv: "label" is empty in lines 2, 3; /],
    ['no rows', 'text,label\n', /data\.csv holds no examples/],
    ['nothing', '', /data\.csv is empty/],
  ])('with %s is refused', (_, content, sentence) => {
    expect(() => csv(content)).toThrow(UserError);
    expect(() => csv(content)).toThrow(sentence);
  });

  it('names at most five lines', () => {
    expect(() => csv(`text,label\n${',x\n'.repeat(9)}`)).toThrow(/lines 2, 3, 4, 5, 6 and 4 more/);
  });
});

it('a TSV table is separated by tabs, commas being text', () => {
  expect(readTable('text\tlabel\na, b\tx\n', 'tsv', columns)).toEqual([{ text: 'a, b', label: 'x' }]);
});

describe('JSON lines', () => {
  it('may hold numbers and truth values as labels, more fields, and blank lines', () => {
    expect(jsonl('{"text":"a","label":1,"id":7}\r\n\n{"label":false,"text":"b"}')).toEqual([
      { text: 'a', label: '1' },
      { text: 'b', label: 'false' },
    ]);
  });

  it.each([
    ['a broken line', '{"text":"a","label":"b"}\n{"text":\n', /data\.jsonl, line 2: it is not JSON/],
    ['a list', '["a","b"]', /line 1: a JSON object was expected/],
    ['a missing field', '{"text":"a"}', /data\.jsonl, line 1, has no column "label"; its columns are "text"/],
    ['null', '{"text":null,"label":"x"}', /line 1: "text" must be a text, but it is null/],
    ['an object for a text', '{"text":{},"label":"x"}', /line 1: "text" must be a text, but it is of type object/],
  ])('with %s are refused', (_, content, sentence) => expect(() => jsonl(content)).toThrow(sentence));
});

it('texts are read without labels for prediction', () => {
  expect(readTexts('id,text\n1,a\n2,b\n', 'csv', 'text')).toEqual(['a', 'b']);
  expect(() => readTexts('id,text\n1,a\n2, \n', 'csv', 'text')).toThrow('"text" is empty in line 3');
});

it('the format is told by the ending', () => {
  expect([tableFormat('a/b.CSV'), tableFormat('x.tsv'), tableFormat('x.y.jsonl')]).toEqual(['csv', 'tsv', 'jsonl']);
  expect(() => tableFormat('data.xlsx')).toThrow(UsageError);
});

it('labels are counted, the most frequent first', () => {
  const examples = ['b', 'a', 'c', 'c'].map((label) => ({ text: 'x', label }));
  expect([...countLabels(examples)]).toEqual([
    ['c', 2],
    ['a', 1],
    ['b', 1],
  ]);
});

it('one class alone is refused', () => {
  const one = [{ text: 'a', label: 'x' }];
  expect(() => requireClasses(one, 'data.csv')).toThrow(/data\.csv has one class only \("x"\)/);
  expect(() => requireClasses([...one, { text: 'b', label: 'y' }], 'data.csv')).not.toThrow();
});

it('a shuffle is a permutation that the seed picks', () => {
  const items = Array.from({ length: 500 }, (_, i) => i);
  const once = shuffled(items, 3);
  expect(shuffled(items, 3)).toEqual(once);
  expect(shuffled(items, 4)).not.toEqual(once);
  expect([...once].sort((a, b) => a - b)).toEqual(items);
  const fixed = Array.from({ length: 50 }, (_, seed) => shuffled(items, seed).filter((item, i) => item === i).length);
  expect(fixed.reduce((a, b) => a + b) / 50).toBeLessThan(2); // 1 is expected of a random permutation
});
