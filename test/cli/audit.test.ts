import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { AuditCard } from '../../src/report/trust/audit.ts';
import { dawnlm, succeed, TEXT, workshop } from '../helpers/dawnlm.ts';

const cwd = workshop();
const audit = (...args: string[]) => dawnlm(['data', 'audit', ...args], { cwd });

it('says in words what is in a text, and shows it on a page', async () => {
  writeFileSync(join(cwd, 'mail.txt'), `${TEXT}\n\nWrite to ishmael@whaling-example.com for a berth.\n`);
  const { stdout } = await succeed(['data', 'audit', 'mail.txt'], { cwd });
  const line = TEXT.split('\n').length + 2;
  expect(stdout).toMatch(new RegExp(`^email +1 +mail, line ${line}: Write to <EMAIL> for a berth`, 'm'));
  expect(stdout).toMatch(/licence: unknown: the user's own text\nuse: unknown\n[\s\S]*page: audit\.html\n$/);
  const page = readFileSync(join(cwd, 'audit.html'), 'utf8');
  expect(page).toMatch(/<title>Audit of mail<\/title>/);
  for (const text of [stdout, page]) expect(text).not.toContain('ishmael');
});

it('--json prints the card, of standard input too', async () => {
  const args = ['data', 'audit', '-', '--json', '--no-page'];
  const { stdout } = await succeed(args, {
    cwd,
    input: 'Call 10.0.0.1 from 192.168.17.23, or write to a.b@sea-example.org.\n',
  });
  const card = AuditCard.parse(JSON.parse(stdout));
  expect(card.parts).toMatchObject([{ name: 'stdin', documents: 1, lines: 1 }]);
  expect(card.private.map(({ kind }) => kind)).toContain('email');
  expect(stdout).not.toContain('sea-example');
});

it('--clean writes the text without what goes, and says what went', async () => {
  const args = [
    'data',
    'audit',
    'mail.txt',
    '--no-page',
    '--clean',
    'private,near-duplicates',
    '--out',
    'clean/mail.txt',
  ];
  const { stdout } = await succeed(args, { cwd });
  expect(stdout).toMatch(/private: 1 item masked \(1 email\)[\s\S]*^clean\/mail\.txt\nclean\/mail\.txt\.json\n$/m);
  expect(readFileSync(join(cwd, 'clean/mail.txt'), 'utf8')).toMatch(/Write to <EMAIL> for a berth\.\n$/);
  const again = await Promise.all([
    audit(...args.slice(2)),
    audit('mail.txt', '--clean', 'private'),
    audit('mail.txt', '--clean', 'names', '--out', 'x.txt'),
  ]);
  expect(again.map(({ code, stderr }) => [code, stderr])).toEqual([
    [1, expect.stringMatching(/clean\/mail\.txt exists/)],
    [2, expect.stringMatching(/--clean and --out go together/)],
    [2, expect.stringMatching(/there is no rule "names"/)],
  ]);
});

it('writes over no file but a page of its own, and says what is missing', async () => {
  writeFileSync(join(cwd, 'mine.html'), 'mine');
  mkdirSync(join(cwd, 'empty'));
  writeFileSync(join(cwd, 'nothing.txt'), '');
  const outcomes = await Promise.all([
    audit('text.txt', '--page', 'mine.html'),
    audit('empty'),
    audit('nothing.txt'),
    audit('nowhere.txt'),
    audit(),
  ]);
  expect(outcomes.map(({ code, stderr }) => [code, stderr])).toEqual([
    [1, expect.stringMatching(/mine\.html exists and is no page of an audit/)],
    [1, expect.stringMatching(/empty holds no \.txt or \.md file/)],
    [1, expect.stringMatching(/nothing\.txt is empty/)],
    [1, expect.stringMatching(/no corpus, file or folder called "nowhere\.txt"/)],
    [2, expect.stringMatching(/missing required argument/)],
  ]);
  expect(readFileSync(join(cwd, 'mine.html'), 'utf8')).toBe('mine');
});
