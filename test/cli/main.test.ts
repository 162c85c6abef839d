import { expect, it } from 'vitest';
import { makeProgram, type Verbs } from '../../src/cli/main.ts';

const MORE: Verbs = {
  experiment: async () => (await import('../../experiments/verbs/experiment.ts')).addExperiment,
  bench: async () => (await import('../../bench/verbs/bench.ts')).addBench,
};
const names = async (...words: string[]) => (await makeProgram(MORE, words)).commands.map((command) => command.name());

it('loads the verb that is asked for alone, each under its own name', async () => {
  const all = await names();
  expect(all).toEqual(expect.arrayContaining(['train', 'sample', 'finetune', 'doctor', 'experiment', 'bench']));
  for (const name of all) {
    expect(await names(name, '--run', 'x')).toEqual([name]);
    expect(await names('help', name)).toEqual([name]);
  }
});

it('loads all verbs for help and where no verb comes first, none for the version', async () => {
  const all = await names();
  for (const words of [['--help'], ['help'], ['trian'], ['--json', 'train'], ['toString'], ['help', 'constructor']])
    expect(await names(...words), words.join(' ')).toEqual(all);
  expect(await names('--version')).toEqual([]);
});
