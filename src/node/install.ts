/**
 * Brings a software Vulkan driver onto a machine that has none: Mesa lavapipe from the distribution's packages (root),
 * or SwiftShader out of an npm package (anybody on linux x64). A process that failed to find a driver before should
 * look for it in a fresh process afterwards: its Vulkan loader may be the old one.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { UserError } from '../errors.ts';
import { cacheFolder, sha256 } from './files.ts';
import { swiftshaderFolder } from './icd.ts';
import { inScratch, lastLines, packInto, run, type Say } from './npm.ts';

const LAVAPIPE_PACKAGES = ['mesa-vulkan-drivers', 'libvulkan1'];
const BACKPORTS_FILE = '/etc/apt/sources.list.d/dawnlm-backports.sources';
const DEBIAN_KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';

const SWIFTSHADER_PACKAGE = '@sparticuz/chromium@153.0.0';
const SWIFTSHADER_ARCHIVE = 'package/bin/swiftshader.tar.br';
const SWIFTSHADER_SHA256 = 'b680e40a33235ecc6ad4c6897a168b70ce5164f0d62d2a64d675320d51614631';
const SWIFTSHADER_FILES = ['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json'];

/** True where packages of the distribution can be installed: Debian, Ubuntu or a relative, as root. */
export function canInstall(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

/** True where the SwiftShader of the npm package runs. */
export function canFetchSwiftshader(): boolean {
  return process.platform === 'linux' && process.arch === 'x64';
}

async function osRelease(): Promise<{ id: string; codename: string }> {
  const text = await readFile('/etc/os-release', 'utf8');
  const field = (name: string) => text.match(new RegExp(`^${name}="?([^"\n]*)"?$`, 'm'))?.[1] ?? '';
  return { id: field('ID'), codename: field('VERSION_CODENAME') };
}

async function apt(...args: string[]): Promise<string> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return (await run('apt-get', ['-qq', ...args], { env })).stdout;
}

/** The mirror that the machine already takes `suite` from, in either format of apt's sources. */
export function mirrorOf(suite: string, sources: string[]): string | undefined {
  for (const text of sources.map((source) => source.replace(/^#.*\n?/gm, ''))) {
    const line = text.match(new RegExp(`^deb\\s+(?:\\[[^\\]]*\\]\\s+)?(\\S+)\\s+${suite}\\s`, 'm'));
    if (line) return line[1];
    const stanza = text.split(/\n\s*\n/).find((part) => new RegExp(`^Suites:(.*\\s)?${suite}(\\s|$)`, 'm').test(part));
    const uri = stanza?.match(/^URIs:\s*(\S+)/m);
    if (uri) return uri[1];
  }
  return undefined;
}

async function aptSources(): Promise<string[]> {
  const folder = '/etc/apt/sources.list.d';
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.(list|sources)$/.test(name));
  const paths = ['/etc/apt/sources.list', ...names.map((name) => join(folder, name))];
  return Promise.all(paths.map((path) => readFile(path, 'utf8').catch(() => '')));
}

/** Adds the backports in a file of their own. Apt gives them a low priority, so nothing else is upgraded by them. */
async function ensureBackports(codename: string, say: Say): Promise<string> {
  const suite = `${codename}-backports`;
  const sources = await aptSources();
  if (mirrorOf(suite, sources)) return suite;
  const uri = mirrorOf(codename, sources) ?? 'http://deb.debian.org/debian';
  const signed = existsSync(DEBIAN_KEYS) ? `Signed-By: ${DEBIAN_KEYS}\n` : '';
  say(`Adding ${suite} to apt's sources in ${BACKPORTS_FILE}: Debian 12's own lavapipe is too old for Dawn.`);
  await writeFile(BACKPORTS_FILE, `Types: deb\nURIs: ${uri}\nSuites: ${suite}\nComponents: main\n${signed}`);
  return suite;
}

/**
 * Installs packages of the distribution. `what` is what people call them.
 * @throws UserError with apt's last words
 */
export async function installPackages(
  what: string,
  words: readonly string[] | Promise<readonly string[]>,
  say: Say,
): Promise<void> {
  try {
    const command = ['install', '-y', '--no-install-recommends', ...(await words)];
    say(`Installing ${what}: apt-get ${command.join(' ')}`);
    // A failing third-party source must not stop this; the install tells whether the lists suffice.
    await apt('update').catch(() => undefined);
    await apt(...command);
  } catch (error) {
    throw new UserError(`${what} could not be installed: ${lastLines(error)}`, { cause: error });
  }
}

/**
 * Installs Mesa lavapipe with apt, on Debian 12 from its backports.
 * @throws UserError with apt's last words
 */
export const installLavapipe = (say: Say): Promise<void> =>
  installPackages('the software driver lavapipe', lavapipeWords(say), say);

async function lavapipeWords(say: Say): Promise<string[]> {
  const { id, codename } = await osRelease();
  const suite = id === 'debian' && codename === 'bookworm' ? ['-t', await ensureBackports(codename, say)] : [];
  return [...suite, ...LAVAPIPE_PACKAGES];
}

/** Downloads the package and returns the archive of drivers inside it, verified. */
async function downloadArchive(folder: string): Promise<Uint8Array> {
  const pack = await packInto(folder, SWIFTSHADER_PACKAGE);
  await run('tar', ['xzf', pack, SWIFTSHADER_ARCHIVE], { cwd: folder });
  const archive = await readFile(join(folder, SWIFTSHADER_ARCHIVE));
  if ((await sha256([archive])) !== SWIFTSHADER_SHA256) throw new Error('its SHA-256 is not the expected one');
  return archive;
}

async function unpackInto(target: string, work: string): Promise<void> {
  const archive = await downloadArchive(work);
  const ready = join(work, 'ready');
  await mkdir(ready);
  execFileSync('tar', ['xf', '-', '--no-same-owner', '-C', ready, ...SWIFTSHADER_FILES], {
    input: brotliDecompressSync(archive),
  });
  await rm(target, { recursive: true, force: true });
  await rename(ready, target);
}

/**
 * Unpacks SwiftShader and a Vulkan loader (7 MB) out of an npm package into the cache folder; nothing else is left.
 * @throws UserError when the package cannot be had or the folder not be written
 */
export async function fetchSwiftshader(say: Say): Promise<void> {
  say(`Fetching the software driver SwiftShader out of the npm package ${SWIFTSHADER_PACKAGE} (70 MB, 7 MB are kept).`);
  try {
    await inScratch(cacheFolder(), (scratch) => unpackInto(swiftshaderFolder(), scratch));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`SwiftShader could not be fetched into ${cacheFolder()}: ${lastLines(error)}`, {
      cause: error,
    });
  }
}
