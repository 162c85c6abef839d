import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { fetchedFolder, fetchPackage, isFetched, type NpmPackage } from '../../src/node/npm.ts';

let folder: string;
let pkg: NpmPackage;
const said: string[] = [];
const fetchIt = (wanted = pkg) => fetchPackage(wanted, (line) => said.push(line));

/** An npm that has one package: what it packs is a copy of its archive. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dawnlm-npm-'));
  mkdirSync(join(folder, 'package'));
  writeFileSync(join(folder, 'package/data.txt'), 'the data');
  const archive = join(folder, 'archive.tgz');
  execFileSync('tar', ['czf', archive, '-C', folder, 'package']);
  const integrity = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  pkg = { name: '@some/data', version: '1.2.3', integrity, sizeMB: 7 };
  const npm = join(folder, 'npm-cli.js');
  writeFileSync(npm, `require('node:fs').copyFileSync(${JSON.stringify(archive)}, 'some-data-1.2.3.tgz');`);
  vi.stubEnv('npm_execpath', npm);
  vi.stubEnv('DAWNLM_CACHE', join(folder, 'cache'));
  said.length = 0;
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const cached = (): string[] => readdirSync(join(folder, 'cache/packages'));

it('a package is fetched once, and its files are there', async () => {
  expect(isFetched(pkg)).toBe(false);
  const path = await fetchIt();
  expect(readFileSync(join(path, 'data.txt'), 'utf8')).toBe('the data');
  expect(said).toEqual(['fetching the npm package @some/data@1.2.3 (7 MB)']);
  expect([path, isFetched(pkg)]).toEqual([fetchedFolder(pkg), true]);
  rmSync(join(folder, 'npm-cli.js'));
  expect(await fetchIt()).toBe(path);
  expect(cached()).toEqual(['@some+data@1.2.3']);
});

it('two at once leave one copy', async () => {
  const [one, other] = await Promise.all([fetchIt(), fetchIt()]);
  expect(one).toBe(other);
  expect(cached()).toEqual(['@some+data@1.2.3']);
});

it('an archive that is not the expected one is refused, and nothing of it kept', async () => {
  const wrong = fetchIt({ ...pkg, integrity: 'sha512-else' });
  await expect(wrong).rejects.toThrow(UserError);
  await expect(wrong).rejects.toThrow(/@some\/data@1\.2\.3 could not be fetched: its sha512 is not the expected one/);
  expect(cached()).toEqual([]);
});

it('an npm that fails is quoted', async () => {
  writeFileSync(join(folder, 'npm-cli.js'), `console.error('E404 no such thing'); process.exit(1);`);
  await expect(fetchIt()).rejects.toThrow(/could not be fetched: E404 no such thing\. Check/);
  expect(existsSync(fetchedFolder(pkg))).toBe(false);
});

it('a cache folder that cannot be written is named, and another one asked for', async () => {
  vi.stubEnv('DAWNLM_CACHE', join(folder, 'archive.tgz', 'cache'));
  const refused = fetchIt();
  await expect(refused).rejects.toThrow(UserError);
  await expect(refused).rejects.toThrow(
    /^Nothing can be kept in .*archive\.tgz.* \(ENOTDIR\)\. Set DAWNLM_CACHE to a folder/,
  );
});

it('what its code needs comes along, where the code finds it', async () => {
  const need = { ...pkg, name: '@some/need' };
  const path = await fetchIt({ ...pkg, needs: [need] });
  expect(readFileSync(join(path, 'node_modules/@some/need/data.txt'), 'utf8')).toBe('the data');
  expect(cached()).toEqual(['@some+data@1.2.3', '@some+need@1.2.3']);
});
