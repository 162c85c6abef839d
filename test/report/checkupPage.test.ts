import { expect, it } from 'vitest';
import { renderCheckup } from '../../src/report/checkupPage.ts';
import { type FoundCard, flagsOf, type HealthCard, type TrialCard } from '../../src/report/healthCard.ts';

const curve = (from: number) => Array.from({ length: 50 }, (_, i) => ({ step: i + 1, value: from - i / 50 }));
const FOUND: FoundCard = {
  ...{ name: 'rate-too-low', severity: 'problem', sentence: 'No matrix <moved>.', symptoms: ['It <follows>.'] },
  advice: { sentence: 'Raise it.', settings: { learningRate: 0.001, bias: false } },
};

it('shows findings, what follows from them, and the curves with a change and without', () => {
  const health: HealthCard = {
    line: '1 problem: rate too low',
    findings: [FOUND],
    rungs: [{ name: 'guessing', loss: 4.4, bitsPerByte: 6.3 }],
    measured: [['First loss', '4.447']],
  };
  const trial: TrialCard = {
    finding: 'rate-too-low',
    verdict: 'confirmed',
    sentence: '50 steps: 3.0, 4.0 without.',
    curves: { without: curve(4.4), with: curve(4) },
  };
  const page = renderCheckup('a < b', health, [trial]);
  expect(page).toContain('Check-up of a &lt; b');
  expect(page).toContain('No matrix &lt;moved&gt;.');
  expect(page).toContain('It &lt;follows&gt;.');
  expect(page).toContain('--learning-rate 0.001 --no-bias');
  expect(page.match(/<svg /g)).toHaveLength(2); // wide and narrow
  expect(page).not.toMatch(/NaN|undefined/);
});

it('spells settings as train takes them', () => {
  expect(flagsOf({ nEmbd: 64, bias: true, tokenizer: 'bpe:512' })).toBe('--n-embd 64 --bias --tokenizer bpe:512');
});
