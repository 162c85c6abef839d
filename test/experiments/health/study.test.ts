import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FAULTS } from '../../../experiments/health/faults.ts';
import { type Case, runCase, studyCases } from '../../../experiments/health/study.ts';
import { studyInWords } from '../../../experiments/health/words.ts';
import { testEngine } from '../../helpers/engine.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dawnlm-study-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const run = async (given: Partial<Case>) =>
  runCase(
    {
      ...{ name: given.fault ?? 'sound', drawn: false, size: 'tiny', text: 'grammar', style: 'gpt2' },
      ...{ optimizer: 'adamw', draw: 3, ...given },
    },
    {
      ...{ engine: await testEngine(), adapter: { name: 'the test adapter', software: true } },
      ...{ folder: mkdtempSync(join(scratch, 'run-')), trySteps: 50 },
    },
  );

describe('the study of check-ups', () => {
  it('plants each fault once as the rules were made and once drawn, beside ten sound runs', () => {
    const cases = studyCases(1, false);
    for (const { name } of FAULTS) {
      expect(cases.filter(({ fault }) => fault === name).map(({ drawn }) => drawn)).toEqual([false, true]);
    }
    expect(cases.filter(({ fault }) => fault === undefined)).toHaveLength(10);
    expect(studyCases(1, false)).toEqual(cases);
    expect(studyCases(2, false)).not.toEqual(cases);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });

  it('names a rate that is too low, and 50 steps confirm it', async () => {
    const record = await run({ fault: 'rate 100 times too low' });
    expect(record).toMatchObject({ right: true, confirmed: true, findings: [{ name: 'rate-too-low' }] });
  });

  it('names a head that died, and draws it anew', async () => {
    const record = await run({ fault: 'a dead head' });
    expect(record).toMatchObject({ right: true, confirmed: true });
    expect(record.findings[0].sentence).toContain('1 of 4 heads');
  });

  it('names a held-out text that stands in the training text', async () => {
    const record = await run({ fault: 'validation that leaks' });
    expect(record).toMatchObject({ right: true, confirmed: true });
  });

  it('finds nothing in sound runs', async () => {
    const records = [await run({}), await run({ style: 'llama', text: 'scripts' })];
    expect(records.map(({ findings, right }) => [findings.map(({ name }) => name), right])).toEqual([
      [[], true],
      [[], true],
    ]);
    expect(studyInWords(records)).toEqual([expect.stringContaining('0 of 2 sound runs with a false alarm')]);
  });
});
