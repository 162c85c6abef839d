import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readTextStream } from '../../../src/node/files.ts';
import { CleanCard } from '../../../src/text/windows/cleaning.ts';
import { writeCleaned } from '../../../src/trust/data/cleanFiles.ts';
import { type DocumentSource, textDocuments } from '../../../src/trust/data/documents.ts';
import { tableDocuments } from '../../../src/trust/data/tables.ts';

const folder = mkdtempSync(join(tmpdir(), 'dawnlm-clean-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const place = (name: string): string => join(folder, name);
const textAt = (path: string) =>
  textDocuments({ name: 'x', source: path, path, licence: 'unknown', bytes: () => readTextStream(path) });

const KEPT = 'The ship was seen from the shore at noon.\r\n\r\n\r\nNobody knew where she had come from, nor why.\n';
const COPY = '\nThe ship was seen from the shore at noon.\n';
const MAIL = '\nWrite to ishmael@whaling-example.com today.\n';

it('a file is written as it was, without what goes, and its card beside it', async () => {
  writeFileSync(place('in.txt'), KEPT + COPY + MAIL);
  const { files, card } = await writeCleaned(
    await textAt(place('in.txt')),
    ['duplicates', 'private'],
    place('out.txt'),
  );
  expect(files).toEqual([place('out.txt'), place('out.txt.json')]);
  expect(readFileSync(place('out.txt'), 'utf8')).toBe(`${KEPT}${'\nWrite to <EMAIL> today.\n'}`);
  expect(card).toMatchObject({
    ...{ documents: 4, kept: 3 },
    went: { duplicates: { documents: 1 }, private: { items: 1, kinds: { email: 1 } } },
  });
  const { name, ...kept } = JSON.parse(readFileSync(place('out.txt.json'), 'utf8'));
  expect([name, CleanCard.parse(kept)]).toEqual(['x', card]);
});

it('what nothing is taken from is the same to the byte', async () => {
  const text = `\n\n${KEPT}\n \t\nthe end, without a line end`;
  writeFileSync(place('same.txt'), text);
  await writeCleaned(await textAt(place('same.txt')), ['near-duplicates', 'toxic'], place('same-out.txt'));
  expect(readFileSync(place('same-out.txt'), 'utf8')).toBe(text);
});

it('a folder becomes a folder, and what is in two files stays in the first', async () => {
  mkdirSync(place('books/more'), { recursive: true });
  writeFileSync(place('books/a.txt'), KEPT);
  writeFileSync(place('books/more/b.md'), `${COPY}${MAIL}`);
  const { files } = await writeCleaned(await textAt(place('books')), ['duplicates'], place('clean-books'));
  expect(files).toEqual(['a.txt', 'more/b.md', 'cleaned.json'].map((file) => join(place('clean-books'), file)));
  expect(readFileSync(files[0], 'utf8')).toBe(KEPT);
  expect(readFileSync(files[1], 'utf8')).not.toContain('The ship');
});

it('a table stays a table', async () => {
  const rows = [
    '"The ship, seen from the shore at noon.",a',
    '"You stupid fucking ass, said he.",b',
    'Write to me at a.b@sea-example.org,c',
  ];
  writeFileSync(place('in.csv'), `body,class\n${rows.join('\n')}\n`);
  const { card } = await writeCleaned(tableDocuments(place('in.csv')), ['toxic', 'private'], place('out.csv'));
  expect(readFileSync(place('out.csv'), 'utf8')).toBe(
    'body,class\n"The ship, seen from the shore at noon.",a\nWrite to me at <EMAIL>,c\n',
  );
  expect(card.went).toMatchObject({ toxic: { documents: 1 }, private: { items: 1 } });
});

it('leaves nothing behind where the text ends too soon', async () => {
  writeFileSync(place('long.txt'), KEPT.repeat(5000));
  const whole = await textAt(place('long.txt'));
  const broken: DocumentSource = {
    ...whole,
    async *documents(onFault) {
      let at = 0;
      for await (const document of whole.documents(onFault)) {
        if (++at > 5000) throw new Error('stopped');
        yield document;
      }
    },
  };
  await expect(writeCleaned(broken, ['private'], place('part.txt'))).rejects.toThrow('stopped');
  expect(readdirSync(folder).filter((name) => name.includes('part'))).toEqual([]);
  expect(existsSync(place('part.txt.json'))).toBe(false);
});
