import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseSentence } from '../../data/brown-chunks/recipe.ts';
import { corpora, taskSets } from '../../data/corpora.ts';
import type { PackageFiles } from '../../data/files.ts';
import { bodyOf, htmlToText } from '../../data/spam-assassin/mail.ts';
import { hideYears, passagesOf } from '../../data/state-of-the-union/passages.ts';
import { speeches, speechPeriods } from '../../data/state-of-the-union/recipe.ts';
import { wordnet, wordnetGlosses } from '../../data/wordnet-glosses/recipe.ts';
import { definitionOf } from '../../data/wordnet-glosses/synsets.ts';

/** Packages that hold these files, by path. */
const fake = (files: Record<string, string>): PackageFiles => ({
  read: async (_, file) => files[file] ?? '',
  readBytes: async (_, file) => new TextEncoder().encode(files[file]),
  list: async (_, folder) =>
    Object.keys(files)
      .filter((file) => file.startsWith(`${folder}/`))
      .map((file) => file.slice(folder.length + 1))
      .sort(),
});

describe('WordNet', () => {
  it.each([
    ['a plain one', 'a plain one'],
    ['a person; "he is a person"; "who, me?"', 'a person'],
    ['old; worn; "an old; worn coat"', 'old; worn'],
    ['said by a poet; "to be or not to be"- Shakespeare', 'said by a poet'],
    ['a state: "the state of the nation"', 'a state'],
    ['the letter "x" of the alphabet', 'the letter "x" of the alphabet'],
  ])('%s loses its quotations', (gloss, definition) => expect(definitionOf(gloss)).toBe(definition));

  const LINE = ['05', '18', '29']; // animal, person, a verb's class, which is none of the ten
  const lines = Array.from({ length: 300 }, (_, i) => {
    const offset = String(i).padStart(8, '0');
    return `${offset} ${LINE[i % 3]} n 02 word_${i} 0 other(a) 0 001 @ 00000000 n 0000 | meaning number ${i % 290}; "use ${i}"`;
  });
  const files = fake({ 'dict/data.noun': `  1 a licence\n${lines.join('\n')}\n` });

  it('gives definitions of the classes, each once', async () => {
    const { parts, duplicates } = await wordnetGlosses.build(files);
    const all = [...parts.train, ...parts.validation, ...parts.test];
    expect(new Set(all.map(({ label }) => label))).toEqual(new Set(['animal', 'person']));
    expect(new Set(all.map(({ text }) => text)).size).toBe(all.length);
    expect(duplicates.within + duplicates.conflicting + all.length).toBe(200);
    expect(parts.test.length).toBeGreaterThan(0);
  });

  it('is read without what it is tested on', async () => {
    const { validation, test, train } = (await wordnetGlosses.build(files)).parts;
    const text = await wordnet.build(files);
    for (const example of [...validation, ...test]) expect(text).not.toContain(`: ${example.text};`);
    for (const example of train) expect(text).toContain(`: ${example.text};`);
    expect(text).toMatch(/^word 7, other: meaning number 7; "use 7"$/m);
  });
});

describe('speeches', () => {
  it('are cut between sentences, and too long ones between words', () => {
    const sentence = 'It was the year of many words, and nobody counted them all before the end.';
    const passages = passagesOf(`${`${sentence} `.repeat(12)}${'word '.repeat(200)}`);
    expect(passages.every(({ length }) => length >= 120 && length <= 400)).toBe(true);
    expect(passages[0]).toBe(Array(5).fill(sentence).join(' '));
  });

  it('hide their years, not their sums', () => {
    expect(hideYears('In 1845 and 2001, $1,845 and 11845')).toBe('In 0000 and 0000, $1,845 and 11845');
  });

  const files = fake(
    Object.fromEntries(
      Array.from({ length: 233 }, (_, i) => {
        const year = 1790 + i;
        const text = `${year} speech number ${i} says something that no other one says here. `.repeat(1);
        return [
          `data/${year}_x_d.json`,
          JSON.stringify({ year, party: 'Democratic', text: text + `Words of ${i}. `.repeat(9) }),
        ];
      }),
    ),
  );

  it('lie in one part each, and the text holds those of the training part alone', async () => {
    const { parts } = await speechPeriods.build(files);
    const text = hideYears(await speeches.build(files));
    for (const example of parts.train) expect(text).toContain(example.text);
    for (const part of [parts.validation, parts.test]) {
      expect(part.length).toBeGreaterThan(15);
      for (const example of part) expect(text).not.toContain(example.text);
    }
  });
});

describe('mails', () => {
  const mail = (headers: string, body: string) => bodyOf(`From me Thu Aug 22\nSubject: secret\n${headers}\n\n${body}`);

  it('lose their headers, addresses, links and numbers', async () => {
    const body =
      'Write to joe.doe@example.com\nor see http://example.com/x?y=1 now.\nCall +1 (555) 123-4567, pay 100 000.';
    expect(await mail('X: y', body)).toBe('Write to [email]\nor see [link] now.\nCall [phone], pay 100 000.');
  });

  it('are decoded by encoding and character set', async () => {
    const quoted = 'Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable';
    expect(await mail(quoted, 'caf=E9 and a long=\n line')).toBe('café and a long line');
    const base64 = 'Content-Type: text/plain; charset="utf-8"\nContent-Transfer-Encoding: base64';
    expect(await mail(base64, Buffer.from('grün').toString('base64'))).toBe('grün');
    expect(await mail('Content-Type: text/plain; charset=no-such', 'plain')).toBe('plain');
  });

  it.each([
    ['no header', 'X: y', 'caf\xe9'],
    ['a header', 'Content-Type: text/plain; format=fixed', '\x93caf\xe9\x94'],
    ['an encoding', 'Content-Type: text/html;\nContent-Transfer-Encoding: quoted-printable', 'caf=E9'],
  ])('are in Latin where %s names no character set', async (_, headers, body) => {
    expect((await mail(headers, body)).replace(/[“”]/g, '')).toBe('café');
  });

  it('of several parts give the plain one, else the HTML; pictures and mails inside are dropped', async () => {
    const multi = 'Content-Type: multipart/alternative;\n boundary="--=b"';
    const html = '----=b\nContent-Type: text/html\n\n<p>Hello &amp; <b>bye</b></p>\n';
    const plain = '----=b\nContent-Type: text/plain\n\nHello\n';
    const picture = '----=b\nContent-Type: image/gif\nContent-Transfer-Encoding: base64\n\nR0lGODlh\n';
    const inside = '----=b\nContent-Type: message/rfc822\n\nSubject: other\n\nother\n';
    expect(await mail(multi, `preamble\n${html}${plain}${picture}${inside}----=b--\n`)).toBe('Hello');
    expect(await mail(multi, `${html}${picture}----=b--\n`)).toBe('Hello & bye');
    expect(await mail(multi, `${picture}----=b--\n`)).toBe('');
    expect(await mail('Content-Type: multipart/mixed', 'no boundary')).toBe('no boundary');
  });

  it('in HTML lose tags, comments, scripts and styles', () => {
    const html = '<style>p{}</style><!-- x --><p>a&nbsp;b&#33;<br>c</p><script>evil()</script><td>d</td>&bogus;';
    expect(htmlToText(html).replace(/\s+/g, ' ').trim()).toBe('a b! c d &bogus;');
  });
});

it('proper nouns of the Brown corpus begin anew after a possessive', () => {
  const line = "\tThe/at Fulton/np-tl County/nn-tl and/cc Atlanta's/np$ Ivan/np ran/vbd 1/2/cd";
  expect(parseSentence(line)).toEqual({
    words: ['The', 'Fulton', 'County', 'and', "Atlanta's", 'Ivan', 'ran', '1/2'],
    tags: ['O', 'B-NAME', 'I-NAME', 'O', 'B-NAME', 'B-NAME', 'O', 'O'],
  });
});

it('names of corpora and sets are their own, and their hashes known', () => {
  const all = [...corpora, ...taskSets];
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  for (const { sha256 } of all) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
});

it.each([...corpora, ...taskSets])(
  'the card of $name gives its hash, packages and licence, and what to mind',
  (set) => {
    const card = readFileSync(new URL(`../../data/${set.folder}/card.md`, import.meta.url), 'utf8');
    expect(card).toContain(set.sha256);
    for (const pkg of 'packages' in set ? set.packages : []) {
      expect(set.source).toContain(`${pkg.name} ${pkg.version}`);
      expect(card).toContain(pkg.version);
    }
    expect(card).toMatch(/^\| Licence +\|/m);
    expect(card).toMatch(/^## What to mind$/m);
    if ('task' in set) expect(card).toMatch(/^\| Duplicates +\|/m);
  },
);
