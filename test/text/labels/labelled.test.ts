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

/** Whole numbers below a bound, the same for a seed. */
function randomIndex(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

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
    ['line ends of all systems', 'text,label\r\none,a\rtwo,b\n'],
    ['another line end at its end', 'text,label\none,a\ntwo,b\r\n'],
    ['lines that end twice', 'text,label\r\r\none,a\r\r\ntwo,b\r\r\n'],
    ["Excel's first line", 'sep=;\r\ntext;label\none;a\ntwo;b\n'],
    ["Excel's first line in quotes, behind a mark", '\uFEFF"sep=|"\ntext|label\none|a\ntwo|b'],
    ['tabs', 'text\tlabel\none\ta\ntwo\tb\n'],
    ['semicolons, and commas in another name', 'text;label;this, that\none;a;1,5\ntwo;b;\n'],
    ['quoted names and semicolons', '"text";"label"\n"one";"a"\n"two" ;b\n'],
    ['rows of separators', 'text,label\n,\none,a\n , \ntwo,b\n,,,\n"",""\n,'],
    ['separators at the end of rows', 'text,label\none,a,\ntwo,b,,\n'],
  ])('may have %s', (_, content) => {
    expect(csv(content)).toEqual([
      { text: 'one', label: 'a' },
      { text: 'two', label: 'b' },
    ]);
  });

  it('may have line ends of all systems in a field, which stay as they are', () => {
    const content = 'text,label\r\n"a\r\nb\rc\nd",x\n"e",y\rf,"z\n"\n';
    expect(csv(content).map(({ text, label }) => [text, label])).toEqual([
      ['a\r\nb\rc\nd', 'x'],
      ['e', 'y'],
      ['f', 'z'],
    ]);
    expect(() => csv(`${content}alone`)).toThrow(/line 9: 1 fields/);
  });

  it('takes quotes for letters where they enclose nothing, or somebody says so', () => {
    expect(csv('text,label\n5" wide,a\nsay "hi",b\n').map(({ text }) => text)).toEqual(['5" wide', 'say "hi"']);
    const letters = readTable('text,label\n"open,a\n"shut",b\n', 'csv', { ...columns, quotes: false });
    expect(letters.map(({ text }) => text)).toEqual(['"open', '"shut"']);
  });

  it('has the cells that were written, whatever they hold and however lines end', () => {
    const random = randomIndex(3);
    const pick = <T>(from: readonly T[]): T => from[random(from.length)];
    for (let round = 0; round < 200; round++) {
      const cell = () =>
        `a${Array.from({ length: random(4) }, () => pick([...',;\t|"\r\n b', '""', '\r\n'])).join('')}b`;
      const examples = Array.from({ length: 1 + random(6) }, () => ({ text: cell(), label: cell() }));
      const separator = pick([',', ';', '\t', '|']);
      const quote = (text: string) =>
        random(2) || /^"|[,;\t|\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
      const rows = examples.map(({ text, label }) => [quote(label), quote(text)].join(separator));
      const blank = pick(['', separator, '  ', `"" ${separator}`]);
      const lines = [pick(['', `sep=${separator}`]), `label${separator}text`, ...rows, blank].filter(Boolean);
      const content = lines.map((line) => line + pick(['\n', '\r\n', '\r', '\n\n'])).join('');
      expect(csv(content), JSON.stringify(content)).toEqual(examples);
    }
  });

  it('takes as many rows as there are', () => {
    const rows = csv(`text,label\n${'"one, two",a\r\n'.repeat(200_000)}`);
    expect(rows).toHaveLength(200_000);
  });

  it('survives being written and read', () => {
    const examples = [
      { text: 'a "quote", a comma\nand a line', label: 'x;y' },
      { text: '-', label: 'ä' },
      { text: 'a\rb\r\nc', label: '\uFEFF' },
    ];
    expect(csv(writeTable(examples.slice(0, 2)))).toEqual(examples.slice(0, 2));
    expect(writeTable(examples)).toBe(
      'text,label\n"a ""quote"", a comma\nand a line",x;y\n-,ä\n"a\rb\r\nc","\uFEFF"\n',
    );
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

describe('a TSV table', () => {
  const tsv = (content: string, quotes?: boolean) =>
    readTable(content, 'tsv', { ...columns, quotes }, 'data.tsv').map(({ text, label }) => `${text}|${label}`);

  it('is separated by tabs, commas being text', () => {
    expect(tsv('text\tlabel\na, b\tx\n')).toEqual(['a, b|x']);
  });

  it('has quotes for letters, as data sets ship it, unless its names are quoted or somebody says otherwise', () => {
    const content = 'text\tlabel\n"Great apples, she said\tfruit\nand more\trail\n"a"\tb\n';
    expect(tsv(content)).toEqual(['"Great apples, she said|fruit', 'and more|rail', '"a"|b']);
    expect(tsv('text\tlabel\n"a\n""b"""\tx\n', true)).toEqual(['a\n"b"|x']);
    expect(() => tsv(content, true)).toThrow(/data\.tsv, line 2: a quote is opened .*--no-quotes/);
    expect(tsv('"text"\t"label"\n"a\tb"\t"x"\n')).toEqual(['a\tb|x']);
    expect(() => tsv('text\tlabel\n"a\tb"\tx\n')).toThrow(/line 2: 3 fields.*--quotes/);
  });
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
  expect(readTexts('id,text\n1,a\n2,b\n', 'csv', columns)).toEqual(['a', 'b']);
  expect(() => readTexts('id,text\n1,a\n2, \n', 'csv', columns)).toThrow('"text" is empty in line 3');
  expect(readTexts('text\r\nfirst\nsecond\rthird', 'csv', columns)).toEqual(['first', 'second', 'third']);
  expect(() => readTexts('text\n', 'csv', columns, 'x.csv')).toThrow(/^x\.csv holds no texts/);
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
