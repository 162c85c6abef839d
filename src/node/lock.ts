/**
 * One writer to a folder. Whoever writes a run holds the file `.lock` in its folder, from before the first look at it to the end.
 *
 * The file names its owner. It is written whole under a name of its own and then linked to the common one: link(2) succeeds for
 * one process alone, and nobody reads half a file. A file system without links has it created exclusively (O_EXCL) and filled; who
 * finds it empty waits for that.
 *
 * Its owner lives as long as the process of that number that began at that time, which a process with a reused number did
 * not. A process of another machine (a folder on the network), or of another container, cannot be looked for: it lives as long as it
 * touches the file every HEARTBEAT_MS, by the clock of the file system.
 *
 * A dead lock is not removed, for what is removed may by then be another's. It has one successor: the process that can link its own
 * lock to a name that only the successor of that lock has. Should that one die too, it is succeeded likewise, so that locks form a
 * chain, whose end owns the folder. A successor that is still the end of it renames its lock over the first one.
 *
 * Not guaranteed: a machine that slept or was cut off for STALE_MS has lost its folder and notices before its next write, not in the
 * middle of one; and a file system whose exclusive creation is not exclusive (NFS 2) gives none either.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync, rmdirSync, rmSync } from 'node:fs';
import { link, lstat, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { UserError } from '../errors.ts';
import { asWriteError, errorCode, makeFolder, sweepTemporary, temporaryName } from './files.ts';
import type { Say } from './npm.ts';

const FILE = '.lock';
const HEARTBEAT_MS = 20_000;
/** Without a sign of life for so long, a process of another machine is taken for dead. */
const STALE_MS = 600_000;
/** Nobody takes longer from creating a lock to filling it. */
const FILLING_MS = 5000;
const LOOK_AGAIN_MS = 20;
const LONGEST_BYTES = 4096;

/** Who holds a lock. */
const Owner = z.object({
  /** Of this lock alone, random. */
  id: z.string().regex(/^[0-9a-f]{8}$/),
  pid: z.int().min(1),
  host: z.string(),
  /** What the numbers of processes count in: containers on one host have a space each. */
  space: z.string(),
  /** When the process began, as the system says it; '' where it does not. */
  began: z.string(),
  /** ISO 8601. */
  since: z.string(),
});
type Owner = z.infer<typeof Owner>;

/** A lock as it was found: its owner, or none while it is being filled, and when that last gave a sign of life. */
interface Found {
  readonly path: string;
  readonly owner?: Owner;
  readonly mtimeMs: number;
}

const quietly = <T>(look: () => T): T | undefined => {
  try {
    return look();
  } catch {
    return undefined;
  }
};

/** When a process began, in whatever words: the same for the same process, others for one that has its number later; '' where that is not known. */
function beganAt(pid: number): string {
  const stat = quietly(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
  const ps = (): string => execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  if (!stat) return process.platform === 'win32' || process.platform === 'linux' ? '' : (quietly(ps) ?? '');
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // names may hold spaces and brackets
  const boot = quietly(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim());
  return state === 'Z' ? 'it has ended' : `${fields[18]} ticks after boot ${boot}`; // field 22 of proc(5)
}

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) === 'EPERM'; // another user's
  }
};

const HERE = {
  host: hostname(),
  space: quietly(() => readlinkSync('/proc/self/ns/pid')) ?? '',
};

function isAlive({ owner, mtimeMs }: Found, nowMs: number): boolean {
  if (!owner) return nowMs - mtimeMs < FILLING_MS;
  if (owner.host !== HERE.host || owner.space !== HERE.space) return nowMs - mtimeMs < STALE_MS;
  if (!isRunning(owner.pid)) return false;
  const began = beganAt(owner.pid);
  return began === '' || owner.began === '' || began === owner.began;
}

async function find(path: string): Promise<Found | undefined> {
  try {
    const file = await lstat(path);
    const { mtimeMs, size } = file;
    const text = file.isFile() && size <= LONGEST_BYTES ? await readFile(path, 'utf8') : '';
    const { data } = Owner.safeParse(quietly(() => JSON.parse(text)));
    return { path, owner: data, mtimeMs };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The name of one that cannot be read follows from its time. */
const idOf = ({ owner, mtimeMs }: Found): string =>
  owner?.id ?? Math.trunc(mtimeMs).toString(16).slice(-8).padStart(8, '0');

/** Links a lock to a name; false where that is taken. */
async function claim(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path).catch(async (error) => {
      if (['EEXIST', 'ENOENT'].includes(errorCode(error))) throw error;
      await writeFile(path, await readFile(own), { flag: 'wx' }); // no links here
    });
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

const held = new Set<FolderLock>();
let heard = false;

/** However the process ends, short of a kill, its folders are free then. */
function releaseAtEnd(): void {
  if (heard) return;
  heard = true;
  process.on('exit', () => {
    for (const lock of held) lock.release();
  });
}

/** A folder that this process alone writes. */
export class FolderLock {
  /** Writes anew what a folder held that was removed; for whoever writes it to set. */
  restore: () => Promise<void> = async () => {};
  private readonly owner: Owner;
  private readonly at: string;
  /** The outermost folder that was made for it. */
  private made: string | undefined;
  /** Milliseconds that the clock of the file system is ahead. */
  private aheadMs = 0;
  private heartbeat: NodeJS.Timeout | undefined;

  /** For `lockFolder`. */
  constructor(
    readonly folder: string,
    private readonly say: Say,
  ) {
    this.at = resolve(folder);
    const id = randomBytes(4).toString('hex');
    const { pid } = process;
    this.owner = { id, pid, ...HERE, began: beganAt(pid), since: new Date().toISOString() };
  }

  /** @throws UserError when another process has it, or it cannot be written */
  async take(): Promise<void> {
    try {
      while (!(await this.tryToTake())) await pause(LOOK_AGAIN_MS);
    } catch (error) {
      throw error instanceof UserError ? error : asWriteError(this.folder, error);
    }
    releaseAtEnd();
    held.add(this);
    this.heartbeat ??= setInterval(() => void this.touch().catch(() => undefined), HEARTBEAT_MS).unref();
  }

  /** False where others came between. */
  private async tryToTake(): Promise<boolean> {
    const own = join(this.at, temporaryName(FILE));
    const made = makeFolder(this.at);
    this.made ??= made;
    try {
      await writeFile(own, JSON.stringify(this.owner), { flag: 'wx' });
      this.aheadMs = (await stat(own)).mtimeMs - Date.now();
      return await this.succeed(own);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      return false; // its owner swept the folder, or somebody removed it
    } finally {
      await rm(own, { force: true });
    }
  }

  /** Puts a lock at the end of the chain, and then in place of it. */
  private async succeed(own: string): Promise<boolean> {
    const chain = await this.chain();
    const last = chain.at(-1);
    if (this.isOwn(last)) return true;
    if (last && isAlive(last, Date.now() + this.aheadMs)) {
      if (last.owner) throw this.refusal(last, last.owner);
      return false;
    }
    const place = this.placeAfter(last);
    if (!(await claim(own, place))) return false;
    if (!this.isOwn((await this.chain()).at(-1))) {
      await rm(place, { force: true });
      return false;
    }
    if (!last) return true;
    await rename(own, this.placeAfter(undefined));
    for (const path of [...chain.slice(1).map((one) => one.path), place]) await rm(path, { force: true });
    const { host = HERE.host, pid } = last.owner ?? {};
    if (host !== HERE.host) {
      this.say(`process ${pid} of ${host}, which wrote ${this.folder}, gave no sign of life: it is taken for dead`);
    }
    return true;
  }

  /** The first lock, and its successors. */
  private async chain(): Promise<Found[]> {
    const chain: Found[] = [];
    for (;;) {
      const found = await find(this.placeAfter(chain.at(-1)));
      if (!found) return chain;
      chain.push(found);
    }
  }

  /** Where the successor of a lock goes, or the first one. */
  private placeAfter(before: Found | undefined): string {
    return join(this.at, before ? `.${FILE}-after.${idOf(before)}.tmp` : FILE);
  }

  private isOwn(found: Found | undefined): boolean {
    return found?.owner?.id === this.owner.id;
  }

  private refusal({ mtimeMs }: Found, { pid, host, since, space }: Owner): UserError {
    const near = host === HERE.host && space === HERE.space;
    const time = `${since.slice(0, 19).replace('T', ' ')} UTC`;
    const age = Math.max(0, Math.round((Date.now() + this.aheadMs - mtimeMs) / 1000));
    const who = near ? `process ${pid}` : `process ${pid} of ${host}, last heard of ${age} s ago`;
    const stop = near
      ? `stop it with kill ${pid}`
      : `stop it there, or remove ${join(this.folder, FILE)} if it is gone`;
    return new UserError(
      `${this.folder} is being written by another process (${who}, since ${time}): wait for its end, ${stop}, or choose another folder with --out.`,
    );
  }

  /** Whether the folder is still there, and nobody else's. */
  async isMine(): Promise<boolean> {
    return this.isOwn(await find(join(this.at, FILE)).catch(() => undefined));
  }

  private async touch(): Promise<void> {
    const now = (Date.now() + this.aheadMs) / 1000;
    if (await this.isMine()) await utimes(join(this.at, FILE), now, now);
  }

  /**
   * Does a piece of writing. Where the folder was removed or moved away since, it is made anew and `restore`d before.
   * @throws UserError when another process has begun in its place
   */
  async write<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      if (!(await this.isMine())) await this.begin();
      try {
        return await work();
      } catch (error) {
        if (await this.isMine()) throw error; // else the folder went meanwhile
      }
    }
  }

  private async begin(): Promise<void> {
    await this.take().catch((error) => {
      throw new UserError(`${this.folder} was removed or moved away while it was written. ${error.message}`);
    });
    await this.restore();
  }

  /** Moves the folder to another name, and begins it anew. @throws UserError when it cannot be moved, or another process is faster */
  async moveTo(path: string): Promise<void> {
    await rename(this.at, path);
    await rm(join(path, FILE), { force: true });
    await this.take();
  }

  /** Gives the folder free; one that was made for it and is still empty goes. */
  release(): void {
    clearInterval(this.heartbeat);
    held.delete(this);
    quietly(() => {
      const { id } = JSON.parse(readFileSync(join(this.at, FILE), 'utf8'));
      if (id === this.owner.id) rmSync(join(this.at, FILE));
    });
    quietly(() => {
      for (let folder = this.at; this.made; folder = dirname(folder)) {
        rmdirSync(folder);
        if (folder === this.made) return;
      }
    });
  }
}

/**
 * Locks a folder, made where it is not there, and sweeps out what killed writers left in it. It is free again after `release`, or
 * when the process ends: until then nobody else gets it.
 * @param say told when a lock of another machine is taken over
 * @throws UserError that names the process that has it; or when the folder cannot be written
 */
export async function lockFolder(folder: string, say: Say = () => undefined): Promise<FolderLock> {
  const lock = new FolderLock(folder, say);
  await lock.take();
  await sweepTemporary(folder);
  return lock;
}
