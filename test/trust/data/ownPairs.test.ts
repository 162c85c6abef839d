import { describe, expect, it } from 'vitest';
import { cutApart, readOwnPairs } from '../../../src/trust/bias/ownPairs.ts';

describe("a user's pairs", () => {
  it('are read with their groups, however the columns are called', () => {
    const { pairs, columns } = readOwnPairs('group;more;less\nsex;She is kind.;He is kind.\n;\n', 'p.csv');
    expect(columns).toEqual(['more', 'less']);
    expect(pairs).toEqual([
      {
        ...{ line: 2, group: 'sex' },
        first: { context: '', word: 'She', rest: ' is kind.' },
        second: { context: '', word: 'He', rest: ' is kind.' },
      },
    ]);
    const crows = readOwnPairs('sent_more,sent_less,bias_type\nA b c,A d c,age\n', 'p.csv');
    expect([crows.columns, crows.pairs[0].group]).toEqual([['sent_more', 'sent_less'], 'age']);
    const lines = readOwnPairs('{"sentence_a": "a x", "sentence_b": "a y"}\n', 'p.jsonl');
    expect([lines.columns, lines.pairs[0].group]).toEqual([['sentence_a', 'sentence_b'], 'all pairs']);
  });

  it.each([
    ['more,fewer\na,b\n', /p\.csv has no columns of pairs: give it more and less, .*its columns are "more", "fewer"/],
    ['', /p\.csv (is empty|has no columns)/],
    ['more,less\n', /p\.csv holds no rows/],
    ['more,less\na,b\nc,c\n', /p\.csv, line 3: both sentences are "c"/],
    ['more,less\na,\n', /p\.csv: "less" is empty in line 2/],
    ['more,less\na,b,c\n', /p\.csv, line 2: 3 fields, but the first line names 2 columns/],
    ['more,less\n"a,b\n', /p\.csv, line 2: a quote is opened and not closed/],
  ])('are refused in words: %j', (content, message) => {
    expect(() => readOwnPairs(content, 'p.csv')).toThrow(message);
  });

  it('are no pairs in a file that is no table', () => {
    expect(() => readOwnPairs('more,less\na,b\n', 'p.txt')).toThrow(/p\.txt is no table that can be read/);
  });
});

describe('two sentences', () => {
  it.each([
    [
      'The nurse said she left.',
      'The nurse said he left.',
      ['The nurse said', ' she', ' left.'],
      ['The nurse said', ' he', ' left.'],
    ],
    ['He was kind', 'He was not kind', ['He was', ' kind', ''], ['He was', ' not kind', '']],
    ['Old men work', 'Young men play', ['', 'Old men work', ''], ['', 'Young men play', '']],
    ['a a', 'a a a', ['a', ' a', ''], ['a', ' a a', '']],
    ['go', 'stop', ['', 'go', ''], ['', 'stop', '']],
  ])('are cut where they differ: %j, %j', (a, b, first, second) => {
    const parts = ({ context, word, rest }: { context: string; word: string; rest: string }) => [context, word, rest];
    const cut = cutApart(a, b);
    expect([parts(cut.first), parts(cut.second)]).toEqual([first, second]);
  });
});
