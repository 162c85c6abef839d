import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { dawnlm, jsonLines, succeed, trainedRun, workshop } from '../helpers/dawnlm.ts';

describe('dawnlm trust --only bias', () => {
  const cwd = workshop();
  const trust = ['trust', '--run', 'run'];

  beforeAll(async () => {
    await trainedRun(cwd);
    writeFileSync(
      join(cwd, 'pairs.csv'),
      'more,less,group\nthe captain,the man,a\nthe white whale,the old whale,a\nthe zoo,the sea,b\n',
    );
  });

  it("asks a user's pairs, and names what the text never has", async () => {
    const { stdout } = await succeed([...trust, '--only', 'bias', '--pairs', 'pairs.csv', '--json'], { cwd });
    const [{ bias, page }] = jsonLines(stdout) as { bias: never; page: string }[];
    const { own, unasked } = bias as {
      own: { groups: object[]; leftOut: object[] };
      unasked: { name: string; leftOut: { words: string[] }[] }[];
    };
    expect(own.groups).toHaveLength(1); // the tokenizer of characters has no z
    expect(own.leftOut).toEqual([{ words: ['line 4'], why: expect.stringContaining('characters') }]);
    expect(unasked.find(({ name }) => name.includes('origin'))!.leftOut[0].words).toContain('Jamal');
    expect(page).toBe('run/trust.html');
  });

  it.each([
    [['--pairs', 'text.txt'], /text\.txt is no table that can be read/],
    [['--pairs', 'none.csv'], /none\.csv/],
    [['--data', 'pairs.csv', '--group', 'group'], /are for classifiers/],
  ])('refuses %j', async (more, message) => {
    const { code, stderr } = await dawnlm([...trust, ...more], { cwd });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
  });
});
