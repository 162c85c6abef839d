import { expect, it, vi } from 'vitest';
import { makeProgram, type Verbs } from '../../src/cli/main.ts';

const MORE: Verbs = {
  experiment: async () => (await import('../../experiments/verbs/experiment.ts')).addExperiment,
  bench: async () => (await import('../../bench/verbs/bench.ts')).addBench,
};

it.each([
  ['train', 'text.txt', '--out', ''],
  ['train', 'text.txt', '--out', ' '],
  ['finetune', 'text', 'text.txt', '--run', 'run', '--out', ''],
  ['finetune', 'text', 'text.txt', '--run', ''],
  ['finetune', 'classify', 'table.csv', '--run', 'run', '--out='],
  ['finetune', 'tag', 'names.conll', '--run', 'run', '--out', ''],
  ['finetune', 'merge', '--run', 'run', '--out', ''],
  ['data', 'prepare', 'synthetic-names', '--out', ''],
  ['experiment', 'recall', '--out', ''],
  ['experiment', 'transfer', '--out', ''],
  ['bench', 'report', '--out', ''],
])('%s %s %s %s %s: a name that is empty is wrong use, and nothing is written', async (...words) => {
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    const program = await makeProgram(MORE, words);
    const parsing = program.parseAsync(['node', 'dawnlm', ...words]);
    await expect(parsing).rejects.toMatchObject({ code: 'commander.invalidArgument' }); // exit code 2
    expect(said.mock.calls.join('')).toMatch(/It must name a file or folder; the one that you stand in is "\."/);
  } finally {
    said.mockRestore();
  }
});
