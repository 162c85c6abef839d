import { defineConfig } from 'vitest/config';
import { TEST_ADAPTERS } from './scripts/testAdapters.ts';

/** Suites that judge kernels and the engine: every adapter has to pass them. */
const ENGINE = [
  'test/node/drivers.test.ts',
  'test/gpu/**/*.test.ts',
  'test/tensor/**/*.test.ts',
  'test/kernels/**/*.test.ts',
  'test/battery.test.ts',
];
/** Suites that stand on the engine: one adapter will do, unless DAWNLM_TEST_ALL is set (the second is the slow one). */
const ABOVE = ['helpers', 'model', 'train', 'tasks', 'check', 'cli', 'bench', 'experiments'].map(
  (room) => `test/${room}/**/*.test.ts`,
);

const onAdapter = (adapter: string, i: number) => ({
  extends: true as const,
  test: {
    name: adapter,
    include: i === 0 || process.env.DAWNLM_TEST_ALL ? [...ENGINE, ...ABOVE] : ENGINE,
    env: { DAWNLM_ADAPTER: adapter },
  },
});

export default defineConfig({
  test: {
    globalSetup: 'test/helpers/globalSetup.ts',
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: [...ENGINE, ...ABOVE] } },
      ...TEST_ADAPTERS.map(onAdapter),
    ],
  },
});
