import { expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import type { Device } from '../../src/gpu/device.ts';
import type { View } from '../../src/gpu/memory.ts';
import type { Program } from '../../src/gpu/recorder.ts';
import { profile } from '../../src/gpu/timer.ts';
import { download, freshDevice, INCREMENT, replace, run, TWICE, upload } from './devices.ts';

const withoutTimestamps = (adapter: GPUAdapter): void => {
  const features = [...adapter.features].filter((feature) => feature !== 'timestamp-query');
  replace(adapter, 'features', new Set(features));
};

/** Increments x `count` times, with a copy among them and one TWICE at the end. */
function record(device: Device, x: View, y: View, count: number): Program {
  const { commands } = device.capture(() => {
    for (let i = 0; i < count; i++) {
      run(device, INCREMENT, x);
      if (i === 1) device.copy(x, y);
    }
    run(device, TWICE, x, y);
  });
  return device.program(commands, []);
}

it('times each kernel, having run the program once, after the work before it', async () => {
  const device = await freshDevice();
  const [x, y] = [upload(device, 0), upload(device, 0)];
  const program = record(device, x, y, 5);
  run(device, INCREMENT, x); // not submitted yet
  const times = await profile(device, program);
  expect(await download(device, y)).toEqual([12]);
  if (!device.gpu.features.has('timestamp-query')) return expect(times).toBeUndefined();
  const dispatches = Object.fromEntries(times!.map((time) => [time.name, time.dispatches]));
  expect(dispatches).toEqual({ increment: 5, twice: 1 });
  expect(Object.values(dispatches).reduce((sum, n) => sum + n)).toBe(program.kernels.length);
  for (const { timeMs } of times!) expect(timeMs >= 0 && timeMs < 60_000, `${timeMs} ms`).toBe(true);
  expect(times!.map(({ timeMs }) => timeMs)).toEqual(times!.map(({ timeMs }) => timeMs).sort((a, b) => b - a));
  expect(await profile(device, device.program([], []))).toEqual([]);
  await expect(profile(device, record(device, x, y, 2048))).rejects.toThrow(
    new UserError('profile: at most 2048 dispatches can be timed, got 2049'),
  );
  device.destroy();
});

it('is undefined where the adapter has no timestamps', async () => {
  const device = await freshDevice(withoutTimestamps);
  const x = upload(device, 0);
  expect(await profile(device, record(device, x, upload(device, 0), 1))).toBeUndefined();
  device.destroy();
});
