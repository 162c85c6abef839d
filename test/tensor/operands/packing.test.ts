import { describe, expect, it } from 'vitest';
import { packedMatmul } from '../../../src/kernels/matmul/packed.ts';
import { softmax } from '../../../src/kernels/softmax.ts';
import { GROUP, type PackedFormat, pack, unpack, WEIGHT_FORMATS } from '../../../src/tensor/operands/packing.ts';
import { QuantizedMatrix } from '../../../src/tensor/operands/quantized.ts';
import type { Shape } from '../../../src/tensor/shape.ts';
import { testEngine } from '../../helpers/engine.ts';
import { normalNumbers } from '../../helpers/numbers.ts';

const FORMATS = WEIGHT_FORMATS.filter((format): format is PackedFormat => format !== 'f32');
const SIDE = 8192;

const packed = (data: ArrayLike<number>, shape: Shape, format: PackedFormat, side = SIDE) =>
  pack({ data, row: shape[1], col: 1 }, shape, format, side);
const through = (data: ArrayLike<number>, shape: Shape, format: PackedFormat): Float32Array =>
  unpack(packed(data, shape, format));

/** Sum of squared differences. */
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a, (x, i) => (x - b[i]) ** 2).reduce((sum, x) => sum + x, 0);

describe.each(FORMATS)('numbers packed as %s', (format) => {
  it.each([
    [1, 1],
    [3, 5],
    [7, 64],
    [5, 65],
    [9, 131],
  ])('are near what they were, (%i, %i)', (N, K) => {
    const data = normalNumbers([N, K], 3);
    const step = { f16: 2 ** -10, int8: 1 / 254, int4: 1 / 8 }[format]; // of the largest of a group; int4 may cut some off
    const back = through(data, [N, K], format);
    for (let n = 0; n < N; n++) {
      for (let k = 0; k < K; k++) {
        const group = data.subarray(n * K + k - (k % GROUP), n * K + Math.min(K, k - (k % GROUP) + GROUP));
        const largest = group.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
        expect(Math.abs(back[n * K + k] - data[n * K + k])).toBeLessThan(1.01 * step * largest);
      }
    }
  });

  it('are the same whichever way they lay, and in however many bands', async () => {
    const shape = [23, 70];
    const data = normalNumbers(shape, 5);
    const turned = Float32Array.from(data, (_, i) => data[(i % 23) * 70 + Math.floor(i / 23)]);
    const once = packed(data, shape, format);
    expect(pack({ data: turned, row: 1, col: 23 }, shape, format, SIDE)).toEqual(once);
    const bands = packed(data, shape, format, 4);
    expect([bands.width, bands.height]).toEqual([3, 2 * once.height]);
    expect(unpack(bands)).toEqual(unpack(once));
    const engine = await testEngine();
    const a = engine.tensor(normalNumbers([5, 70], 1), [5, 70]);
    const products = [once, bands].map((b) => packedMatmul({ a, b: new QuantizedMatrix(engine, b) }));
    expect(await products[1].floats()).toEqual(await products[0].floats());
  });

  it('may be zero, tiny and huge', () => {
    const zeros = new Float32Array(GROUP);
    expect(through(zeros, [1, GROUP], format)).toEqual(zeros);
    const tiny = through([1e-12, -1e-12], [1, 2], format);
    for (const x of tiny) expect(Math.abs(x)).toBeLessThanOrEqual(1e-12);
    const [huge] = through([1e30], [1, 1], format);
    expect(huge).toBeGreaterThan(1000);
  });

  it('take so many times fewer bytes, scales included', () => {
    const { texels } = packed(new Float32Array(384 * 1536), [384, 1536], format);
    const ratio = (4 * 384 * 1536) / texels.byteLength;
    expect(ratio).toBeGreaterThanOrEqual({ f16: 2, int8: 3.87, int4: 7.5 }[format]);
  });
});

it('int4 cuts off what is far out where that brings the others nearer', () => {
  const data = normalNumbers([1, 64 * GROUP], 9);
  const nearest = Float32Array.from(data);
  for (let start = 0; start < nearest.length; start += GROUP) {
    const group = nearest.subarray(start, start + GROUP);
    const scale = group.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 7;
    group.forEach((x, i) => {
      group[i] = scale * Math.round(x / scale);
    });
  }
  expect(distance(through(data, [1, data.length], 'int4'), data)).toBeLessThan(0.85 * distance(nearest, data));
});

it('a kernel that only knows plain numbers refuses packed ones', async () => {
  const x = new QuantizedMatrix(await testEngine(), packed([1, 2], [1, 2], 'int8'));
  expect(() => softmax({ x })).toThrow(/cannot read packed numbers: x/);
});
