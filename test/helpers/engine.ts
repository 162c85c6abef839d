import { openAdapter } from '../../src/node/drivers.ts';
import { napWhile } from '../../src/node/nap.ts';
import { Engine } from '../../src/tensor/engine.ts';

let opened: Promise<Engine> | undefined;
let asGpu: Promise<Engine> | undefined;

/** The engine on the adapter that DAWNLM_ADAPTER names; one for the whole process. An absent adapter fails. */
export function testEngine(): Promise<Engine> {
  opened ??= openAdapter().then(async ({ adapter, description }) => {
    console.log(`adapter: ${description}`);
    return Engine.open(adapter, napWhile);
  });
  return opened;
}

/** An engine on the same device that makes the choices of a GPU: sizes of workgroups, chunks and work for each lane. */
export function gpuLikeEngine(): Promise<Engine> {
  asGpu ??= testEngine().then(({ device }) => new Engine(device, { software: false }));
  return asGpu;
}
