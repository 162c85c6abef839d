import { describe, expect, it } from 'vitest';
import { checkUp, findingsOf } from '../../src/health/checkup.ts';
import { curveOf, forecastOf } from '../../src/health/curve.ts';
import type { Evidence } from '../../src/health/evidence.ts';
import { HealthCard } from '../../src/report/healthCard.ts';
import type { LogRecord } from '../../src/report/logRecord.ts';
import { resolveConfig, type TrainConfig } from '../../src/train/config.ts';
import { dataCard } from '../helpers/cards.ts';

const RUNGS = [
  ['guessing', 0, 4.42],
  ['token frequencies', 1, 3.12],
  ['bigrams', 2, 2.46],
  ['trigrams', 3, 2.02],
  ['5-grams', 5, 1.56],
] as const;

/** A log whose training loss is `loss(step)`, with a validation in twenty steps that is `validation(step)`. */
function logOf(loss: (step: number) => number, validation = loss, norm: (step: number) => number = () => 0.8) {
  const log: LogRecord[] = [];
  for (let step = 1; step <= 300; step++) {
    const at = { step, tokens: 256 * step, timeMs: step };
    // a scatter that has no trend
    log.push({ ...at, loss: loss(step) + 0.05 * Math.sin(12.9898 * step), gradientNorm: norm(step) });
    if (step % 20 === 0) log.push({ ...at, validationLoss: validation(step) });
  }
  return log;
}

const falling = (step: number): number => 2.3 + 1.85 * Math.exp(-step / 60) + 0.3 * (1 - step / 300);
const heads = (shares: readonly number[]) => shares.map((share) => ({ entropy: 2.5, share }));

/** What a sound run measures, but for what is given. */
function evidence(given: Partial<Evidence> & { settings?: Partial<TrainConfig> } = {}): Evidence {
  const { settings, ...more } = given;
  const log = more.log ?? logOf(falling);
  return {
    config: resolveConfig('tiny', { steps: 300, warmupSteps: 20, ...settings }),
    card: dataCard({ vocabularySize: 83, trainTokens: 1_000_000, characters: 1_100_000 }),
    ...{ parameters: 30_000, status: 'finished', isFresh: true, log, curve: curveOf(log)! },
    rungs: RUNGS.map(([name, order, loss]) => ({ name, order, loss, bitsPerByte: loss / Math.LN2 })),
    moved: [
      { name: 'wte', inner: false, fresh: 0.02, rms: 0.07, distance: 3.4 },
      { name: 'qkv', inner: true, fresh: 0.02, rms: 0.026, distance: 0.9 },
    ],
    pass: { heads: [heads([0.2, 0.3]), heads([0.3, 0.1])], deadUnits: [0, 0.05] },
    data: [],
    ...more,
  };
}

const namesOf = (run: Evidence): string[] => findingsOf(run).map(({ name }) => name);
const unmoved = (distance: number, rms = 0.02) => [{ name: 'qkv', inner: true, fresh: 0.02, rms, distance }];

describe('a check-up', () => {
  it('finds nothing in a sound run, and says where it stands', () => {
    const card = checkUp(evidence());
    expect(card.findings).toEqual([]);
    expect(card.line).toBe('sound; better than bigrams (2.46), not yet trigrams (2.02)');
    expect(HealthCard.parse(JSON.parse(JSON.stringify(card)))).toEqual(card);
  });

  it('names a rate that drowned the stream, and folds what follows from it', () => {
    const flat = logOf((step) => 3.1 + 1.3 * Math.exp(-step / 5));
    const pass = { heads: [heads([9.7, 7.5]), heads([0.1, 0.2])], deadUnits: [0.7, 0] };
    const [first, ...rest] = findingsOf(evidence({ log: flat, pass, settings: { learningRate: 3e-2 } }));
    expect(first).toMatchObject({ name: 'rate-too-high', advice: { settings: { learningRate: 0.001 } } });
    expect(first.sentence).toContain('9.7 times');
    expect(first.symptoms).toHaveLength(1);
    expect(rest).toEqual([]);
  });

  it('lays the same damage to the first steps where they were not warmed up', () => {
    const pass = { heads: [heads([20, 7.5])], deadUnits: [0] };
    const settings = { learningRate: 8e-3, warmupSteps: 0 };
    const [first] = findingsOf(evidence({ pass, settings }));
    expect(first).toMatchObject({ name: 'no-warm-up', advice: { settings: { warmupSteps: 30 } } });
    expect(namesOf(evidence({ pass, settings: { learningRate: 3e-2, warmupSteps: 0 } }))).toEqual(['rate-too-high']);
    expect(namesOf(evidence({ settings }))).toEqual([]);
  });

  it('names a rate that left the weights where they were drawn', () => {
    const log = logOf((step) => 4.42 - 0.0003 * step);
    const [first] = findingsOf(evidence({ log, moved: unmoved(0.08), settings: { learningRate: 1e-5 } }));
    expect(first.name).toBe('rate-too-low');
    const rate = Number(first.advice?.settings?.learningRate);
    expect(rate).toBeGreaterThan(3e-4);
    expect(rate).toBeLessThan(3e-3);
  });

  it('tells targets that do not follow from a model that learned', () => {
    const log = logOf((step) => 3.11 + 1.3 * Math.exp(-step / 15));
    expect(namesOf(evidence({ log }))).toEqual(['targets-unrelated']);
    const uniform = RUNGS.map(([name, order]) => ({ name, order, loss: 3.1, bitsPerByte: 4.4 }));
    expect(namesOf(evidence({ log, rungs: uniform }))).toEqual([]);
  });

  it('names spikes where nothing clips them, and not where they are clipped', () => {
    const spiky = logOf(falling, falling, (step) => (step % 70 === 0 ? 12 : 0.5));
    expect(namesOf(evidence({ log: spiky, settings: { clipNorm: 0 } }))).toEqual(['spikes-without-clipping']);
    expect(namesOf(evidence({ log: spiky }))).toEqual([]);
    expect(namesOf(evidence({ settings: { clipNorm: 0 } }))).toEqual([]);
  });

  it('names a held-out loss that turned, by whether the text or the model is at fault', () => {
    const log = logOf(falling, (step) => 2.6 + 0.002 * Math.abs(step - 120));
    const small = dataCard({ vocabularySize: 83, trainTokens: 20_000, characters: 22_000 });
    const [first] = findingsOf(evidence({ log, card: small }));
    expect(first).toMatchObject({ name: 'model-too-large', advice: { settings: { dropout: 0.2, nEmbd: 16 } } });
    expect(first.sentence).toContain('step 120');
    const large = dataCard({ vocabularySize: 83, trainTokens: 40_000, characters: 44_000 });
    expect(namesOf(evidence({ log, card: large }))).toEqual(['overfitting']);
    // seen less than once, it cannot be known by heart
    expect(namesOf(evidence({ log }))).toEqual([]);
    // the last validation scores other batches
    const last = logOf(falling, (step) => (step === 300 ? 2.9 : falling(step) + 0.3));
    expect(namesOf(evidence({ log: last, card: small }))).toEqual([]);
  });

  it('names a model without room, and not one that is still learning', () => {
    const flat = logOf((step) => 2.9 + 1.5 * Math.exp(-step / 30));
    expect(namesOf(evidence({ log: flat, parameters: 700 }))).toEqual(['model-too-small']);
    expect(namesOf(evidence({ log: flat }))).toEqual([]);
    expect(namesOf(evidence({ parameters: 700 }))).toEqual([]);
  });

  it('names heads and units that do nothing', () => {
    const dead = { heads: [heads([0.2, 0.0001]), heads([0.3, 0.1])], deadUnits: [0, 0] };
    const [first] = findingsOf(evidence({ pass: dead }));
    expect(first.name).toBe('dead-head');
    expect(first.sentence).toContain('head 2 of block 1');
    expect(namesOf(evidence({ pass: { ...dead, heads: [heads([0.2, 0.1])], deadUnits: [0.8] } }))).toEqual([
      'dead-units',
    ]);
  });

  it('names a vocabulary whose tokens are hardly seen', () => {
    const card = dataCard({ vocabularySize: 4096, trainTokens: 30_000, characters: 100_000 });
    const log = logOf((step) => falling(step) + 3.9);
    const found = findingsOf(evidence({ card, parameters: 150_000, log, rungs: [] }));
    expect(found.map(({ name }) => name)).toEqual(['vocabulary-too-large']);
  });

  it('puts what is wrong with the text first, and notes last', () => {
    const overlap = { name: 'validation-overlap', severity: 'problem', sentence: 'Half of it is in both.' } as const;
    const log = logOf(falling, (step) => 2.6 + 0.002 * Math.abs(step - 120));
    const found = findingsOf(
      evidence({ data: [overlap], log, card: dataCard({ vocabularySize: 83, trainTokens: 40_000 }) }),
    );
    expect(found.map(({ name, symptoms }) => [name, symptoms.length])).toEqual([['validation-overlap', 1]]);
  });
});

describe('the trend', () => {
  it('foretells what a power law does in twice the steps', () => {
    const log = logOf((step) => 3 - 0.4 * Math.log(step));
    const { gain, band } = forecastOf(curveOf(log)!);
    expect(Math.abs(gain - 0.4 * Math.LN2)).toBeLessThan(band);
    expect(band).toBeLessThan(0.05);
  });
});
