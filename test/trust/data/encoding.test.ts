import { expect, it } from 'vitest';
import { encodingFaults, tellReplaced } from '../../../src/trust/data/audit/encoding.ts';
import { excerptOf, Findings, lineCounter } from '../../../src/trust/data/audit/findings.ts';

const kindsOf = (text: string): string[] => encodingFaults(text).map(({ kind }) => kind);

/** What becomes of a text that is written in UTF-8 and read as Latin-1, and as Windows-1252, which Node takes for Latin-1. */
const asLatin = (text: string): string => Buffer.from(text).toString('latin1');
const HIGH: Readonly<Record<string, string>> = {
  '\x80': '€',
  '\x82': '‚',
  '\x99': '™',
  '\x9c': 'œ',
  '\x94': '”',
  '\x9f': 'Ÿ',
};
const asWindows = (text: string): string => asLatin(text).replace(/[\x80-\x9f]/g, (one) => HIGH[one] ?? one);

it.each(['é', 'ü', 'ß', 'Ö', 'ñ', '’', '“', '—', '\u00a0', '£', '€', 'привет', '\ufeff'])(
  'letters read in the wrong encoding are found: %s',
  (text) => {
    expect(kindsOf(asLatin(text))).toContain('mojibake');
    expect(kindsOf(asWindows(text))).toContain('mojibake');
  },
);

it.each([
  'É',
  'Ñandú',
  'LIBERTÉ»',
  '«Ã l’heure»',
  'Âge',
  'SÃO PAULO',
  'Ð og ð',
  '“naïve”',
  'Привет, мир',
  '日本語',
  '🐋',
])('letters of other languages are not: %s', (text) => {
  expect(kindsOf(text)).toEqual([]);
});

it('finds characters that are none, with their places', () => {
  expect(encodingFaults('a\0b\u0007\ufffd\n\t\r\u0085')).toEqual([
    { kind: 'replacement character', at: 4, what: '\ufffd' },
    { kind: 'NUL', at: 1, what: '\0' },
    { kind: 'control character', at: 3, what: '\u0007' },
    { kind: 'control character', at: 8, what: '\u0085' },
  ]);
});

it('tells bytes that are no UTF-8 from marks that the text has itself', () => {
  const findings = new Findings();
  for (const part of ['both', 'both', 'own', 'broken']) findings.add('replacement character', part, 1, () => '');
  findings.add('NUL', 'own', 1, () => '');
  const told = tellReplaced(
    findings.result(),
    new Map([
      ['both', 1],
      ['broken', 1],
    ]),
  );
  expect(told.map(({ kind, count, parts }) => [kind, count, parts])).toEqual([
    ['not UTF-8', 2, { both: 1, broken: 1 }],
    ['replacement character', 2, { both: 1, own: 1 }],
    ['NUL', 1, { own: 1 }],
  ]);
});

it('an excerpt hides all that it must, also what it cuts', () => {
  const text = `Write to ${'a'.repeat(60)}@example.org, or to bob@example.org, you darn fool of a captain at sea.`;
  const at = (word: string, kind: string) => ({
    kind,
    start: text.indexOf(word),
    end: text.indexOf(word) + word.length,
  });
  const spans = [at(`${'a'.repeat(60)}@example.org`, 'email'), at('bob@example.org', 'email'), at('darn', 'toxic')];
  for (const span of spans) {
    const excerpt = excerptOf(text, span, spans);
    expect(excerpt).not.toMatch(/example|bob|aaa|arn/);
  }
  expect(excerptOf(text, spans[1], spans)).toBe('…<EMAIL>, or to <EMAIL>, you d*** fool of a captain at sea.');
  expect(excerptOf('a🐋'.repeat(50), { start: 60, end: 61 }, [])).not.toMatch(/\p{Surrogate}/u);
});

it('an excerpt shows no names and no numbers that no detector knows', () => {
  const text = 'Dear Stephen D. Williams, call 703-724-0118W in 2002, says John.';
  expect(excerptOf(text, { start: 26, end: 30 }, [])).toBe('D. S. D. W., call 000-000-0000W in 2002, says John.');
  expect(excerptOf('Hello sweetheart23, how are you?', { start: 20, end: 23 }, [])).toBe('Hello s., how are you?');
});

it('counts lines of places in order, over ends of all systems', () => {
  const lineOf = lineCounter('a\nb\r\nc\rd', 7);
  expect([0, 1, 2, 3, 5, 6, 7].map(lineOf)).toEqual([7, 7, 8, 8, 9, 9, 10]);
});

it('keeps the first thousand places and counts the others', () => {
  const findings = new Findings();
  for (let i = 1; i <= 1500; i++) findings.add('email', i % 2 ? 'odd' : 'even', i, () => '<EMAIL>');
  const [{ count, parts, places }] = findings.result();
  expect([count, parts, places.length, places[999].line]).toEqual([1500, { odd: 750, even: 750 }, 1000, 1000]);
});
