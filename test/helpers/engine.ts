import { afterEach } from 'vitest';
import { waitWithBackOff } from '../../src/node/backOff.ts';
import { openAdapter } from '../../src/node/drivers.ts';
import { Engine } from '../../src/tensor/engine.ts';

let opened: Promise<Engine> | undefined;
let asGpu: Promise<Engine> | undefined;

/**
 * The engine on the adapter that DAWNLM_ADAPTER names; one for the whole file. An absent adapter fails. What a test sets of it
 * (variant, precision, tuning, padding) is as it was when the test ends, however it does.
 */
export function testEngine(): Promise<Engine> {
  opened ??= openAdapter().then(async ({ adapter, description }) => {
    console.log(`adapter: ${description}`);
    return Engine.open(adapter, waitWithBackOff);
  });
  return opened;
}

/** An engine on the same device that makes the choices of a GPU: sizes of workgroups, chunks and work for each lane. */
export function gpuLikeEngine(): Promise<Engine> {
  asGpu ??= testEngine().then(({ device }) => new Engine(device, { software: false }));
  return asGpu;
}
afterEach(async () => {
  const engine = await opened;
  if (!engine) return;
  Object.assign(engine, { variant: 'best', precision: 'float32', paddingBytes: 0 });
  engine.tuning.clear();
  engine.tuning.use();
});
