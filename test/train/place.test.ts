import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { UsageError, UserError } from '../../src/errors.ts';
import { lockRun, moveAside } from '../../src/train/place.ts';

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'dawnlm-place-')));
const before = process.cwd();
beforeAll(() => process.chdir(scratch));
afterAll(() => {
  process.chdir(before);
  rmSync(scratch, { recursive: true, force: true });
});

/** A folder with a run in it. */
function runIn(folder: string): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'run.json'), folder);
  return folder;
}

/** Moves what is in a folder aside; what is said, or the error. */
async function aside(folder: string): Promise<unknown> {
  const said: string[] = [];
  const lock = await lockRun(folder, false);
  try {
    await moveAside(lock, (line) => said.push(line));
    return said[0];
  } catch (error) {
    return error;
  } finally {
    lock.release();
  }
}

it.each([
  ['out', 'out.1'],
  ['out', 'out.2'],
  ['slash/', 'slash.1'],
  ['./x//y//', 'x/y.1'],
  ["it's a run", "it's a run.1"],
])('%j is kept as %j, however the folder is written', async (folder, kept) => {
  runIn(folder);
  expect(await aside(folder)).toMatch(`is now in ${kept}`);
  expect(readFileSync(join(kept, 'run.json'), 'utf8')).toBe(folder);
  expect(readdirSync(kept)).toEqual(['run.json']);
});

it('a link is moved, and not what it leads to', async () => {
  runIn('elsewhere');
  symlinkSync('elsewhere', 'link');
  await aside('link');
  expect(readFileSync('link.1/run.json', 'utf8')).toBe('elsewhere');
  expect(readdirSync('elsewhere')).toEqual(['run.json']);
});

it.each(['.', './', '..', '../inner', 'link-to-here'])('%j, in which the user stands, is not moved', async (folder) => {
  runIn('outer/inner');
  try {
    process.chdir('outer/inner');
    if (!existsSync('link-to-here')) symlinkSync('.', 'link-to-here');
    const error = await aside(folder);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toMatch(/you stand in it.*--out/);
    expect(readFileSync('run.json', 'utf8')).toBe('outer/inner');
  } finally {
    process.chdir(scratch);
  }
});

const canMount = process.platform === 'linux' && process.getuid?.() === 0;

it.skipIf(!canMount)('a disk that cannot be written or moved: a sentence (needs root, to mount one)', async () => {
  const disk = runIn(join(scratch, 'disk'));
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', disk]);
  try {
    runIn(disk);
    expect(String(await aside(disk))).toMatch(/disk cannot be moved to .*disk\.1 \(EBUSY\): move it yourself, or/);
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    await expect(lockRun(disk, true)).rejects.toThrow(UserError);
    await expect(lockRun(disk, true)).rejects.toThrow(/disk is on a read-only file system\. .*Choose another folder/);
  } finally {
    execFileSync('umount', [disk]);
  }
});

it('a run to go on with must be there, and nothing is made where it is not', async () => {
  await expect(lockRun('nowhere/x', true)).rejects.toThrow('There is no run folder nowhere/x');
  expect(existsSync('nowhere')).toBe(false);
});
