import { expect, it } from 'vitest';
import { insideOf, noiseScaleOf, stepsCutShort } from '../../src/report/inside.ts';
import { type Inside, LogRecord } from '../../src/report/logRecord.ts';
import { seriesOf } from '../../src/report/series.ts';
import { normals } from '../../src/tensor/random.ts';

const record = (step: number, figures: Partial<LogRecord> = {}): LogRecord => ({
  ...{ step, tokens: 100 * step, timeMs: step, loss: 2, gradientNorm: 1 },
  ...figures,
});

const seen = (figures: Partial<Inside> = {}): Inside => ({
  weights: [
    { name: 'a', rms: 0.1, update: 1e-3, gradient: 0.2 },
    { name: 'b', rms: 0.3, update: 2e-3, gradient: 0.4 },
  ],
  heads: [[{ entropy: 1, share: 0.5 }], [{ entropy: 2, share: 0.25 }]],
  ...{ deadUnits: [0, 0.5], gradientProduct: null, noiseScale: null },
  ...figures,
});

it('the noise scale is the quotient of noise and signal, where both are known to the last digit', () => {
  // |G|^2 = 4, tr(S) = 1200, batches of 100 tokens: E|g|^2 = 4 + 1200 / 100
  const steps = (count: number): LogRecord[] =>
    Array.from({ length: count }, (_, i) => {
      const gradientNorm = i % 2 ? Math.sqrt(15) : Math.sqrt(17);
      return record(i + 1, { gradientNorm, ...(i % 2 && { inside: seen({ gradientProduct: 4 }) }) });
    });
  expect(noiseScaleOf(steps(10))).toBeCloseTo(300, 10);
  expect(noiseScaleOf(steps(5))).toBeUndefined();
  expect(noiseScaleOf([])).toBeUndefined();
});

it('the noise scale of gradients that were drawn is found', () => {
  // 40 numbers a gradient, the signal 0.5 in each, noise of one token with variance 9 in each: tr(S) / |G|^2 = 36
  const [size, batch] = [40, 20];
  const log: LogRecord[] = [];
  for (let pair = 0; pair < 200; pair++) {
    const noise = normals(2 * size, 3 / Math.sqrt(batch), 5, pair);
    const g = Array.from({ length: size }, (_, i) => 0.5 + noise[i]);
    const h = Array.from({ length: size }, (_, i) => 0.5 + noise[size + i]);
    const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0);
    for (const [i, one] of [g, h].entries()) {
      const step = 10 * pair + i + 1;
      const inside = i === 1 ? seen({ gradientProduct: dot(g, h) }) : undefined;
      log.push(record(step, { tokens: batch * step, gradientNorm: Math.sqrt(dot(one, one)), inside }));
    }
  }
  expect(noiseScaleOf(log)! / 36).toBeGreaterThan(0.75);
  expect(noiseScaleOf(log)! / 36).toBeLessThan(1.33);
});

it('a pair of which a step was skipped, or done again alone, tells nothing', () => {
  const inside = seen({ gradientProduct: 4 });
  const alone = Array.from({ length: 9 }, (_, i) => record(2 * i + 1, { gradientNorm: 4, inside }));
  expect(noiseScaleOf(alone)).toBeUndefined();
  const skipped = Array.from({ length: 9 }, (_, i) =>
    record(i + 1, { gradientNorm: undefined, skipped: true, inside }),
  );
  expect(noiseScaleOf(skipped)).toBeUndefined();
  const against = Array.from({ length: 9 }, (_, i) => record(i + 1, { inside: seen({ gradientProduct: -0.1 }) }));
  expect(noiseScaleOf(against)).toBeUndefined();
});

it('series are found by name, in the order of steps, without what is not finite', () => {
  expect(insideOf([record(1)])).toBeUndefined();
  const again = seen({ deadUnits: [0.25, 1], noiseScale: 700 });
  const broken = seen({ weights: [{ name: 'a', rms: 0.1, update: 0, gradient: Number.NaN }, seen().weights[1]] });
  const log = [record(2, { inside: seen() }), record(4, { inside: broken }), record(2, { inside: again })];
  const { weights, heads, deadUnits, noiseScale, step, last } = insideOf(log)!;
  expect([step, last]).toEqual([4, broken]);
  expect(weights[0].name).toBe('a');
  expect(weights[0].gradient).toEqual([{ step: 2, value: 0.2 }]);
  expect(weights[1].update).toEqual([2, 4].map((step) => ({ step, value: 2e-3 })));
  expect(heads[1][0].share).toEqual([2, 4].map((step) => ({ step, value: 0.25 })));
  expect(deadUnits[1].map(({ value }) => value)).toEqual([1, 0.5]);
  expect(noiseScale).toEqual([{ step: 2, value: 700 }]);
});

it('steps that were clipped or skipped are counted', () => {
  const log = [0.5, 1.5, 3].map((gradientNorm, i) => record(i + 1, { gradientNorm }));
  log.push(record(4, { gradientNorm: undefined, skipped: true }), record(4, { loss: undefined, validationLoss: 3 }));
  expect(stepsCutShort(log, 1)).toEqual({ clipped: 0.5, skipped: 0.25 });
  expect(stepsCutShort(log, 0).clipped).toBe(0);
  expect(stepsCutShort([], 1)).toEqual({ clipped: 0, skipped: 0 });
});

it('a log is read as it was written, and one from before anything was watched too', () => {
  const broken = record(1, { inside: seen({ weights: [{ name: 'a', rms: Number.NaN, update: 1, gradient: 2 }] }) });
  expect(LogRecord.parse(JSON.parse(JSON.stringify(broken)))).toEqual(broken);
  const old = { step: 3, tokens: 300, timeMs: 12, loss: 2.5, gradientNorm: 0.4 };
  expect(LogRecord.parse(old)).toEqual(old);
  expect(seriesOf([LogRecord.parse(old)], 'loss')).toEqual([{ step: 3, value: 2.5 }]);
});
