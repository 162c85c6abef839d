/** npm as a way to files: archives of packages, checked, in the user's cache folder. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { UserError } from '../errors.ts';
import { cacheFolder, errorCode, makeFolder } from './files.ts';

export type Say = (sentence: string) => void;

/** A package of npm at one version, and what its archive must hash to: the `integrity` of a lock file. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
  /** Of the archive, in megabytes, for people who wait for it. */
  readonly sizeMB: number;
  /** What its code imports, where that is run: these alone come along. */
  readonly needs?: readonly NpmPackage[];
}

/** Characters that a program may print. */
const MOST_PRINTED = 1 << 26;

/** Runs a program. Rejects with what it printed in `stderr`. */
export const run = (
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
) => promisify(execFile)(program, args, { maxBuffer: MOST_PRINTED, ...options });

/** The last lines that a failed command printed. */
export function lastLines(error: unknown): string {
  const { stderr = '', message = '' } = error as { stderr?: string; message?: string };
  return (stderr.trim() || message).split('\n').slice(-3).join(' ');
}

/** Runs npm: the one that runs this process where there is one, else the one on the PATH. */
function npm(args: string[], cwd: string): Promise<{ stdout: string }> {
  const own = process.env.npm_execpath;
  const command: [string, string[]] = own?.endsWith('npm-cli.js') ? [process.execPath, [own]] : ['npm', []];
  return run(command[0], [...command[1], ...args], { cwd });
}

/** Downloads a package's archive (npm verifies its integrity) into a folder that holds no other, and returns its path. */
export async function packInto(folder: string, spec: string): Promise<string> {
  await npm(['pack', spec, '--loglevel=error', '--logs-max=0', '--fetch-retries=1', '--ignore-scripts'], folder);
  const archive = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  if (!archive) throw new Error('npm pack left no archive');
  return join(folder, archive);
}

/** Where a fetched package lies. Not created here. */
export const fetchedFolder = ({ name, version }: NpmPackage): string =>
  join(cacheFolder(), 'packages', `${name.replace('/', '+')}@${version}`);

/** Whether a package was fetched before. */
export const isFetched = (pkg: NpmPackage): boolean => existsSync(fetchedFolder(pkg));

/**
 * The folder with a package's files, fetched into the cache folder where they are not there yet. None of its scripts runs, and
 * nothing that it depends on comes with it but what it `needs`.
 * @throws UserError when it cannot be had, or is not the one that is expected
 */
export async function fetchPackage(pkg: NpmPackage, say: Say): Promise<string> {
  const folder = fetchedFolder(pkg);
  if (existsSync(folder)) return folder;
  const spec = `${pkg.name}@${pkg.version}`;
  say(`fetching the npm package ${spec} (${pkg.sizeMB} MB)`);
  try {
    await inScratch(dirname(folder), async (scratch) => {
      await unpack(await packInto(scratch, spec), pkg.integrity, scratch);
      const unpacked = join(scratch, 'package');
      for (const need of pkg.needs ?? []) {
        await cp(await fetchPackage(need, say), join(unpacked, 'node_modules', need.name), { recursive: true });
      }
      await moveInto(unpacked, folder);
    });
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `The npm package ${spec} could not be fetched: ${lastLines(error)}. Check that npm reaches its registry, and try again.`,
      { cause: error },
    );
  }
  return folder;
}

async function scratchUnder(parent: string): Promise<string> {
  makeFolder(parent);
  return mkdtemp(join(parent, '.fetch-'));
}

/** Does some work in a folder of its own under `parent`, of which nothing is left. @throws UserError where none can be made */
export async function inScratch(parent: string, work: (scratch: string) => Promise<void>): Promise<void> {
  const scratch = await scratchUnder(parent).catch((cause) => {
    const why = `Nothing can be kept in ${parent} (${errorCode(cause)}).`;
    throw new UserError(`${why} Set DAWNLM_CACHE to a folder that can be written.`, { cause });
  });
  await work(scratch).finally(() => rm(scratch, { recursive: true, force: true }));
}

async function unpack(archive: string, integrity: string, into: string): Promise<void> {
  const [algorithm] = integrity.split('-');
  const found = `${algorithm}-${createHash(algorithm)
    .update(await readFile(archive))
    .digest('base64')}`;
  if (found !== integrity) throw new Error(`its ${algorithm} is not the expected one`);
  await run('tar', ['xzf', archive, '--no-same-owner', '-C', into]);
}

/** Another process may have been faster: then its copy stays. */
async function moveInto(from: string, to: string): Promise<void> {
  await rename(from, to).catch((error) => {
    if (!existsSync(to)) throw error;
  });
}
