import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { domains } from '../../data/corpora.ts';
import type { Domain } from '../../data/domain.ts';
import { corpusFile, corpusFiles, domainParts, isPrepared } from '../../data/prepare.ts';
import { DEFAULT_PRESET } from '../../src/cli/trainPlan.ts';
import { UserError } from '../../src/errors.ts';
import { sha256 } from '../../src/node/files.ts';
import { resolveConfig } from '../../src/train/config.ts';

const parts = { train: 'äa\nb🐋\nc\n', validation: 'd\n', test: 'e\n' };
const hash = await sha256(
  (async function* () {
    yield new TextEncoder().encode(parts.train + parts.validation + parts.test);
  })(),
);

const toy: Domain = {
  ...{ name: 'toy', folder: 'toy', title: 'A toy', licence: 'MIT', source: 'made', note: 'None.', sha256: hash },
  ...{ packages: [], build: async () => parts, settings: { validationFraction: 1.5 / 10 } },
  prompt: (words) => words,
  judge: async () => ({ scores: [], pictures: [], notes: [] }),
};
const silent = (): void => {};

const cache = mkdtempSync(join(tmpdir(), 'dawnlm-domains-'));
const before = process.env.DAWNLM_CACHE;
beforeAll(() => {
  process.env.DAWNLM_CACHE = cache;
});
afterAll(() => {
  process.env.DAWNLM_CACHE = before ?? '';
  rmSync(cache, { recursive: true, force: true });
});

it('a domain is built once; its corpus is train then validation, its test part lies aside', async () => {
  expect(isPrepared(toy)).toBe(false);
  expect(await domainParts(toy, silent)).toEqual(parts);
  expect(readFileSync(await corpusFile(toy, silent), 'utf8')).toBe(parts.train + parts.validation);
  expect(isPrepared(toy)).toBe(true);
  const again = { ...toy, build: () => Promise.reject(new Error('again')) };
  expect(await domainParts(again, silent)).toEqual(parts);
});

it('the parts of a domain are files of their own', async () => {
  const files = Object.entries(parts).map(([part, content]) => ({ file: `${part}.txt`, content }));
  expect(await corpusFiles(toy, silent)).toEqual(files);
});

it('a domain that is cut elsewhere than between its parts is refused with the fraction that is right', async () => {
  const other = { ...toy, name: 'elsewhere', settings: { validationFraction: 0.5 } };
  const refused = await domainParts(other, silent).catch((error: Error) => error);
  expect(refused).toBeInstanceOf(UserError);
  const right = Number(/must be ([\d.e-]+)/.exec((refused as Error).message)![1]);
  expect(await domainParts({ ...other, settings: { validationFraction: right } }, silent)).toEqual(parts);
});

it('a domain whose build gives another text is refused', async () => {
  const other = { ...toy, name: 'other', build: async () => ({ ...parts, test: 'f\n' }) };
  await expect(domainParts(other, silent)).rejects.toThrow(/not what its recipe expects/);
});

it.each(domains)(
  '$name has settings that fit together, and a card',
  ({ name, folder, settings, title, licence, note, formOf }) => {
    expect(resolveConfig(DEFAULT_PRESET, settings).steps).toBeGreaterThan(0);
    expect(existsSync(`data/${folder}/card.md`)).toBe(true);
    if (formOf !== undefined) expect(domains.filter((one) => !one.formOf).map((one) => one.name)).toContain(formOf);
    for (const words of [title, licence, note]) expect(words, name).not.toBe('');
  },
);
