import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Block, Image, MemoryPool, roundUp, type View } from '../../src/gpu/memory.ts';
import { ADD_UNIFORM, download, freshDevice, run, TWICE, upload } from './devices.ts';

/** The pool of a device that only counts, and a new block's buffer from it. */
function fakePool() {
  const destroyed: number[] = [];
  const pool = new MemoryPool({
    createBuffer: ({ size }: GPUBufferDescriptor) => ({ size, destroy: () => destroyed.push(size) }) as object,
    createTexture: ({ size: [width, height] }: { size: number[] }) => ({ width, height }) as object,
  } as unknown as GPUDevice);
  const held: Block[] = []; // else they would be garbage
  const take = (sizeBytes: number, kind?: Block['kind']): Block => {
    const block = new Block(sizeBytes, 'eager', kind);
    pool.materialize(block);
    held.push(block);
    return block;
  };
  return { pool, take, destroyed };
}

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Finalizers run between turns of the event loop, and on a machine that is busy not all of them between two. */
async function collected(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) {
    collectGarbage();
    await sleep(2);
  }
}

/** Collects garbage until `done`, for finalizers run when the engine likes. */
async function collectUntil(done: () => boolean): Promise<void> {
  for (let i = 0; i < 50 && !done(); i++) {
    await collected();
  }
}

it('rounds up', () => {
  expect([0, 1, 256, 257].map((bytes) => roundUp(bytes, 256))).toEqual([0, 256, 256, 512]);
});

describe('MemoryPool', () => {
  it('counts what it makes, in multiples of the alignment', () => {
    const { pool, take } = fakePool();
    expect([0, 1, 256, 257].map((bytes) => take(bytes).gpu!.size)).toEqual([256, 256, 256, 512]);
    expect(pool.created).toBe(4);
    expect(pool.allocatedBytes).toBe(1280);
  });

  it('hands what was reclaimed out again, once', () => {
    const { pool, take } = fakePool();
    const block = take(1000);
    const { gpu } = block;
    pool.reclaim(block);
    pool.reclaim(block);
    expect(block.gpu).toBeUndefined();
    expect(take(900).gpu).toBe(gpu);
    expect(take(900).gpu).not.toBe(gpu);
    expect(pool.created).toBe(2);
  });

  it('takes the smallest that fits, and none of more than twice the size', () => {
    const { pool, take } = fakePool();
    const blocks = [4096, 1280, 1024, 512].map((bytes) => take(bytes));
    const [large, wide, middle, small] = blocks.map(({ gpu }) => gpu!);
    for (const block of blocks) pool.reclaim(block);
    expect(take(700).gpu).toBe(middle);
    expect(take(512).gpu).toBe(small);
    expect(take(500).gpu).not.toBe(wide);
    expect(take(640).gpu).toBe(wide);
    expect(take(1024).gpu).not.toBe(large);
    expect(take(2048).gpu).toBe(large);
  });

  it('keeps kinds apart', () => {
    const { pool, take } = fakePool();
    pool.reclaim(take(256, 'staging'));
    take(256, 'uniform');
    expect(pool.created).toBe(2);
  });

  it('gives textures of exactly one size', () => {
    const { pool } = fakePool();
    const image = (width: number, height: number) => pool.materialize(new Image(width, height));
    const images = [new Image(3, 5), new Image(5, 3), new Image(32, 2)];
    const textures = images.map((one) => pool.materialize(one));
    for (const one of images) pool.reclaim(one);
    expect([image(5, 3), image(3, 5), image(32, 2)]).toEqual([textures[1], textures[0], textures[2]]);
    expect(image(3, 4)).not.toBe(textures[0]);
    expect(pool.created).toBe(4);
    expect(pool.allocatedBytes).toBe(16 * (15 + 15 + 36 * 2 + 12));
  });

  it('keeps as much free as is in use, or 64 MiB, and destroys the longest free first', () => {
    const { pool, take, destroyed } = fakePool();
    const [MiB, few] = [2 ** 20, [10, 30, 20, 40]];
    const blocks = few.map((size) => take(size * MiB));
    for (const block of blocks.slice(1)) pool.reclaim(block);
    pool.trim();
    expect(destroyed).toEqual([30 * MiB]);
    expect(pool.allocatedBytes).toBe(70 * MiB);
    take(100 * MiB);
    for (const size of [50, 70]) pool.reclaim(take(size * MiB));
    pool.trim();
    expect(destroyed).toEqual([30, 20, 40, 50].map((size) => size * MiB)); // in use are 10 and 100
    expect(pool.allocatedBytes).toBe((10 + 100 + 70) * MiB);
    expect(pool.peakBytes).toBe(290 * MiB);
  });

  it('gives a block one buffer, and has it back when the block is garbage', async () => {
    const { pool, take } = fakePool();
    let block: Block | undefined = new Block(1000, 'eager');
    const buffer = pool.materialize(block);
    expect(pool.materialize(block)).toBe(buffer);
    await collected();
    expect(take(1000).gpu).not.toBe(buffer); // still in use
    block = undefined;
    let again: GPUBuffer | undefined;
    await collectUntil(() => {
      const taken = take(1000).gpu;
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
    await collected();
    expect(await step()).toEqual([6, 8]); // a buffer handed back too early would hold something else
  }
  expect(device.pool.created - before).toBeLessThan(10); // without the return, each round makes one
  device.destroy();
});

describe('a scope', () => {
  it('gives all that eager work made in it back at once, but what it returns', async () => {
    const device = await freshDevice();
    const x = upload(device, 3, 4);
    const twice = (): View =>
      device.scope(
        () => {
          const [y, z] = [device.allocate(8, 'y'), device.allocate(8, 'z')];
          run(device, TWICE, x, y);
          run(device, TWICE, y, z);
          return z;
        },
        (z) => [z],
      );
    const kept = twice();
    const outer = device.scope(twice, (z) => [z]); // what an inner scope returns belongs to the outer one
    await download(device, kept);
    const before = device.pool.created;
    for (let round = 0; round < 5; round++) {
      const result = device.scope(twice, (z) => [z]);
      expect(await download(device, result)).toEqual([12, 16]);
      device.free(result);
    }
    expect(device.pool.created - before).toBeLessThan(2);
    expect(await download(device, kept)).toEqual([12, 16]);
    expect(await download(device, outer)).toEqual([12, 16]);
    const failing = (): void => {
      throw new Error(`${device.allocate(8, 'z').sizeBytes}`);
    };
    const made = device.pool.created;
    for (let round = 0; round < 3; round++) expect(() => device.scope(failing, () => [])).toThrow('8');
    expect(device.pool.created - made).toBeLessThan(2);
    device.destroy();
  });

  it('leaves what a capture plans alone', async () => {
    const device = await freshDevice();
    const x = upload(device, 3, 4);
    const work = (): View => {
      const y = device.allocate(8, 'y');
      run(device, TWICE, x, y);
      return y;
    };
    const { result, commands } = device.capture(() => device.scope(work, () => []));
    device.scope(
      () => device.run(device.program(commands, [result])),
      () => [],
    );
    expect(await download(device, result)).toEqual([6, 8]);
    device.destroy();
  });
});

it('what is freed is still read by work that has not been submitted', async () => {
  const device = await freshDevice();
  const x = upload(device, 3, 4);
  const [y, z] = [device.allocate(8, 'y'), device.allocate(8, 'z')];
  run(device, TWICE, x, y);
  run(device, TWICE, y, z);
  device.free(y);
  expect(await download(device, z)).toEqual([12, 16]);
  device.destroy();
});

it('uniforms that were dropped come back to the pool, and those of a program stay as they are', async () => {
  const device = await freshDevice();
  const x = upload(device, 0);
  const add = (number: number): void => {
    const uniform = new Uint8Array(Float32Array.of(number, 0, 0, 0).buffer);
    device.dispatch({ source: ADD_UNIFORM, resources: [x], uniform, grid: [1, 1, 1] });
  };
  const program = device.program(device.capture(() => add(0.5)).commands, []);
  const addMany = async (from: number): Promise<void> => {
    for (let i = from; i < from + 4500; i++) add(i % 2 ? i : -i); // more than are kept
    await device.finish();
    await collected();
  };
  await addMany(1);
  const before = device.pool.created;
  for (let round = 1; round < 3; round++) await addMany(1 + 4500 * round);
  expect(device.pool.created - before).toBeLessThan(4500); // without the return, each round makes as many
  device.run(program);
  expect(await download(device, x)).toEqual([0.5 - 3 * 2250]);
  device.destroy();
});

it('what a program had in memory comes back when neither it nor its results are reachable', async () => {
  const device = await freshDevice();
  const x = upload(device, 3, 4);
  const twice = (): View => {
    const { result, commands } = device.capture(() => {
      const [y, z] = [device.allocate(8, 'y'), device.allocate(8, 'z')];
      run(device, TWICE, x, y);
      run(device, TWICE, y, z);
      return z;
    });
    device.run(device.program(commands, [result]));
    return result;
  };
  const kept = twice();
  const before = device.pool.created;
  for (let round = 0; round < 20; round++) {
    expect(await download(device, twice())).toEqual([12, 16]);
    await collected();
  }
  expect(device.pool.created - before).toBeLessThan(20); // without the return, each round makes two
  expect(await download(device, kept)).toEqual([12, 16]);
  device.destroy();
});
