import { afterEach, expect, it, vi } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { cacheFolder, temporaryFolder } from '../../src/node/files.ts';
import { findIcd } from '../../src/node/icd.ts';
import { readTuning } from '../../src/train/tuningCache.ts';

/** Folders of the system that are not there. */

vi.mock('node:os', async (original) => ({
  ...(await original<typeof import('node:os')>()),
  homedir: () => {
    throw new Error('uv_os_homedir returned ENOENT'); // no HOME, and no entry for the user
  },
}));

afterEach(() => {
  vi.unstubAllEnvs();
});

it('without a home nothing is found in the cache folder, and nothing fails', async () => {
  for (const name of ['DAWNLM_CACHE', 'XDG_CACHE_HOME']) vi.stubEnv(name, '');
  expect(cacheFolder()).toBe('/nonexistent/.cache/dawnlm');
  expect(() => findIcd('swiftshader')).not.toThrow();
  const said: string[] = [];
  expect(await readTuning('some adapter', (line) => said.push(line))).toEqual({});
  expect(said).toEqual([]);
  vi.stubEnv('DAWNLM_CACHE', '/somewhere');
  expect(cacheFolder()).toBe('/somewhere');
});

it.skipIf(process.platform === 'win32')('a temporary folder that is not there is named', async () => {
  vi.stubEnv('TMPDIR', '/nonexistent');
  const refused = temporaryFolder('test');
  await expect(refused).rejects.toThrow(UserError);
  await expect(refused).rejects.toThrow(/^No folder \/nonexistent\/dawnlm-test-.* \(ENOENT\)\. Set TMPDIR to/);
});
