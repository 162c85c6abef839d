import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Block, BufferPool, roundUp } from '../../src/gpu/memory.ts';
import { download, freshDevice, run, TWICE, upload } from './devices.ts';

/** A device that only counts. */
const fakePool = (): BufferPool =>
  new BufferPool({ createBuffer: ({ size }: GPUBufferDescriptor) => ({ size }) as GPUBuffer } as GPUDevice);

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Collects garbage until `done`, for finalizers run when the engine likes. */
async function collectUntil(done: () => boolean): Promise<void> {
  for (let i = 0; i < 50 && !done(); i++) {
    collectGarbage();
    await sleep(5);
  }
}

it('rounds up', () => {
  expect([0, 1, 256, 257].map((bytes) => roundUp(bytes, 256))).toEqual([0, 256, 256, 512]);
});

describe('BufferPool', () => {
  it('counts what it makes, in multiples of the alignment', () => {
    const pool = fakePool();
    expect([0, 1, 256, 257].map((bytes) => pool.acquire('storage', bytes).size)).toEqual([256, 256, 256, 512]);
    expect(pool.created).toBe(4);
    expect(pool.allocatedBytes).toBe(1280);
  });

  it('hands a released buffer out again, once', () => {
    const pool = fakePool();
    const buffer = pool.acquire('storage', 1000);
    pool.release('storage', buffer);
    expect(pool.acquire('storage', 900)).toBe(buffer);
    expect(pool.acquire('storage', 900)).not.toBe(buffer);
    expect(pool.created).toBe(2);
  });

  it('takes the smallest that fits, and none of more than twice the size', () => {
    const pool = fakePool();
    const [large, wide, middle, small] = [4096, 1280, 1024, 512].map((bytes) => pool.acquire('storage', bytes));
    for (const buffer of [large, wide, middle, small]) pool.release('storage', buffer);
    expect(pool.acquire('storage', 700)).toBe(middle);
    expect(pool.acquire('storage', 512)).toBe(small);
    expect(pool.acquire('storage', 500)).not.toBe(wide);
    expect(pool.acquire('storage', 640)).toBe(wide);
    expect(pool.acquire('storage', 1024)).not.toBe(large);
    expect(pool.acquire('storage', 2048)).toBe(large);
  });

  it('keeps kinds apart', () => {
    const pool = fakePool();
    pool.release('staging', pool.acquire('staging', 256));
    pool.acquire('uniform', 256);
    expect(pool.created).toBe(2);
  });

  it('gives a block one buffer, and has it back when the block is garbage', async () => {
    const pool = fakePool();
    let block: Block | undefined = new Block(1000, 'eager');
    const buffer = pool.materialize(block);
    expect(pool.materialize(block)).toBe(buffer);
    collectGarbage();
    await sleep(5);
    expect(pool.acquire('storage', 1000)).not.toBe(buffer); // still in use
    block = undefined;
    let again: GPUBuffer | undefined;
    await collectUntil(() => {
      const taken = pool.acquire('storage', 1000);
      if (taken === buffer) again = taken;
      return again !== undefined;
    });
    expect(again).toBe(buffer);
  });
});

it('eager work in a loop lives on the buffers that garbage gave back', async () => {
  const device = await freshDevice();
  const x = upload(device, 3, 4);
  const step = async (): Promise<number[]> => {
    const y = device.allocate(8, 'y');
    run(device, TWICE, x, y);
    return download(device, y);
  };
  await step();
  const before = device.pool.created;
  for (let round = 0; round < 20; round++) {
    collectGarbage();
    await sleep(1); // finalizers run between turns of the event loop
    expect(await step()).toEqual([6, 8]); // a buffer handed back too early would hold something else
  }
  expect(device.pool.created - before).toBeLessThan(10); // without the return, each round makes one
  device.destroy();
});
