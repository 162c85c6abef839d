import { expect, it } from 'vitest';
import { testEngine } from './engine.ts';

it.fails('a test that fails after it has set the engine', async () => {
  const engine = await testEngine();
  engine.variant = 'naive';
  if (engine.capabilities.features.includes('shader-f16')) engine.precision = 'mixed';
  engine.paddingBytes = 4;
  engine.tuning.set('matmul', { LANES: 0 });
  engine.tuning.use({ 'matmul M=1': 'LANES=0' });
  expect(engine.variant).toBe('best');
});

it('leaves the next one what a fresh engine has', async () => {
  const engine = await testEngine();
  expect(engine).toMatchObject({ variant: 'best', precision: 'float32', paddingBytes: 0 });
  expect(engine.tuning.forced('matmul')).toBeUndefined();
  expect(engine.tuning.table).toEqual({});
});
