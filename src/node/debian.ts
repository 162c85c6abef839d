/** Debian's packages as a way to files: read where they are installed, or unpacked into the user's cache folder. Nothing of them runs. */
import { existsSync } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { cacheFolder } from './files.ts';
import { inScratch, lastLines, run, type Say } from './npm.ts';

/** A package of Debian's that holds files for all kinds of machine. */
export interface DebianPackage {
  readonly name: string;
  /** Folder of Debian's mirrors that holds it, under `pool`. */
  readonly pool: string;
  /** Of the archive, in megabytes, for people who wait for it. */
  readonly sizeMB: number;
}

/** Where packages lie that were unpacked here or by the user: the folders that hold `usr`. */
const unpacked = ({ name }: DebianPackage): string[] => [
  ...(process.env.DAWNLM_DEBIAN ? [process.env.DAWNLM_DEBIAN] : []),
  '/',
  join(cacheFolder(), 'debian', name),
];

/** Path of a package's file that is on this machine; undefined where it is not. */
export const debianFileHere = (pkg: DebianPackage, file: string): string | undefined =>
  unpacked(pkg)
    .map((root) => join(root, file))
    .find((path) => existsSync(path));

/**
 * Path of a file of a package: of the installed one, else of one that was unpacked before; else the package is downloaded, for
 * which Debian's tools are needed, but no root.
 * @param file its path without the first slash: usr/share/...
 * @throws UserError that says how it can be had
 */
export async function debianFile(pkg: DebianPackage, file: string, say: Say): Promise<string> {
  return debianFileHere(pkg, file) ?? (await download(pkg, file, say));
}

async function download(pkg: DebianPackage, file: string, say: Say): Promise<string> {
  const folder = join(cacheFolder(), 'debian', pkg.name);
  if (!existsSync('/usr/bin/apt-get') || !existsSync('/usr/bin/dpkg-deb')) throw notHere(pkg, file, 'is not Debian');
  say(`fetching Debian's package ${pkg.name} (${pkg.sizeMB} MB)`);
  try {
    await inScratch(join(cacheFolder(), 'debian'), async (scratch) => {
      await run('apt-get', ['-qq', 'download', pkg.name], { cwd: scratch });
      const archive = (await readdir(scratch)).find((name) => name.endsWith('.deb'));
      if (!archive) throw new Error('apt-get left no archive');
      await run('dpkg-deb', ['-x', archive, 'files'], { cwd: scratch });
      await rename(join(scratch, 'files'), folder).catch((error) => {
        if (!existsSync(folder)) throw error; // another process was faster: its copy stays
      });
    });
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw notHere(pkg, file, `could not fetch it: ${lastLines(error)}`, error);
  }
  const path = join(folder, file);
  if (!existsSync(path)) throw notHere(pkg, file, `has a ${pkg.name} without that file`);
  return path;
}

/** What there is to do, for each kind of machine. */
function notHere({ name, pool, sizeMB }: DebianPackage, file: string, why: string, cause?: unknown): UserError {
  const ways = [
    `on Debian or Ubuntu: apt-get install ${name} (as root), or apt-get update once and try again`,
    `elsewhere: take ${name}_*_all.deb (${sizeMB} MB) from any mirror of Debian, folder pool/${pool}, unpack it (ar x ${name}_*.deb && tar xf data.tar.*), and set DAWNLM_DEBIAN to the folder that then holds usr`,
  ];
  const what = `The file ${file} of Debian's package ${name} is needed, and this machine ${why}.`;
  return new UserError(`${what} It can be had ${ways.join('; ')}.`, { cause });
}
