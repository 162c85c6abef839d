import { openAdapter } from '../../src/node/drivers.ts';
import { napWhile } from '../../src/node/nap.ts';
import { Engine } from '../../src/tensor/engine.ts';

let opened: Promise<Engine> | undefined;

/** The engine on the adapter that DAWNLM_ADAPTER names; one for the whole process. An absent adapter fails. */
export function testEngine(): Promise<Engine> {
  opened ??= openAdapter().then(async ({ adapter, description }) => {
    console.log(`adapter: ${description}`);
    return Engine.open(adapter, napWhile);
  });
  return opened;
}
