import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { UserError } from '../../src/errors.ts';
import { type Peer, peersFolder } from './catalog.ts';

/** Scripts of packages would download or build what is not needed: the binaries are inside of the packages. */
const FLAGS = ['--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund', '--loglevel=error'];

/**
 * Installs peers' packages into a folder of their own, beside those that are there. Returns the folder.
 * @throws UserError when npm cannot
 */
export async function installPeers(peers: readonly Pick<Peer, 'packages'>[], folder = peersFolder()): Promise<string> {
  const wanted = Object.assign({}, ...peers.map(({ packages }) => packages));
  await mkdir(folder, { recursive: true });
  const dependencies = { ...(await dependenciesIn(folder)), ...wanted };
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }, undefined, 2));
  try {
    // npm is a script on Windows, which only a shell starts
    await promisify(execFile)('npm', ['install', ...FLAGS], { cwd: folder, shell: process.platform === 'win32' });
  } catch (error) {
    const stderr = (error as { stderr?: string }).stderr?.trim().split('\n')[0];
    throw new UserError(`npm could not install the peers into ${folder}: ${stderr || (error as Error).message}`, {
      cause: error,
    });
  }
  return folder;
}

async function dependenciesIn(folder: string): Promise<Record<string, string>> {
  try {
    return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')).dependencies ?? {};
  } catch {
    return {}; // none yet
  }
}
