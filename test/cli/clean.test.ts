import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { jsonLines, succeed, TEXT, trainTiny, workshop } from '../helpers/dawnlm.ts';

const cwd = workshop();
const RULES = 'near-duplicates,private';
const MAIL = 'write to ada.lovelace@example.com about the white whale';

/** A text with an address, and the beginning of itself once more. */
const soiled = `${TEXT}\n\n${MAIL}\n\n${TEXT.slice(0, 2000)}\n\nthe same beginning again\n\n${TEXT.slice(0, 2000)}\n`;
const card = (run: string) => JSON.parse(readFileSync(join(cwd, run, 'run.json'), 'utf8'));

beforeAll(() => writeFileSync(join(cwd, 'text.txt'), soiled));

it('a text that is freed of something trains, resumes, and is evaluated as the same text', async () => {
  const { stderr } = await succeed(trainTiny('run', '--clean', RULES), { cwd });
  expect(stderr).toMatch(
    /freeing text of near-duplicates, private\n {2}near-duplicates: 2 documents.*private: 1 item masked \(1 email\)/,
  );
  expect(stderr).not.toContain('lovelace');
  const { config, dataCard } = card('run');
  expect(config.clean).toBe(RULES);
  expect(dataCard.clean).toMatchObject({ documents: 5, kept: 3, forgotten: 0 });
  expect(dataCard.bytes).toBe(dataCard.clean.keptCharacters);
  expect(readFileSync(join(cwd, 'run', 'report.html'), 'utf8')).toContain('1 item masked (1 email)');

  await succeed(['train', '--resume', '--out', 'run', '--steps', '40'], { cwd });
  expect(card('run').dataCard).toEqual(dataCard);
  const [score] = jsonLines((await succeed(['eval', '--run', 'run', '--json'], { cwd })).stdout);
  expect(score.tokens).toBe(dataCard.validationTokens - 1);
});
