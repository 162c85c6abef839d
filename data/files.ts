import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fetchPackage, type NpmPackage, type Say } from '../src/node/npm.ts';

/** The files of fetched packages, as recipes read them. */
export interface PackageFiles {
  /** The text of a file, whose bytes are UTF-8 unless it says otherwise. */
  read(pkg: NpmPackage, file: string, encoding?: 'utf8' | 'latin1'): Promise<string>;
  readBytes(pkg: NpmPackage, file: string): Promise<Uint8Array>;
  /** Names in a folder of the package, in one order on every machine. */
  list(pkg: NpmPackage, folder: string): Promise<string[]>;
}

/** Fetches the packages that are not there yet. @throws UserError when one cannot be had */
export async function openPackages(packages: readonly NpmPackage[], say: Say): Promise<PackageFiles> {
  const folders = new Map<NpmPackage, string>();
  for (const pkg of packages) folders.set(pkg, await fetchPackage(pkg, say));
  const path = (pkg: NpmPackage, file: string): string => join(folders.get(pkg)!, file);
  return {
    read: (pkg, file, encoding = 'utf8') => readFile(path(pkg, file), encoding),
    readBytes: (pkg, file) => readFile(path(pkg, file)),
    list: async (pkg, folder) => (await readdir(path(pkg, folder))).sort(),
  };
}
