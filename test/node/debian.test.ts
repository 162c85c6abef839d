import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { debianFile, debianFileHere } from '../../src/node/debian.ts';

const pkg = { name: 'no-such-data', pool: 'main/n/no-such', sizeMB: 28 };
const FILE = 'usr/share/no-such-data/winds.cdf';
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dawnlm-debian-'));
  vi.stubEnv('DAWNLM_CACHE', join(folder, 'cache'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const put = (root: string): string => {
  mkdirSync(join(root, 'usr/share/no-such-data'), { recursive: true });
  writeFileSync(join(root, FILE), 'the winds');
  return join(root, FILE);
};

it('a file is found where the package was unpacked before, and first where somebody says', async () => {
  expect(debianFileHere(pkg, FILE)).toBeUndefined();
  const kept = put(join(folder, 'cache/debian/no-such-data'));
  expect(await debianFile(pkg, FILE, () => {})).toBe(kept);
  const own = put(join(folder, 'own'));
  vi.stubEnv('DAWNLM_DEBIAN', join(folder, 'own'));
  expect(await debianFile(pkg, FILE, () => {})).toBe(own);
});

it('one that cannot be had is a sentence on how to have it, with and without Debian', async () => {
  const asked = debianFile(pkg, FILE, () => {});
  await expect(asked).rejects.toThrow(UserError);
  await expect(asked).rejects.toThrow(
    /^The file usr\/share\/no-such-data\/winds.cdf of Debian's package no-such-data is needed, and this machine /,
  );
  await expect(asked).rejects.toThrow(
    /apt-get install no-such-data .* set DAWNLM_DEBIAN to the folder that then holds usr\.$/,
  );
});
