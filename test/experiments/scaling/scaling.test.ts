import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { renderScalingReport } from '../../../experiments/report/scaling.ts';
import { planRuns, runConfig, type ScalingPlan, scalingPlan } from '../../../experiments/scaling/plan.ts';
import type { ScalingResult, ScalingRun } from '../../../experiments/scaling/result.ts';
import { runScaling, runsOf } from '../../../experiments/scaling/scaling.ts';
import { type ScalingIdentity, ScalingStore } from '../../../experiments/scaling/store.ts';
import { summarizeScaling, whyLeftOut } from '../../../experiments/scaling/summary.ts';
import { scalingTables } from '../../../experiments/verbs/scalingTables.ts';
import { type LawFit, lossOf, type ScalingLaw } from '../../../src/cost/law.ts';
import { trainTokenizer } from '../../../src/text/tokenizers/tokenizer.ts';
import { buildDataset } from '../../../src/text/windows/dataset.ts';
import { TEXT } from '../../helpers/dawnlm.ts';
import { testEngine } from '../../helpers/engine.ts';
import { inChunks } from '../../text/tokenizers/samples.ts';

const folder = mkdtempSync(join(tmpdir(), 'dawnlm-scaling-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const VOCABULARY = 80;
const LAW: LawFit = { E: 1.2, A: 40, alpha: 0.4, B: 90, beta: 0.36 };
const card: ScalingResult['dataCard'] = {
  ...{ name: 'text', source: 'here', licence: 'none', sha256: 'a'.repeat(64), tokenizer: 'char' },
  ...{ vocabularySize: VOCABULARY, bytes: 1e9, characters: 1e9, trainTokens: 9e8, validationTokens: 1e8 },
};
const facts = { blockSize: 64, leastSteps: 100, from: 'here', seed: 1 };

/** The runs of the whole plan, as a law would have them, but for one that broke. */
function madeUp(): ScalingRun[] {
  const plan = scalingPlan(false);
  return planRuns(plan, VOCABULARY).map((key, i) => {
    const { nLayer, nHead, nEmbd, steps } = runConfig(plan, key, VOCABULARY, 1);
    const parameters = 12 * nLayer * nEmbd ** 2;
    const tokens = steps * 768;
    const loss = lossOf(LAW, parameters, tokens) * (1 + 0.001 * Math.sin(9 * i));
    const counts = { parameters, embeddings: 144 * nEmbd, operations: key.budget };
    const run = { ...key, nLayer, nHead, steps, tokens, ...counts, loss, trainingLoss: loss, seconds: 1 };
    return i === 3 ? { ...run, loss: null, trainingLoss: null, failed: 'The loss was no longer a number' } : run;
  });
}

describe('the plan', () => {
  it.each([true, false])('has five sizes a budget, near one another and cheap ones first (quick: %s)', (quick) => {
    const plan = scalingPlan(quick);
    const keys = planRuns(plan, VOCABULARY);
    expect(keys).toHaveLength(20);
    expect(keys.map(({ budget }) => budget)).toEqual(keys.map(({ budget }) => budget).sort((a, b) => a - b));
    for (const budget of plan.budgets) {
      const widths = keys.filter((key) => key.budget === budget).map(({ nEmbd }) => nEmbd);
      expect(new Set(widths).size).toBe(5);
    }
  });

  it('spends its budget', () => {
    const plan = scalingPlan(false);
    const { steps, nEmbd, nLayer, nHidden, blockSize } = runConfig(plan, { budget: 1e12, nEmbd: 128 }, VOCABULARY, 7);
    const perLayer = 4 * nEmbd ** 2 + 3 * nEmbd * nHidden; // an MLP with a gate has three matrices
    const perToken = 6 * (nLayer * perLayer + VOCABULARY * nEmbd) + 6 * nLayer * (blockSize + 1) * nEmbd;
    expect((steps * perToken * 768) / 1e12).toBeCloseTo(1, 2);
  });
});

describe('the summary', () => {
  const runs = madeUp();
  const summary = summarizeScaling(runs, card, facts);

  it('finds the law that the runs were made by, and says what it left out and why', () => {
    expect(summary.leftOut).toEqual([{ run: runs[3], why: 'The loss was no longer a number' }]);
    const { fit, draws, residual } = summary.law!;
    expect(Math.abs(fit.alpha - LAW.alpha)).toBeLessThan(0.05);
    expect(Math.abs(fit.beta - LAW.beta)).toBeLessThan(0.05);
    expect(draws).toHaveLength(40);
    expect(residual).toBeLessThan(0.002);
  });

  it('gives the exponent by each way of counting, with bands', () => {
    const both = summary.exponents.filter(({ convention: { parameters } }) => parameters === 'all');
    expect(new Set(both.map(({ from }) => from))).toEqual(new Set(['parabolas', 'L(N, D)']));
    const byLaw = both.find(({ from }) => from === 'L(N, D)')!;
    expect(byLaw.exponent).toBeCloseTo(LAW.beta / (LAW.alpha + LAW.beta), 1);
    expect(byLaw.band![0]).toBeLessThan(byLaw.exponent);
    expect(byLaw.band![1]).toBeGreaterThan(byLaw.exponent);
    const smaller = summary.exponents.find(
      ({ convention, from }) => convention.parameters !== 'all' && from === 'L(N, D)',
    )!;
    expect(smaller.exponent).not.toBeCloseTo(byLaw.exponent, 3);
  });

  it.each<[string, Partial<ScalingRun>, RegExp | undefined]>([
    ['broke', { loss: null, failed: 'It broke.' }, /It broke/],
    ['hardly began', { steps: 99 }, /99 optimizer steps are too few/],
    ['learned by heart', { loss: 2.4, trainingLoss: 1.9 }, /by heart/],
    ['is sound', {}, undefined],
  ])('knows a run that %s', (_, changes, why) => {
    const sentence = whyLeftOut({ ...runs[0], ...changes }, 100);
    if (why) expect(sentence).toMatch(why);
    else expect(sentence).toBeUndefined();
  });

  it('stands with few runs or none', () => {
    expect(summarizeScaling([], card, facts)).toEqual({ leftOut: [], law: null, budgets: [], exponents: [] });
    expect(summarizeScaling(runs.slice(0, 3), card, facts).law).toBeNull();
  });

  it('is printed and drawn, also when it is not complete', () => {
    const result = (runs: ScalingRun[], complete: boolean): ScalingResult => ({
      ...{ version: 1, adapter: { name: 'some', software: true }, startedAt: '2026-01-01T00:00:00.000Z', complete },
      ...{ seconds: 1, seed: 1, dataCard: card, blockSize: 64, batchSize: 12, heldOut: 65536, runs },
      ...summarizeScaling(runs, card, facts),
      prediction: null,
    });
    const whole = result(runs, true);
    expect(scalingTables(whole)).toMatch(/left out: width \d+ at 1e12 operations, The loss was no longer a number/);
    expect(scalingTables(whole)).toMatch(/without embeddings +6 N D +L\(N, D\)/);
    const predicted = { ...whole, prediction: { ...PREDICTION, measured: 1.71 } };
    expect(scalingTables(predicted)).toMatch(/predicted 1\.700 \(1\.600 to 1\.800\), measured 1\.710, 0\.010 off/);
    expect(renderScalingReport(predicted)).toMatch(/it came to 1\.710/);
    expect(renderScalingReport(result([], false))).toMatch(/Not all that was planned is measured yet/);
    expect(scalingTables(result([], false))).toMatch(/Not all that was planned is measured yet/);
  });
});

const PREDICTION = {
  ...{ budget: 2.4e13, nEmbd: 128, parameters: 8e5, tokens: 5e6, loss: 1.7 },
  ...{ band: [1.6, 1.8] as const, madeAt: '2026-01-01T00:00:00.000Z' },
};

describe('the experiment', () => {
  const plan: ScalingPlan = {
    ...{ budgets: [2e8, 4e8], sizes: [1, 4], beyond: 3, blockSize: 16, batchSize: 4, heldOut: 256, leastSteps: 2 },
  };
  const identity: ScalingIdentity = {
    ...{ text: 'abc', adapter: 'some', startedAt: '2020-01-01T00:00:00.000Z', recipe: 'quick' },
    ...{ seed: 1, blockSize: 16, batchSize: 4, heldOut: 256 },
  };
  const law: ScalingLaw = {
    ...{
      version: 1,
      corpus: 'text',
      uniqueTokens: 9000,
      tokenizer: 'char',
      blockSize: 16,
      parameters: 'all',
      fit: LAW,
    },
    ...{ draws: [], residual: 0.01, range: { parameters: [1e4, 1e5], tokens: [1e3, 1e5] }, repetition: 15.4, from: '' },
  };

  it('measures all that is planned, writes what it predicts before it measures that, and goes on where it was stopped', async () => {
    const tokenizer = await trainTokenizer('char', inChunks(TEXT));
    const dataset = await buildDataset(inChunks(TEXT), tokenizer, { name: 'text', blockSize: 16 });
    const engine = await testEngine();
    const goOn = async (at: string, stopAt: number) => {
      const store = await ScalingStore.open(join(folder, at), identity);
      const stop = new AbortController();
      const seen: string[] = [];
      const complete = await runScaling({
        ...{ engine, text: { tokenizer, dataset, heldOut: 256 }, plan, seed: 1, store, signal: stop.signal },
        lawOf: (runs) => (runs.length === 4 ? law : null),
        onRecord: ({ kind }, done, total) => {
          seen.push(`${kind} ${done} of ${total}`);
          if (seen.length === stopAt) stop.abort();
        },
      });
      return { complete, seen, losses: runsOf(store).map(({ loss }) => loss) };
    };
    const first = await goOn('stopped', 2);
    expect(first).toMatchObject({ complete: false, seen: ['run 1 of 5', 'run 2 of 5'] });
    const second = await goOn('stopped', 3);
    expect(second).toMatchObject({ complete: false, seen: ['run 3 of 5', 'run 4 of 5', 'prediction 4 of 5'] });
    const lines = readFileSync(join(folder, 'stopped/measured.jsonl'), 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).kind)).toEqual(['identity', ...Array(4).fill('run'), 'prediction']);
    const third = await goOn('stopped', 0);
    expect(third).toMatchObject({ complete: true, seen: ['run 5 of 5'] });
    expect((await goOn('whole', 0)).losses).toEqual(third.losses);
    expect(third.losses.every((loss) => loss! > 0 && loss! < 4)).toBe(true);
  }, 300_000);

  it('is not mixed with another, and reads nothing that is cut short', async () => {
    await expect(ScalingStore.open(join(folder, 'stopped'), { ...identity, text: 'abd' })).rejects.toThrow(
      /with another text/,
    );
    await expect(ScalingStore.open(join(folder, 'stopped'), { ...identity, seed: 2 })).rejects.toThrow(
      /other settings \(seed\)/,
    );
    const path = join(folder, 'stopped/measured.jsonl');
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, -30));
    expect((await ScalingStore.open(join(folder, 'stopped'), identity)).records).toHaveLength(5);
  });
});
