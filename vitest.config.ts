import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
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
const ABOVE = [
  'helpers',
  'model',
  'train',
  'tasks',
  'cost',
  'serve',
  'health',
  'trust/model',
  'check',
  'cli',
  'bench',
  'experiments',
].map((room) => `test/${room}/**/*.test.ts`);

/** Suites in which programs of others judge what is exported; they are fetched when these run. */
const JUDGES = 'test/judges/**/*.test.ts';

/** Suites of minutes. */
const LONGEST = ['test/battery.test.ts', 'test/harm/harm.test.ts', 'test/experiments/verbs/experiment.test.ts'];

/**
 * The longest first: whoever begins one last ends alone. vitest itself goes by the durations of the run before, and in a fresh clone
 * by the sizes of files, where these would be among the last.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => LONGEST.some((path) => moduleId.endsWith(path));
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/** As many suites at once as the machines have cores: more threads than these, which lavapipe has, wait for one another. */
const THREADS = { LP_NUM_THREADS: '1' };

const onAdapter = (adapter: string, i: number) => ({
  extends: true as const,
  test: {
    name: adapter,
    include: i === 0 || process.env.DAWNLM_TEST_ALL ? [...ENGINE, ...ABOVE] : ENGINE,
    env: { DAWNLM_ADAPTER: adapter, ...THREADS },
  },
});

export default defineConfig({
  test: {
    globalSetup: 'test/helpers/globalSetup.ts',
    setupFiles: 'test/helpers/equality.ts',
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: [...ENGINE, ...ABOVE, JUDGES] } },
      {
        extends: true,
        test: {
          ...{ name: 'judges', include: [JUDGES], globalSetup: 'test/judges/setup.ts' },
          env: { DAWNLM_ADAPTER: TEST_ADAPTERS[0] },
        },
      },
      ...TEST_ADAPTERS.map(onAdapter),
    ],
  },
});
