import { type ChildProcess, fork, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lockFolder } from '../../src/node/lock.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dawnlm-lock-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let rooms = 0;
const fresh = (): string => join(scratch, `room-${rooms++}`);
const lockIn = (folder: string): string => join(folder, '.lock');
const ownerOf = (folder: string) => JSON.parse(readFileSync(lockIn(folder), 'utf8'));

/** Leaves the lock of another owner in a folder, last touched `ageMs` ago. */
function leave(folder: string, owner: object | string, ageMs = 0): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(lockIn(folder), typeof owner === 'string' ? owner : JSON.stringify(owner));
  const time = (Date.now() - ageMs) / 1000;
  utimesSync(lockIn(folder), time, time);
}

/** What this process would write, with an id of another lock. */
async function own(change: object = {}) {
  const folder = fresh();
  const lock = await lockFolder(folder);
  const owner = { ...ownerOf(folder), id: '0123abcd', ...change };
  lock.release();
  return owner;
}

/** The number of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await new Promise((done) => child.on('exit', done));
  return child.pid!;
}

describe('a lock', () => {
  it('is there from the taking to the release, and so is a folder that was made for it', async () => {
    const folder = join(fresh(), 'runs', 'x');
    const lock = await lockFolder(folder);
    expect(readdirSync(folder)).toEqual(['.lock']);
    expect(ownerOf(folder)).toMatchObject({ pid: process.pid, host: hostname() });
    expect(await lock.isMine()).toBe(true);
    lock.release();
    expect(existsSync(join(folder, '../..'))).toBe(false);
  });

  it('leaves what was written, and sweeps what killed writers left', async () => {
    const folder = fresh();
    mkdirSync(folder);
    writeFileSync(join(folder, '.model.safetensors.0123abcd.tmp'), '');
    const lock = await lockFolder(folder);
    writeFileSync(join(folder, 'run.json'), '{}');
    lock.release();
    expect(readdirSync(folder)).toEqual(['run.json']);
  });

  it('that is held is refused with the name of its owner and what to do', async () => {
    const folder = fresh();
    const lock = await lockFolder(folder);
    const sentence = `being written by another process (process ${process.pid}, since `;
    await expect(lockFolder(folder)).rejects.toThrow(sentence);
    await expect(lockFolder(folder)).rejects.toThrow(`stop it with kill ${process.pid}, or choose another folder`);
    expect(readdirSync(folder)).toEqual(['.lock']);
    lock.release();
    (await lockFolder(folder)).release();
  });

  it.runIf(process.platform === 'linux')('of a process that has ended is taken over without a word', async () => {
    const said: string[] = [];
    for (const change of [{ pid: await deadPid() }, { began: '1 ticks after boot x' }]) {
      const folder = fresh();
      leave(folder, await own(change));
      const lock = await lockFolder(folder, (line) => said.push(line));
      expect(await lock.isMine()).toBe(true);
      expect(readdirSync(folder)).toEqual(['.lock']);
      lock.release();
    }
    expect(said).toEqual([]);
  });

  it('of another machine, or container, holds as long as it is touched, and is then taken over with a sentence', async () => {
    const said: string[] = [];
    const folder = fresh();
    leave(folder, await own({ host: 'node7', pid: 7 }), 60_000);
    await expect(lockFolder(folder)).rejects.toThrow(
      /process 7 of node7, last heard of 6\d s ago, since .*remove .*\.lock/,
    );
    leave(folder, await own({ host: 'node7', pid: 7 }), 3_600_000);
    const lock = await lockFolder(folder, (line) => said.push(line));
    expect(said).toEqual([`process 7 of node7, which wrote ${folder}, gave no sign of life: it is taken for dead`]);
    lock.release();
    leave(folder, await own({ space: 'pid:[1]' }), 60_000);
    await expect(lockFolder(folder)).rejects.toThrow('last heard of');
  });

  it('that was never filled, or is none, is waited for and then taken over', async () => {
    for (const text of ['', '{"id": "0123', 'null', '{"id": "../../x", "pid": -1}', 'x'.repeat(10_000)]) {
      const folder = fresh();
      leave(folder, text, 60_000);
      (await lockFolder(folder)).release();
      expect(existsSync(folder) && readdirSync(folder)).toEqual([]);
    }
    const folder = fresh();
    leave(folder, '');
    const taking = lockFolder(folder).catch((error) => error.message);
    setTimeout(async () => leave(folder, await own()), 100);
    expect(await taking).toMatch(/being written by another process/);
  });

  it.runIf(process.platform === 'linux')(
    'is succeeded even where its successor died before it had replaced it',
    async () => {
      const folder = fresh();
      const pid = await deadPid();
      leave(folder, await own({ id: 'aaaaaaaa', pid }));
      writeFileSync(join(folder, '..lock-after.aaaaaaaa.tmp'), JSON.stringify(await own({ id: 'bbbbbbbb', pid })));
      const lock = await lockFolder(folder);
      expect(await lock.isMine()).toBe(true);
      expect(readdirSync(folder)).toEqual(['.lock']);
      lock.release();
      leave(folder, await own({ id: 'aaaaaaaa', pid }));
      writeFileSync(join(folder, '..lock-after.aaaaaaaa.tmp'), JSON.stringify(await own({ id: 'bbbbbbbb' })));
      await expect(lockFolder(folder)).rejects.toThrow('being written by another process'); // its successor lives
    },
  );

  it('whose folder is removed or moved away is taken anew before the next writing, and all is written again', async () => {
    const folder = fresh();
    const lock = await lockFolder(folder);
    const write = (file: string) => writeFileSync(join(folder, file), '');
    lock.restore = async () => write('all');
    for (const lose of [() => rmSync(folder, { recursive: true }), () => renameSync(folder, fresh())]) {
      await lock.write(async () => write('one'));
      lose();
      await lock.write(async () => write('two'));
      expect(readdirSync(folder).sort()).toEqual(['.lock', 'all', 'two']);
      rmSync(join(folder, 'all'));
    }
    let tries = 0; // removed in the middle of it
    await lock.write(async () => {
      if (tries++ === 0) rmSync(folder, { recursive: true });
      write('three');
    });
    expect(readdirSync(folder).sort()).toEqual(['.lock', 'all', 'three']);
    rmSync(folder, { recursive: true });
    leave(folder, await own());
    await expect(lock.write(async () => write('four'))).rejects.toThrow(/was removed or moved away .*another process/);
    expect(readdirSync(folder)).toEqual(['.lock']);
    lock.release();
    expect(ownerOf(folder).id).toBe('0123abcd');
  });

  it('goes with its folder to another name, and there is a new one', async () => {
    const folder = fresh();
    const lock = await lockFolder(folder);
    writeFileSync(join(folder, 'run.json'), '{}');
    await lock.moveTo(`${folder}.1`);
    expect([readdirSync(folder), readdirSync(`${folder}.1`)]).toEqual([['.lock'], ['run.json']]);
    expect(await lock.isMine()).toBe(true);
    lock.release();
  });

  it('where the folder cannot be made says so', async () => {
    const file = fresh();
    writeFileSync(file, '');
    await expect(lockFolder(join(file, 'x'))).rejects.toThrow(/a part of its path is a file/);
  });
});

/** Takes a lock after a while, tells how that went, and writes into the folder until it is told to release it. */
const WRITER = `
import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { lockFolder } from ${JSON.stringify(new URL('../../src/node/lock.ts', import.meta.url).href)};
let asked;
process.on('message', async ({ folder, delayMs }) => {
  asked = folder;
  if (!folder) return;
  await pause(delayMs);
  try {
    const lock = await lockFolder(folder);
    process.send({ won: true, said: '' });
    for (; asked; await pause(1)) await lock.write(async () => appendFileSync(folder + '/log', process.pid + '\\n'));
    lock.release();
    process.send('released');
  } catch (error) {
    process.send({ won: false, said: error.message });
  }
});
process.send('ready');
`;

interface Answer {
  won: boolean;
  said: string;
}

describe('of writers that begin at random moments', () => {
  const file = join(scratch, 'writer.mts');
  let writers: ChildProcess[] = [];
  const once = (child: ChildProcess): Promise<unknown> => new Promise((done) => child.once('message', done));
  const begin = async (): Promise<ChildProcess> => {
    const child = fork(file, { execArgv: ['--import', 'tsx'], cwd: process.cwd() });
    await once(child);
    return child;
  };
  beforeAll(async () => {
    writeFileSync(file, WRITER);
    writers = await Promise.all([begin(), begin(), begin()]);
  });
  afterAll(() => {
    for (const child of writers) child.kill('SIGKILL');
  });
  const ask = (child: ChildProcess, folder: string, delayMs: number): Promise<Answer> => {
    const answer = once(child);
    child.send({ folder, delayMs });
    return answer as Promise<Answer>;
  };
  const release = async (child: ChildProcess): Promise<void> => {
    const released = once(child);
    child.send({});
    await released;
  };
  const pidsIn = (folder: string) => new Set(readFileSync(join(folder, 'log'), 'utf8').trim().split('\n'));

  it('one wins, the others are told who, and nothing is mixed: also over a lock whose owner is dead', async () => {
    let randomly = 1;
    const random = (most: number) => ((randomly = (48271 * randomly) % 2147483647) / 2147483647) * most;
    const dead = await own({ pid: await deadPid() });
    for (let round = 0; round < 50; round++) {
      const folder = fresh();
      if (round % 2) leave(folder, dead);
      const some = writers.slice(0, 2 + (round % 3 > 0 ? 1 : 0));
      const spreadMs = [0, 2, 20][round % 3];
      const answers = await Promise.all(some.map((child) => ask(child, folder, random(spreadMs))));
      const winners = some.filter((_, i) => answers[i].won);
      expect(winners, JSON.stringify(answers)).toHaveLength(1);
      await release(winners[0]); // not before all have answered
      for (const { won, said } of answers) if (!won) expect(said).toContain(`(process ${winners[0].pid}, since `);
      expect(pidsIn(folder)).toEqual(new Set([String(winners[0].pid)]));
      expect(readdirSync(folder)).toEqual(['log']);
    }
  });

  it('that are killed leave the folder to the next, whoever that is', async () => {
    for (let round = 0; round < 2; round++) {
      const folder = fresh();
      const [victim, ...others] = writers;
      await ask(victim, folder, 0);
      const ended = new Promise((done) => victim.once('exit', done));
      victim.kill('SIGKILL');
      await ended;
      const answers = await Promise.all(others.map((child) => ask(child, folder, 0)));
      const winners = others.filter((_, i) => answers[i].won);
      expect(winners).toHaveLength(1);
      await release(winners[0]);
      expect(readdirSync(folder)).toEqual(['log']);
      writers = [...others, await begin()];
    }
  });
});
