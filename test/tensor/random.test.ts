import { describe, expect, it } from 'vitest';
import { defineKernel } from '../../src/tensor/kernel.ts';
import { normals, THREEFRY_WGSL, threefry, toUnit } from '../../src/tensor/random.ts';
import { testEngine } from '../helpers/engine.ts';

/** Keys (2), counters (2) and the answers (2) that the authors of Threefry publish (Random123, kat_vectors, 20 rounds). */
const KNOWN = [
  [0, 0, 0, 0, 0x6b200159, 0x99ba4efe],
  [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7],
  [0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, 0xc4923a9c, 0x483df7a0],
] as const;

/** One invocation a row.   inputs: (N, 4) u32, outputs: (N, 2) u32, units: (N) f32 */
const onGpu = defineKernel({
  name: 'threefry_test',
  bind: { inputs: 'read u32', outputs: 'write u32', units: 'write' },
  params: { N: 'u32' },
  grid: ({ N }) => Math.ceil(N / 64),
  wgsl: () => /* wgsl */ `${THREEFRY_WGSL}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = id.x;
  if (i >= params.N) { return; }
  let bits = threefry(vec2<u32>(inputs[4u * i], inputs[4u * i + 1u]), vec2<u32>(inputs[4u * i + 2u], inputs[4u * i + 3u]));
  outputs[2u * i] = bits.x;
  outputs[2u * i + 1u] = bits.y;
  units[i] = toUnit(bits.x);
}`,
});

describe('threefry', () => {
  it.each(KNOWN)('gives the known answer for key %i %i, counter %i %i', (k0, k1, c0, c1, x, y) => {
    expect(threefry(k0, k1, c0, c1)).toEqual([x, y]);
  });

  it('is the same in WGSL, bit for bit', async () => {
    const engine = await testEngine();
    const random = Array.from({ length: 500 }, (_, i) => [...threefry(5, 6, i, 0), ...threefry(5, 6, i, 1)]);
    const rows = [...KNOWN.map((row) => row.slice(0, 4)), ...random];
    const N = rows.length;
    const outputs = engine.zeros([N, 2], 'u32');
    const units = engine.zeros([N]);
    onGpu({ inputs: engine.tensor(Uint32Array.from(rows.flat()), [N, 4]), outputs, units }, { N });
    const expected = rows.map(([k0, k1, c0, c1]) => threefry(k0, k1, c0, c1));
    expect([...(await outputs.uints())]).toEqual(expected.flat());
    expect([...(await units.floats())]).toEqual(expected.map(([bits]) => toUnit(bits)));
  });

  it('makes numbers in [0, 1)', () => {
    expect([0, 0xff, 0x100, 0x80000000, 0xffffffff].map(toUnit)).toEqual([0, 0, 2 ** -24, 0.5, 1 - 2 ** -24]);
  });
});

describe('normals', () => {
  const N = 200_000;
  const moment = (numbers: ArrayLike<number>, power: number): number =>
    Array.from(numbers).reduce((sum, x) => sum + x ** power, 0) / numbers.length;

  it('have the moments of a normal distribution', () => {
    const numbers = normals(N, 0.5, 42, 7);
    const standard = numbers.map((x) => x / 0.5);
    // four standard errors: sqrt((E x^2k - (E x^k)^2) / N) for k = 1 to 4 is sqrt(1, 2, 15, 96 / N)
    for (const [power, expected, variance] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ]) {
      const error = Math.abs(moment(standard, power) - expected);
      expect(error, `moment ${power}`).toBeLessThan(4 * Math.sqrt(variance / N));
    }
    expect(numbers.every(Number.isFinite)).toBe(true);
    expect(new Set(numbers).size).toBeGreaterThan(0.99 * N);
  });

  it('do not depend on how many are drawn', () => {
    const all = normals(100, 1, 3, 4);
    for (const count of [0, 1, 2, 63, 99]) expect(normals(count, 1, 3, 4)).toEqual(all.subarray(0, count));
  });

  it.each([
    ['seed', 2, 1],
    ['stream', 1, 2],
  ])('are other ones, unrelated, under another %s', (_, seed, stream) => {
    const [a, b] = [normals(N, 1, 1, 1), normals(N, 1, seed, stream)];
    const correlation = a.reduce((sum, x, i) => sum + x * b[i], 0) / N;
    expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(N));
  });

  it('do not follow their neighbours', () => {
    const numbers = normals(N, 1, 9, 9);
    for (const distance of [1, 2, 64]) {
      const products = numbers.subarray(distance).map((x, i) => x * numbers[i]);
      expect(Math.abs(moment(products, 1))).toBeLessThan(4 / Math.sqrt(N));
    }
  });
});
