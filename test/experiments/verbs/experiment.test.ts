import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dawnlm, jsonLines, succeed, workshop } from '../../helpers/dawnlm.ts';

const cwd = workshop();

it('experiment recall: a tiny model reads the answer from its prompt, and guesses without one', async () => {
  const { stdout } = await succeed(['experiment', 'recall', '--quick', '--out', 'kept', '--json'], { cwd });
  const [result] = jsonLines(stdout) as [{ chance: number; scores: { shots: number; accuracy: number }[] }];
  expect(result.chance).toBe(1 / 8);
  expect(result.scores.map(({ shots }) => shots)).toEqual(Array.from({ length: 17 }, (_, shots) => shots));
  // 1,024 questions: 4 standard deviations of a guess are 0.041
  expect(Math.abs(result.scores[0].accuracy - result.chance)).toBeLessThan(0.042);
  expect(result.scores[8].accuracy).toBeGreaterThanOrEqual(0.9);
  expect(JSON.parse(readFileSync(join(cwd, 'kept/recall.json'), 'utf8'))).toMatchObject(result);
  expect(existsSync(join(cwd, 'kept/recall.html'))).toBe(true);
}, 400_000);

it.each<[string, string[], RegExp]>([
  ['no experiment of that name', ['experiment', 'recal'], /unknown command 'recal'\n\(Did you mean recall\?\)/],
  ['a seed in words', ['experiment', 'recall', '--seed', 'lucky'], /'lucky' is invalid\. It must be a whole number/],
  ['a data set that is none', ['experiment', 'transfer', '--tasks', 'glosses'], /no data set "glosses"; known ones: /],
  [
    'one label',
    ['experiment', 'transfer', '--sizes', '8,1'],
    /It must be whole numbers of 2 or more with commas between/,
  ],
])('%s', async (_, args, sentence) => {
  const outcome = await dawnlm(args, { cwd });
  expect(outcome.stderr).toMatch(sentence);
  expect(outcome.code).toBe(2);
});
