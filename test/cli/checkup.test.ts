import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { HealthCard } from '../../src/report/healthCard.ts';
import { dawnlm, jsonLines, succeed, trainedRun, workshop } from '../helpers/dawnlm.ts';

const cwd = workshop();
beforeAll(() => trainedRun(cwd));

describe('dawnlm checkup', () => {
  it('finds what the end of the training found, and tries it', async () => {
    const { stdout } = await succeed(['checkup', '--run', 'run', '--try', '--json'], { cwd });
    const [{ run, withText, trials, ...health }] = jsonLines(stdout) as [Record<string, unknown>];
    expect({ run, withText }).toEqual({ run: 'run', withText: true });
    const kept = JSON.parse(readFileSync(join(cwd, 'run', 'run.json'), 'utf8')).health;
    expect(HealthCard.parse(health)).toEqual(kept);
    // words in an order that repeats in the end
    const names = kept.findings.map(({ name }: { name: string }) => name);
    expect(names).toEqual(['validation-overlap', 'repeated-text']);
    expect((trials as { finding: string }[]).map(({ finding }) => finding)).toEqual(names);
    expect(readFileSync(join(cwd, 'run', 'checkup.html'), 'utf8')).toContain('Tried: validation overlap');
    expect(readFileSync(join(cwd, 'run', 'report.html'), 'utf8')).toContain('Predictions without a model');
  });

  it('does without a text that has changed, and says so', async () => {
    appendFileSync(join(cwd, 'text.txt'), 'one more line\n');
    const { stdout, stderr } = await succeed(['checkup', '--run', 'run'], { cwd });
    expect(stderr).toContain('text.txt has changed since run was trained on it');
    expect(stdout).toContain('checkup of run: ');
    expect(stdout).not.toContain('bigrams');
  });

  it('says what is missing where there is no run', async () => {
    const { code, stderr } = await dawnlm(['checkup', '--run', 'nowhere'], { cwd });
    expect(code).toBe(1);
    expect(stderr).toContain('There is no run folder nowhere');
    expect(existsSync(join(cwd, 'nowhere'))).toBe(false);
  });
});
