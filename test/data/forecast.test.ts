import { describe, expect, it } from 'vitest';
import {
  climatology,
  dampedPersistence,
  persistence,
  principalComponents,
  ridgeOnComponents,
} from '../../data/weather/forecast/baselines.ts';
import { contest } from '../../data/weather/forecast/contest.ts';
import { dot, eigen, solve } from '../../data/weather/forecast/linear.ts';
import { type Forecast, gainOver, skillOf } from '../../data/weather/forecast/scores.ts';
import { anomalies, monthlyMeans, range, smoothCourse } from '../../data/weather/forecast/series.ts';
import { climatologyWithout } from '../../data/winds/climate.ts';
import { normals } from '../../src/tensor/random.ts';

const matrix = (...rows: number[][]): Float64Array[] => rows.map((row) => Float64Array.from(row));

describe('linear algebra', () => {
  it('solves a positive definite system, and refuses another', () => {
    expect([...solve(matrix([4, 2], [2, 3]), [2, -1])].map((x) => x.toFixed(9))).toEqual([
      '1.000000000',
      '-1.000000000',
    ]);
    expect(() => solve(matrix([1, 2], [2, 1]), [1, 1])).toThrow('not positive definite');
  });

  it('finds eigenvectors: of length 1, at right angles, which the matrix stretches', () => {
    const n = 12;
    const draws = normals(n * n, 1, 3, 0);
    const A = range(0, n).map((i) => Float64Array.from(range(0, n), (j) => draws[i * n + j] + draws[j * n + i]));
    const found = eigen(A);
    expect(found.map(({ value }) => value)).toEqual(found.map(({ value }) => value).sort((a, b) => b - a));
    for (const [i, { value, vector }] of found.entries()) {
      A.forEach((row, r) => {
        expect(dot(row, vector)).toBeCloseTo(value * vector[r], 9);
      });
      for (const other of found.slice(0, i)) expect(dot(vector, other.vector)).toBeCloseTo(0, 9);
      expect(dot(vector, vector)).toBeCloseTo(1, 9);
    }
  });
});

describe('what is usual', () => {
  const season = range(0, 36).map((t) => (t % 12) / 12);

  it('is the mean of each month', () => {
    const series = { steps: range(0, 36).map((t) => Float32Array.of(t)), season };
    const usual = monthlyMeans(series, range(0, 24));
    expect([usual(0)[0], usual(11 / 12)[0]]).toEqual([6, 17]); // of 0 and 12, of 11 and 23
    expect(anomalies(series, usual)[24][0]).toBe(18);
  });

  it('or a mean and two waves', () => {
    const course = (at: number): number => 10 + 5 * Math.cos(2 * Math.PI * at) - Math.sin(4 * Math.PI * at);
    const series = { steps: season.map((at) => Float32Array.of(course(at))), season };
    const usual = smoothCourse(series, range(0, 36));
    for (const at of [0.03, 0.4, 0.77]) expect(usual(at)[0]).toBeCloseTo(course(at), 5);
  });

  it('of the winds, for a training month leaves its own years out, and for a test month none', () => {
    const years = range(0, 132).map((t) => Math.floor(t / 12));
    const series = {
      steps: years.map((year) => Float32Array.of(2 ** year)),
      season: range(0, 132).map((t) => (t % 12) / 12),
    };
    const sum = (of: number[]): number => of.reduce((all, year) => all + 2 ** year, 0) / of.length;
    expect(climatologyWithout(series)(0)[0]).toBeCloseTo(sum(range(0, 8)), 4);
    expect(climatologyWithout(series, 30, 42)(0)[0]).toBeCloseTo(sum([0, 1, 4, 5, 6, 7]), 4); // mid 1984 to mid 1985
    expect(climatologyWithout(series, 24, 36)(0.5)[0]).toBeCloseTo(sum([0, 1, 3, 4, 5, 6, 7]), 4); // all of 1984
  });
});

/** a(t + 1) = factor a(t) + noise, P numbers, each with a factor of its own. */
function wandering(factors: readonly number[], steps: number, seed = 1): Float32Array[] {
  const P = factors.length;
  const noise = normals(steps * P, 1, seed, 0);
  const all = [new Float32Array(P)];
  for (const t of range(1, steps)) all.push(all[t - 1].map((value, p) => factors[p] * value + noise[t * P + p]));
  return all;
}

describe('baselines', () => {
  const fields = wandering([0.9, 0.2], 4000);
  const known = { anomalies: fields, trainEnd: 3000, weights: [0.5, 0.5] };
  const truth = { truth: fields, targets: range(3010, 4000), weights: [0.5, 0.5] };

  it('damped persistence finds how fast each number forgets', () => {
    const damped = dampedPersistence(known);
    const now = 3500;
    const factors = (lead: number): number[] =>
      [...Array.from(damped(now, lead))].map((value, p) => value / fields[now][p]);
    expect(factors(1)[0]).toBeCloseTo(0.9, 1);
    expect(factors(3)[0]).toBeCloseTo(0.9 ** 3, 1);
    expect(Math.abs(factors(3)[1])).toBeLessThan(0.06);
    const errors = [climatology(known), persistence(known), damped].map((one) => skillOf(truth, one, 1).rmse);
    expect(errors[2]).toBeLessThan(Math.min(errors[0], errors[1]));
    expect(errors[2]).toBeCloseTo(1, 1); // the noise
  });

  it('learn nothing from behind the training part', () => {
    const changed = fields.map((field, t) => (t < 3000 ? field : field.map((value) => value * (t % 7))));
    const factor = (all: Float32Array[]): number => dampedPersistence({ ...known, anomalies: all })(100, 2)[0];
    expect(factor(changed)).toBe(factor(fields));
  });

  it('ridge on components sees what goes from one number to the other', () => {
    const noise = normals(4000, 1, 5, 0);
    const follows = range(0, 2000).map((t) => Float32Array.of(noise[t], noise[t - 1] ?? 0)); // the second is the first of yesterday
    const ridge = ridgeOnComponents({ anomalies: follows, trainEnd: 1000, weights: [0.5, 0.5] }, 1, () => ({
      components: 2,
      penalty: 1e-6,
    }));
    const of = { truth: follows, targets: range(1500, 2000), weights: [0, 1] };
    expect(skillOf(of, ridge, 1).rmse).toBeLessThan(0.1);
    expect(skillOf(of, ridge, 2).rmse).toBeGreaterThan(0.9);
  });

  it('principal components hold all of the variance, by numbers or by steps', () => {
    for (const count of [1, 50]) {
      const few = { ...known, anomalies: fields.slice(5, 5 + 2 * count), trainEnd: 2 * count - 1 };
      const found = principalComponents(few, 2);
      expect(found.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 6);
      expect(dot(found[0].vector, found[0].vector, known.weights)).toBeCloseTo(1, 6);
    }
  });
});

describe('scores', () => {
  const truth = {
    truth: [
      [9, 9],
      [1, 2],
      [3, -2],
    ].map((one) => Float32Array.from(one)),
    targets: [1, 2],
    weights: [0.75, 0.25],
  };

  it('weigh squares and products', () => {
    const said: Forecast = (now, lead) => (now + lead === 1 ? [0, 0] : [2, -2]);
    const { rmse, correlation, squares } = skillOf(truth, said, 1);
    expect(squares).toEqual([0.75 * 1 + 0.25 * 4, 0.75 * 1]);
    expect(rmse).toBeCloseTo(Math.sqrt(2.5 / 2), 12);
    const [fy, ff, yy] = [0.75 * 6 + 0.25 * 4, 0.75 * 4 + 0.25 * 4, 0.75 * 10 + 0.25 * 8];
    expect(correlation).toBeCloseTo(fy / Math.sqrt(ff * yy), 12);
    expect(skillOf(truth, () => [0, 0], 1).correlation).toBe(0);
  });

  it('ask for what was known then: a forecast sees the step so many before its target', () => {
    const asked: number[][] = [];
    const forecast: Forecast = (now, lead) => {
      asked.push([now, lead]);
      return [0, 0];
    };
    skillOf(truth, forecast, 1);
    expect(asked).toEqual([
      [0, 1],
      [1, 1],
    ]);
  });

  it('give gains with a band that holds them', () => {
    const squares = (scale: number): number[] => range(0, 60).map((i) => scale * (1 + ((i * 7) % 5)));
    const skill = (scale: number) => ({ rmse: 0, correlation: 0, squares: squares(scale) });
    const { percent, low, high } = gainOver(skill(0.81), skill(1), 6);
    expect([percent, low, high].map((value) => value.toFixed(6))).toEqual(Array(3).fill('10.000000'));
    const uneven = { ...skill(1), squares: squares(1).map((square, i) => square * (i % 2 ? 0.2 : 1.3)) };
    const band = gainOver(uneven, skill(1), 3);
    expect(band.low).toBeLessThan(band.percent);
    expect(band.high).toBeGreaterThan(band.percent);
  });

  it('name the better of two models first, the other beside it', () => {
    const fields = wandering([0.8], 60);
    const entrant = (name: string, factor: number) => ({
      name,
      colour: '#000',
      forecast: (now: number, lead: number) => [fields[now][0] * factor ** lead],
    });
    const usual = entrant('usual', 0);
    const quantity = { name: 'X', unit: 'K', step: 'day', note: 'N', block: 5, scale: 10 };
    const { scores, leader, sentences } = contest(
      { truth: fields, targets: range(10, 60), weights: [1] },
      [entrant('bad', 3), entrant('good', 0.8)],
      [usual],
      usual,
      quantity,
    );
    expect(leader.name).toBe('good');
    expect(scores.map(({ baselines }) => baselines.map(({ name }) => name))).toEqual(Array(12).fill(['bad', 'usual']));
    expect([scores[0].name, scores[0].unit, scores[0].note]).toEqual(['X, error 1 day ahead', 'K', 'By the good. N']);
    expect(scores[0].value).toBeCloseTo(
      10 * skillOf({ truth: fields, targets: range(10, 60), weights: [1] }, entrant('', 0.8).forecast, 1).rmse,
      9,
    );
    expect(sentences[0]).toMatch(/^X: the error of the good is below that of usual by so many percent/);
  });
});
