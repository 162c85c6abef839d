import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type MuonSettings, muon, muonReference } from '../../../src/kernels/optimizer/muon.ts';
import { packSettings, SETTINGS } from '../../../src/kernels/optimizer/optimizer.ts';
import { orthogonalize } from '../../../src/kernels/optimizer/orthogonalize.ts';
import { testEngine } from '../../helpers/engine.ts';
import { expectClose, normalNumbers } from '../../helpers/numbers.ts';

const STEP = { learningRate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1, clipNorm: 1 };
const RUN = { momentum: 0.95, factor: 1.5 };

/** Singular values of a row-major (R, C) matrix: roots of the eigenvalues of its smaller Gram matrix, by Jacobi's rotations. */
function singularValues(data: ArrayLike<number>, R: number, C: number): number[] {
  const [S, K] = [Math.min(R, C), Math.max(R, C)];
  const at = (s: number, k: number): number => (R <= C ? data[s * C + k] : data[k * C + s]);
  const dot = (i: number, j: number): number => Array.from({ length: K }, (_, k) => at(i, k) * at(j, k)).reduce(sum);
  const gram = Array.from({ length: S }, (_, i) => Array.from({ length: S }, (_, j) => dot(i, j)));
  for (let sweep = 0; sweep < 12; sweep++)
    for (let p = 0; p < S; p++) for (let q = p + 1; q < S; q++) rotate(gram, p, q);
  return gram.map((row, i) => Math.sqrt(Math.max(0, row[i])));
}

const sum = (a: number, b: number): number => a + b;

/** Takes gram[p][q] to 0 by a similarity. */
function rotate(gram: number[][], p: number, q: number): void {
  if (gram[p][q] === 0) return;
  const angle = 0.5 * Math.atan2(2 * gram[p][q], gram[p][p] - gram[q][q]);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const turn = (x: number, y: number): [number, number] => [cos * x + sin * y, cos * y - sin * x];
  for (const row of gram) [row[p], row[q]] = turn(row[p], row[q]);
  for (let k = 0; k < gram.length; k++) [gram[p][k], gram[q][k]] = turn(gram[p][k], gram[q][k]);
}

describe.each(['naive', 'best'])('orthogonalize, %s', (variant) => {
  it.each([
    [3, 16, 40],
    [2, 40, 16],
    [2, 31, 65],
    [1, 128, 512],
  ])('takes all singular values of %i matrices (%i, %i) to where the quintic does, 0.68 to 1.21', async (n, R, C) => {
    const engine = await testEngine();
    engine.variant = variant;
    const y = await orthogonalize({ x: engine.tensor(normalNumbers([n, R, C], 3, 1e-3), [n, R, C]) }).floats();
    for (let i = 0; i < n; i++) {
      const values = singularValues(y.subarray(i * R * C, (i + 1) * R * C), R, C);
      expect(Math.min(...values)).toBeGreaterThan(0.68);
      expect(Math.max(...values)).toBeLessThan(1.21);
    }
  });

  it('leaves a matrix of zeros as it is, and says what it wants', async () => {
    const engine = await testEngine();
    engine.variant = variant;
    expect([...(await orthogonalize({ x: engine.zeros([1, 3, 4]) }).floats())]).toEqual(new Array(12).fill(0));
    expect(() => orthogonalize({ x: engine.zeros([3, 4]) })).toThrow(
      'must be a stack of matrices (n, R, C), got (3, 4)',
    );
  });
});

/** Where matrices lie in flat tensors of N elements: first element and row stride each. */
interface Lay {
  N: number;
  shape: [rows: number, columns: number];
  places: [start: number, stride: number][];
}

/** Runs Muon on the GPU, one step for each row of gradients. */
async function train(lay: Lay, start: ArrayLike<number>, rows: readonly ArrayLike<number>[], settings: Settings) {
  const engine = await testEngine();
  const values = engine.tensor(start, [lay.N]);
  const firstMoment = engine.zeros([lay.N]);
  const places = engine.tensor(Uint32Array.from(lay.places.flat()), [lay.places.length, 2]);
  const stacks = [{ rows: lay.shape[0], columns: lay.shape[1], places }];
  for (const row of rows) {
    const packed = packSettings({ ...STEP, ...settings.step }, 1);
    const norm = settings.norm ?? Math.hypot(...Array.from(row));
    const tensors = { values, firstMoment, gradients: engine.tensor(row, [lay.N]) };
    const step = { norm: engine.tensor([norm], [1]), settings: engine.tensor(packed, [SETTINGS.size]) };
    muon({ ...tensors, ...step }, stacks, { ...RUN, ...settings });
  }
  return { values: await values.floats(), momentum: await firstMoment.floats() };
}

interface Settings extends Partial<MuonSettings> {
  norm?: number;
  step?: Partial<typeof STEP>;
}

/** The same in float64: matrix after matrix is taken out, trained and put back. */
function expected(lay: Lay, start: ArrayLike<number>, rows: readonly ArrayLike<number>[], settings: Settings) {
  const [R, C] = lay.shape;
  const [values, momentum] = [Float64Array.from(start), new Float64Array(lay.N)];
  for (const row of rows) {
    for (const [first, stride] of lay.places) {
      const index = (i: number): number => first + Math.floor(i / C) * stride + (i % C);
      const out = (flat: ArrayLike<number>) => Float64Array.from({ length: R * C }, (_, i) => flat[index(i)]);
      const arrays = { values: out(values), gradients: out(row), firstMoment: out(momentum) };
      const packed = packSettings({ ...STEP, ...settings.step }, 1);
      const norm = Math.hypot(...Array.from(row));
      muonReference(arrays, lay.shape, norm, packed, { ...RUN, ...settings });
      arrays.values.forEach((value, i) => {
        values[index(i)] = value;
        momentum[index(i)] = arrays.firstMoment[i];
      });
    }
  }
  return { values, momentum };
}

const LAYS: Record<string, Lay> = {
  'one after the other': { N: 400, shape: [8, 12], places: [96, 192].map((start) => [start, 12]) },
  'side by side': { N: 600, shape: [12, 12], places: [64, 76, 88].map((start) => [start, 36]) },
  'of sizes that are multiples of nothing': { N: 300, shape: [13, 7], places: [3, 150].map((start) => [start, 7]) },
};

describe.each(Object.entries(LAYS))('muon, matrices %s', (_, lay) => {
  const start = normalNumbers([lay.N], 1);
  const rows = [2, 3, 4].map((seed) => normalNumbers([lay.N], seed, 10 ** (seed - 4)));

  it.each([1, 0])(
    'equals the float64 reference over three steps, clipped to %i, and touches nothing else',
    async (clipNorm) => {
      const settings = { step: { clipNorm } };
      const actual = await train(lay, start, rows, settings);
      const wanted = expected(lay, start, rows, settings);
      expectClose(actual.momentum, wanted.momentum, 2e-5, 'momentum');
      // 0.01 * 1.5 * 0.2 sqrt(12) of an orthogonal matrix, whose error is that of the battery
      expectClose(actual.values, wanted.values, 3e-5, 'values');
      const moved = Float64Array.from(wanted.values, (value, i) => Number(value !== start[i]));
      expect(moved.reduce(sum)).toBe(lay.places.length * lay.shape[0] * lay.shape[1]);
      actual.values.forEach((value, i) => {
        if (!moved[i]) expect(value).toBe(start[i]);
      });
    },
  );

  it.each([0, 64, 256])('gives the same bits with %i lanes a row', async (LANES) => {
    const engine = await testEngine();
    const wanted = await train(lay, start, rows, {});
    if (LANES === 0 && engine.capabilities.subgroupSize === 0) return; // 0 stands for a subgroup
    for (const kernel of ['muon_momentum', 'muon_update']) engine.tuning.set(kernel, { LANES });
    expect(await train(lay, start, rows, {}).finally(() => engine.tuning.clear())).toEqual(wanted);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('leaves every bit as it was when the norm is %s', async (norm) => {
    const { values, momentum } = await train(lay, start, rows, { norm });
    expect(values).toEqual(start);
    expect(momentum).toEqual(new Float32Array(lay.N));
  });
});

interface Golden {
  inputs: { parameter: { shape: [number, number]; data: number[] }; gradient: { data: number[] } };
  attributes: { lr: number; momentum: number; weightDecay: number };
  output: { data: number[] };
  momentum: { data: number[] };
}
const path = new URL('../../golden/data/muon.json', import.meta.url);
const golden = JSON.parse(readFileSync(path, 'utf8')).cases as Golden[];

describe.each(golden.map((test, i) => [i, test] as const))("PyTorch's Muon, case %i", (_, test) => {
  const { lr, momentum, weightDecay } = test.attributes;
  const { shape, data: start } = test.inputs.parameter;
  const N = start.length;
  const lay: Lay = { N, shape, places: [[0, shape[1]]] };
  const { data } = test.inputs.gradient;
  const rows = Array.from({ length: data.length / N }, (_, i) => data.slice(i * N, (i + 1) * N));
  const settings = { momentum, factor: 1, step: { learningRate: lr, weightDecay, clipNorm: 0 } };

  it('equals the reference', () => {
    const wanted = expected(lay, start, rows, settings);
    expectClose(wanted.values, test.output.data, 1e-7, 'values'); // the settings are packed in f32
    expectClose(wanted.momentum, test.momentum.data, 1e-7, 'momentum');
  });

  it('equals the GPU', async () => {
    const actual = await train(lay, start, rows, settings);
    expectClose(actual.values, test.output.data, 2e-6, 'values');
    expectClose(actual.momentum, test.momentum.data, 1e-5, 'momentum');
  });
});
