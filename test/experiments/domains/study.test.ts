import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { domains, findDomain } from '../../../data/corpora.ts';
import type { Domain } from '../../../data/domain.ts';
import { checkModel, DomainRecord, runDomain, studyConfig } from '../../../experiments/domains/study.ts';
import { beside, scoreWithBand, summarizeDomains } from '../../../experiments/domains/summary.ts';
import { renderDomainStudy } from '../../../experiments/report/domains.ts';
import { testEngine } from '../../helpers/engine.ts';

const folder = mkdtempSync(join(tmpdir(), 'dawnlm-domains-'));
afterAll(() => rmSync(folder, { recursive: true }));

const names = findDomain('names')!;
/** The domain with a model of seconds. */
const small: Domain = {
  ...names,
  settings: { ...names.settings, nLayer: 1, nEmbd: 16, nHead: 2, batchSize: 8, steps: 30, evalEvery: 30 },
};

it('trains a domain by its settings and judges it; the same seed scores the same, also where the run is there already', async () => {
  const engine = await testEngine();
  const options = { engine, adapter: { name: 'test', software: true }, folder, quick: false, say: () => {} };
  const record = await runDomain({ ...small, judge: (asked) => small.judge({ ...asked, quick: true }) }, 1, options);
  expect(DomainRecord.parse(record)).toEqual(record);
  expect(record.loss).toBeLessThan(Math.log(record.vocabulary));
  expect(record.scores.length).toBeGreaterThan(0);
  for (const { value, baselines } of record.scores) {
    expect([value, ...baselines.map((one) => one.value)].every(Number.isFinite)).toBe(true);
    expect(baselines.length).toBeGreaterThan(0);
  }
  const again = await runDomain({ ...small, judge: (asked) => small.judge({ ...asked, quick: true }) }, 1, options);
  expect(again.scores).toEqual(record.scores);
  await checkModel(small, 1, options);
  const other = { ...small, settings: { ...small.settings, steps: 31 } };
  for (const asked of [checkModel(other, 1, options), runDomain(other, 1, options)])
    await expect(asked).rejects.toThrow('names-1 was trained with steps = 30, not 31');
});

it('gives means with bands over seeds, and a page with each figure beside its baselines', () => {
  const score = (value: number) => ({
    ...{ name: 'right', value, better: 'higher' as const, digits: 2, baselines: [{ name: 'n-grams', value: 0.5 }] },
  });
  const record = { domain: 'names', tokens: 1000, vocabulary: 30, parameters: 99, steps: 9, loss: Math.LN2, notes: [] };
  const records = [1, 2].map((seed) => ({ ...record, seed, scores: [score(seed / 2)], seconds: 1, judgedSeconds: 2 }));
  const [summary, ...rest] = summarizeDomains(records, domains);
  expect(rest).toEqual([]);
  expect(summary.bitsAToken.value).toBeCloseTo(1, 12);
  // Student's t of one degree of freedom, 12.706, times the standard error of 0.5 and 1
  expect(summary.scores[0].value).toEqual({ value: 0.75, half: expect.closeTo(12.706 * 0.25, 3) });
  expect([scoreWithBand(summary.scores[0]), beside(summary.scores[0])]).toEqual(['0.75 ± 3.18', 'n-grams 0.50']);
  const page = renderDomainStudy([summary], 'an adapter', true);
  for (const words of ['0.75 ± 3.18', 'n-grams 0.50</small>', 'A quick study', names.title])
    expect(page).toContain(words);
});

it('a quick study is a tenth of the steps', () => {
  for (const domain of domains) {
    const [all, quick] = [false, true].map((short) => studyConfig(domain, 3, short));
    expect(quick.steps).toBe(Math.max(10, Math.round(all.steps / 10)));
    expect([quick.seed, quick.nEmbd]).toEqual([3, all.nEmbd]);
  }
});
