import { expect, it } from 'vitest';
import type { View } from '../../src/gpu/memory.ts';
import { gelu } from '../../src/kernels/gelu.ts';
import { matmul } from '../../src/kernels/matmul/matmul.ts';
import { softmax } from '../../src/kernels/softmax.ts';
import { testEngine } from '../helpers/engine.ts';
import { normalNumbers } from '../helpers/numbers.ts';
import { download, INCREMENT, run, TWICE, upload } from './devices.ts';

it('a captured program runs when it is told to, as often as it is told to', async () => {
  const { device } = await testEngine();
  const x = upload(device, 1, 2);
  const { commands } = device.capture(() => run(device, INCREMENT, x));
  const program = device.program(commands, []);
  expect(await download(device, x)).toEqual([1, 2]);
  for (let i = 0; i < 3; i++) device.run(program);
  expect(await download(device, x)).toEqual([4, 5]);
  expect(program.kernels).toHaveLength(1);
  expect(program.transientBytes).toBe(0);
});

it('a program sees the eager work that came before it, and eager work sees the program', async () => {
  const { device } = await testEngine();
  const x = upload(device, 1);
  const program = device.program(device.capture(() => run(device, INCREMENT, x)).commands, []);
  const y = device.allocate(4, 'y');
  device.write(x, Float32Array.of(10));
  run(device, INCREMENT, x);
  device.run(program);
  run(device, TWICE, x, y);
  expect(await download(device, y)).toEqual([24]);
});

it('copies and clears inside a program keep their place between dispatches', async () => {
  const { device } = await testEngine();
  const x = upload(device, 1, 2, 3, 4);
  const half = (view: View): View => ({ ...view, offsetBytes: 8, sizeBytes: 8 });
  const { result: kept, commands } = device.capture(() => {
    const [doubled, y] = [device.allocate(16, 'doubled'), device.allocate(16, 'y')];
    run(device, TWICE, x, doubled);
    device.copy(doubled, y); // 2 4 6 8
    device.clear(half(doubled)); // 2 4 0 0
    run(device, INCREMENT, doubled); // 3 5 1 1
    device.copy(half(doubled), half(y)); // 2 4 1 1
    run(device, INCREMENT, y);
    return y;
  });
  const program = device.program(commands, [kept]);
  expect(program.kernels).toHaveLength(3);
  for (let i = 0; i < 2; i++) {
    device.run(program);
    expect(await download(device, kept)).toEqual([3, 5, 2, 2]);
  }
});

it('replayed many times, a program allocates nothing and gives the same bits', async () => {
  const engine = await testEngine();
  const a = engine.tensor(normalNumbers([37, 41], 1), [37, 41]);
  const b = engine.tensor(normalNumbers([41, 29], 2), [41, 29]);
  const {
    outputs,
    run: rerun,
    transientBytes,
  } = engine.record(() => {
    const hidden = gelu({ x: matmul({ a, b }) });
    return { y: softmax({ x: hidden }) };
  });
  rerun();
  const first = await outputs.y.floats();
  const { created, allocatedBytes } = engine.device.pool;
  for (let i = 0; i < 30; i++) {
    rerun();
    expect(await outputs.y.floats()).toEqual(first);
  }
  expect(engine.device.pool.created).toBe(created);
  expect(engine.device.pool.allocatedBytes).toBe(allocatedBytes);
  expect(transientBytes).toBeGreaterThanOrEqual(first.byteLength);
  expect(first.some((value) => value > 0)).toBe(true);
});

it('blocks made in a recording that does not use them serve eager work like any other', async () => {
  const { device } = await testEngine();
  const { result } = device.capture(() => [device.allocate(4, 'a'), device.allocate(4, 'b')]);
  const [a, b] = result;
  const x = upload(device, 7);
  run(device, TWICE, x, a); // were a and b laid out as transients of this batch, they would share a buffer
  run(device, TWICE, a, x);
  run(device, TWICE, x, b);
  await device.finish();
  expect([await download(device, a), await download(device, b)]).toEqual([[14], [56]]);
});

it('two programs keep their results apart', async () => {
  const { device } = await testEngine();
  const x = upload(device, 1);
  const twice = (from: View) => {
    const { result, commands } = device.capture(() => {
      const y = device.allocate(4, 'y');
      run(device, TWICE, from, y);
      return y;
    });
    return { y: result, program: device.program(commands, [result]) };
  };
  const first = twice(x);
  const second = twice(first.y); // reads what the first one keeps
  device.run(first.program);
  device.run(second.program);
  expect([await download(device, first.y), await download(device, second.y)]).toEqual([[2], [4]]);
});

it('a program that is freed hands its memory back, and runs no more', async () => {
  const { device } = await testEngine();
  const x = upload(device, 1, 2);
  const made = () => {
    const { result: y, commands } = device.capture(() => {
      const [doubled, fourfold] = [device.allocate(1 << 20, 'doubled'), device.allocate(1 << 20, 'fourfold')];
      run(device, TWICE, x, doubled);
      run(device, TWICE, doubled, fourfold);
      return fourfold;
    });
    return { y, program: device.program(commands, [y]) };
  };
  const first = made();
  const { allocatedBytes } = device.pool;
  expect(first.program.transientBytes).toBe(2 << 20);
  device.run(first.program);
  device.free(first.program);
  for (let i = 0; i < 3; i++) {
    const { y, program } = made();
    device.run(program);
    expect(await download(device, { ...y, sizeBytes: 8 })).toEqual([4, 8]);
    device.free(program);
  }
  expect(device.pool.allocatedBytes).toBe(allocatedBytes);
  expect(first.program.transientBytes).toBe(0);
  expect(() => device.run(first.program)).toThrow('after its memory had been handed back');
});
