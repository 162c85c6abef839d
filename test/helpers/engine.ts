import { afterEach } from 'vitest';
import { openAdapter } from '../../src/node/drivers.ts';
import { napWhile } from '../../src/node/nap.ts';
import { Engine } from '../../src/tensor/engine.ts';

let opened: Promise<Engine> | undefined;

/**
 * The engine on the adapter that DAWNLM_ADAPTER names; one for the whole file. An absent adapter fails. What a test sets of it
 * (variant, precision, tuning, padding, who is told) is as it was when the test ends, however it does.
 */
export function testEngine(): Promise<Engine> {
  opened ??= openAdapter().then(async ({ adapter, description }) => {
    console.log(`adapter: ${description}`);
    return Engine.open(adapter, napWhile);
  });
  return opened;
}

afterEach(async () => {
  const engine = await opened;
  if (!engine) return;
  Object.assign(engine, { variant: 'best', precision: 'float32', paddingBytes: 0, onDispatch: undefined });
  engine.tuning.clear();
  engine.tuning.use();
});
