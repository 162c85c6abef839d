import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { rdna } from '../../src/kernels/tables/rdna.ts';
import { shippedTable } from '../../src/kernels/tables/shipped.ts';
import { Tuning } from '../../src/tensor/tuning/table.ts';
import { readTuning, saveTuning, Table, tuningFile, useTables } from '../../src/train/tuningCache.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dawnlm-tuning-'));
const before = process.env.DAWNLM_CACHE;
afterAll(() => {
  rmSync(scratch, { recursive: true });
  if (before === undefined) delete process.env.DAWNLM_CACHE;
  else process.env.DAWNLM_CACHE = before;
});
let number = 0;
beforeEach(() => {
  process.env.DAWNLM_CACHE = join(scratch, `${number++}`);
});

const GPU = 'Vendor Model 9 (driver 1.2.3)';
const fail = (sentence: string) => {
  throw new Error(`nothing should be said, but: ${sentence}`);
};

it('gives back what was saved, and adds to it', async () => {
  expect(await readTuning(GPU, fail)).toEqual({});
  await saveTuning(GPU, { 'a N=1': 'X=1', 'a N=2': 'X=1' });
  await saveTuning(GPU, { 'a N=2': 'X=2', 'b N=1': 'Y=3' });
  expect(await readTuning(GPU, fail)).toEqual({ 'a N=1': 'X=1', 'a N=2': 'X=2', 'b N=1': 'Y=3' });
});

it('keeps adapters and drivers apart', async () => {
  await saveTuning(GPU, { 'a N=1': 'X=1' });
  expect(await readTuning('Vendor Model 9 (driver 1.2.4)', fail)).toEqual({});
  // another name that would make the same file name
  const alike = 'vendor model-9 driver 1.2.3';
  expect(tuningFile(alike)).toBe(tuningFile(GPU));
  expect(await readTuning(alike, fail)).toEqual({});
  await saveTuning(alike, { 'b N=1': 'X=2' });
  expect(await readTuning(alike, fail)).toEqual({ 'b N=1': 'X=2' });
});

const good = JSON.stringify({ version: 2, adapter: GPU, table: { 'a N=1': 'X=1' } });
it.each([
  ['cut short', good.slice(0, -10)],
  ['empty', ''],
  ['null', 'null'],
  ['a list', '[1]'],
  ['of another version', good.replace('2', '1')],
  ['a table of numbers', good.replace('"X=1"', '1')],
  ['no table', JSON.stringify({ version: 2, adapter: GPU })],
])('passes over a damaged file with a note, and mends it: %s', async (_, text) => {
  const file = tuningFile(GPU);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  const notes: string[] = [];
  expect(await readTuning(GPU, (sentence) => notes.push(sentence))).toEqual({});
  expect(notes).toHaveLength(1);
  expect(notes[0]).toContain(`${file} is damaged`);
  await saveTuning(GPU, { 'a N=1': 'X=1' });
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(good));
});

it('tells a table from other JSON', () => {
  const isTable = (json: unknown) => Table.safeParse(json).success;
  for (const good of [{}, { 'a N=1': 'X=1 Y=2' }, { a: '' }]) expect(isTable(good)).toBe(true);
  for (const bad of [null, 3, 'a', [], ['a'], { a: 1 }, { a: ['X=1'] }, { a: { X: '1' } }, { a: null }]) {
    expect(isTable(bad), JSON.stringify(bad)).toBe(false);
  }
});

it('passes over a file that is a folder', async () => {
  mkdirSync(tuningFile(GPU), { recursive: true });
  const notes: string[] = [];
  expect(await readTuning(GPU, (sentence) => notes.push(sentence))).toEqual({});
  expect(notes[0]).toContain('cannot be read (EISDIR)');
});

it('says when the folder cannot be written', async () => {
  writeFileSync(process.env.DAWNLM_CACHE!, 'a file');
  await expect(saveTuning(GPU, {})).rejects.toThrow('cannot be written');
});

it("asks the user's choices first, then those that ship, which are tables", async () => {
  const known = { vendor: 'mesa', architecture: '' };
  const lavapipe = 'llvmpipe: Mesa 25.0.7 (LLVM 15.0.6)';
  for (const name of [lavapipe, 'SwiftShader driver-5.0.0'])
    expect(Table.safeParse(shippedTable({ name, ...known })).success).toBe(true);
  for (const architecture of ['rdna-2', 'rdna-3'])
    expect(shippedTable({ name: 'AMD Radeon', vendor: 'amd', architecture })).toBe(rdna[architecture]);
  for (const [vendor, architecture] of [
    ['amd', 'constructor'],
    ['other', 'rdna-3'],
  ])
    expect(shippedTable({ name: GPU, vendor, architecture })).toEqual({});
  const tuning = new Tuning();
  await useTables(tuning, { name: lavapipe, ...known }, fail);
  const shipped = shippedTable({ name: lavapipe, ...known });
  expect(tuning.table).toEqual(shipped);
  const [entry = 'a N=1'] = Object.keys(shipped);
  await saveTuning(lavapipe, { [entry]: 'X=7' });
  await useTables(tuning, { name: lavapipe, ...known }, fail);
  expect(tuning.table).toEqual({ ...shipped, [entry]: 'X=7' });
});
