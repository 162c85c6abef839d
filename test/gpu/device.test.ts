import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import type { Device } from '../../src/gpu/device.ts';
import { testEngine } from '../helpers/engine.ts';
import {
  ADD_UNIFORM,
  alterBuffers,
  alterDevices,
  BROKEN,
  download,
  freshDevice,
  INCREMENT,
  replace,
  run,
  TWICE,
  upload,
} from './devices.ts';

const testDevice = async (): Promise<Device> => (await testEngine()).device;

/** What a promise rejects with; it must be a UserError. */
async function failureOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => expect.fail('nothing was thrown'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UserError);
  return (error as UserError).message;
}

describe('eager work', () => {
  it('runs in the order in which it is given, also across batches and uploads', async () => {
    const device = await testDevice();
    const x = upload(device, 0, 10);
    for (let i = 0; i < 100; i++) run(device, INCREMENT, x);
    expect(await download(device, x)).toEqual([100, 110]);
    run(device, INCREMENT, x);
    device.write(x, Float32Array.of(5, 6));
    run(device, INCREMENT, x);
    expect(await download(device, x)).toEqual([6, 7]);
  });

  it('copies, clears, and reads parts', async () => {
    const device = await testDevice();
    const x = upload(device, 1, 2, 3, 4);
    const part = { block: x.block, offsetBytes: 8, sizeBytes: 8 };
    const y = device.allocate(8, 'y');
    device.copy(part, y);
    device.clear(part);
    expect(await download(device, y)).toEqual([3, 4]);
    expect(await download(device, x)).toEqual([1, 2, 0, 0]);
    expect(await download(device, part)).toEqual([0, 0]);
  });

  it('answers reads that wait at the same time', async () => {
    const device = await testDevice();
    const views = [1, 2, 3].map((number) => upload(device, number));
    expect(await Promise.all(views.map((view) => download(device, view)))).toEqual([[1], [2], [3]]);
  });

  it('has the right uniform for each dispatch, however many different ones there are', async () => {
    const device = await testDevice();
    const x = upload(device, 0);
    const count = 5000; // more than are kept
    for (let i = 1; i <= count; i++) {
      const uniform = new Uint8Array(Float32Array.of(i, 0, 0, 0).buffer);
      device.dispatch({ source: ADD_UNIFORM, resources: [x], uniform, grid: [1, 1, 1] });
    }
    expect(await download(device, x)).toEqual([(count * (count + 1)) / 2]); // exact below 2^24
  });
});

describe('errors', () => {
  it('WGSL that does not compile: kernel, line number, message and text, at the next read', async () => {
    const device = await testDevice();
    const x = upload(device, 1);
    run(device, BROKEN, x);
    const line = BROKEN.wgsl.split('\n').findIndex((text) => text.includes('1u')) + 1;
    const message = await failureOf(device.read(x));
    expect(message).toMatch(new RegExp(`^kernel broken: WGSL line ${line}: .*'?u32'?.*\\n {2}v0\\[i\\] = 1u;$`));
    expect(await download(device, x)).toEqual([1]); // told once; the device goes on
  });

  it('and again when the kernel is used again, though nobody asks for a while', async () => {
    const device = await testDevice();
    run(device, BROKEN, upload(device, 1));
    await sleep(100); // an unhandled rejection would fail the run here
    expect(await failureOf(device.finish())).toMatch(/^kernel broken: WGSL line/);
    await device.finish();
  });

  it('a binding that does not fit: the kernel, at the next read', async () => {
    const device = await testDevice();
    const x = upload(device, 1, 2);
    run(device, INCREMENT, { ...x, offsetBytes: 4, sizeBytes: 4 });
    expect(await failureOf(device.read(x))).toMatch(/^The GPU refused work: .*[\s\S]*increment/);
    expect(await download(device, x)).toEqual([1, 2]);
  });

  it('one buffer read and written by one dispatch', async () => {
    const device = await testDevice();
    const x = upload(device, 1, 2);
    run(device, TWICE, x, x);
    expect(await failureOf(device.finish())).toMatch(/^The GPU refused work: /);
  });

  it('more bytes than can be bound: what for, how many, and what to do', async () => {
    const device = await testDevice();
    const { maxStorageBufferBindingSize: bound, maxBufferSize: most } = device.gpu.limits;
    const { name } = device.adapter;
    const allocate = () => device.allocate(most + 4, 'the logits');
    expect(allocate).toThrow(UserError);
    expect(allocate).toThrow(`the logits needs ${most + 4} bytes in one buffer, and ${name} makes none of more than`);
    const large = { ...upload(device, 1), sizeBytes: bound + 4 };
    expect(() => run(device, INCREMENT, large)).toThrow(UserError);
    expect(() => run(device, INCREMENT, large)).toThrow(
      `needs ${bound + 4} bytes in one buffer, and ${name} binds at most ${bound}. Use a smaller model`,
    );
  });

  it('no memory left', async () => {
    let report: (event: { error: GPUError; preventDefault(): void }) => void = () => expect.fail('nobody listens');
    const device = await freshDevice((adapter) =>
      alterDevices(adapter, (gpu) =>
        replace(gpu, 'addEventListener', (_: string, listener: typeof report) => {
          report = listener;
        }),
      ),
    );
    report({ error: new GPUOutOfMemoryError('heap is full'), preventDefault: () => {} });
    report({ error: new GPUValidationError('a consequence'), preventDefault: () => {} });
    expect(await failureOf(device.finish())).toMatch(/^The GPU is out of memory: heap is full\. Use a smaller batch/);
    await device.finish();
    device.destroy();
  });

  it('a readback that cannot be mapped: its buffer serves the next one', async () => {
    let refusals = 1;
    const device = await freshDevice((adapter) =>
      alterBuffers(adapter, (buffer) => {
        const map = buffer.mapAsync.bind(buffer);
        replace(buffer, 'mapAsync', (...range: [number, number, number]) =>
          refusals-- > 0 ? Promise.reject(new DOMException('too much is mapped', 'OperationError')) : map(...range),
        );
      }),
    );
    const x = upload(device, 1, 2);
    expect(await failureOf(device.read(x))).toBe('The GPU refused work: too much is mapped');
    const before = device.pool.created;
    expect(await download(device, x)).toEqual([1, 2]);
    expect(device.pool.created).toBe(before);
    device.destroy();
  });

  it('recordings in recordings; the outer one is ended, not stuck', async () => {
    const device = await testDevice();
    expect(() => device.capture(() => device.capture(() => 0))).toThrow('recordings cannot be nested');
    const x = upload(device, 1);
    run(device, INCREMENT, x);
    expect(await download(device, x)).toEqual([2]);
  });
});

describe('a device that is gone', () => {
  it('and answers nothing but refusals: a sentence all the same', async () => {
    const refuse = () => Promise.reject(new DOMException('', 'AbortError'));
    const device = await freshDevice((adapter) => {
      alterBuffers(adapter, (buffer) => replace(buffer, 'mapAsync', refuse));
      alterDevices(adapter, (gpu) => replace(gpu, 'popErrorScope', refuse));
    });
    const x = upload(device, 1);
    run(device, INCREMENT, x);
    await sleep(50); // an unhandled rejection would fail the run here
    expect(await failureOf(device.read(x))).toBe('The GPU refused work: no reason given');
    device.destroy();
  });

  it('closed: a sentence for everything that waits, now and later', async () => {
    const device = await freshDevice();
    const x = upload(device, 1);
    const waiting = device.read(x);
    device.destroy();
    const closed = 'The GPU device was closed: open a new engine to go on.';
    expect(await failureOf(waiting)).toBe(closed);
    device.write(x, Float32Array.of(2));
    run(device, INCREMENT, x);
    expect(await failureOf(device.read(x))).toBe(closed);
    expect(await failureOf(device.finish())).toBe(closed);
    run(device, BROKEN, x);
    expect(await failureOf(device.finish())).toBe(closed);
  });

  it('lost: why, and how to go on', async () => {
    let lose: (info: { reason: string; message: string }) => void = () => {};
    const lost = new Promise((resolve) => {
      lose = resolve;
    });
    const device = await freshDevice((adapter) => alterDevices(adapter, (gpu) => replace(gpu, 'lost', lost)));
    const x = upload(device, 1);
    expect(await download(device, x)).toEqual([1]);
    lose({ reason: 'unknown', message: 'the cable is out' });
    const sentence = 'The GPU device was lost (the cable is out). What was saved is intact: run again with --resume.';
    expect(await failureOf(device.read(x))).toBe(sentence);
    expect(await failureOf(device.finish())).toBe(sentence);
    device.destroy();
  });
});
