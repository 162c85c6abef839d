import { describe, expect, it } from 'vitest';
import { attention } from '../../../src/kernels/attention/attention.ts';
import { flashForward, flashKeyGradient, flashQueryGradient } from '../../../src/kernels/attention/flash.ts';
import type { TileParams, TilePoint } from '../../../src/kernels/attention/layout.ts';
import type { Numbers } from '../../../src/tensor/op.ts';
import { testEngine } from '../../helpers/engine.ts';
import { describeAnchors, goldenCases, runOp } from '../../helpers/golden.ts';
import { pack } from '../../helpers/heads.ts';
import { expectClose, normalNumbers } from '../../helpers/numbers.ts';

describeAnchors(
  attention,
  goldenCases('causal_attention').map(({ inputs: { q, k, v }, gradients, output, dOutput }) => ({
    inputs: { qkv: pack(q, k, v) },
    attributes: { nHead: q.shape[1], nKvHead: k.shape[1], causal: true },
    output: pack(output),
    dOutput: pack(dOutput),
    gradients: { qkv: pack(gradients.q, gradients.k, gradients.v) },
  })),
);

/** softmax(q k^T / sqrt(D) + mask) v in float64, from whole matrices. */
function composed({ shape: [B, T, width], data: x }: Numbers, H: number, KV: number, causal: boolean): number[] {
  const D = width / (H + 2 * KV);
  const head = (b: number, h: number): number[][] =>
    Array.from({ length: T }, (_, t) => Array.from({ length: D }, (_, d) => x[(b * T + t) * width + h * D + d]));
  const y = new Array<number>(B * T * H * D);
  for (let b = 0; b < B; b++)
    for (let h = 0; h < H; h++) {
      const [q, k, v] = [h, H + Math.floor((h * KV) / H), H + KV + Math.floor((h * KV) / H)].map((i) => head(b, i));
      const scores = q.map((row, t) =>
        k.map((other, j) =>
          causal && j > t ? Number.NEGATIVE_INFINITY : row.reduce((s, a, d) => s + a * other[d], 0) / Math.sqrt(D),
        ),
      );
      const weights = scores.map((row) => {
        const powers = row.map((s) => Math.exp(s - Math.max(...row)));
        return powers.map((p) => p / powers.reduce((a, c) => a + c));
      });
      for (let t = 0; t < T; t++)
        for (let d = 0; d < D; d++)
          y[((b * T + t) * H + h) * D + d] = weights[t].reduce((s, w, j) => s + w * v[j][d], 0);
    }
  return y;
}

describe.each(['naive', 'flash'])('%s', (variant) => {
  it.each([
    [1, 33, 2, 1, 8, true],
    [2, 70, 4, 2, 6, true],
    [3, 13, 6, 3, 8, false],
  ] as const)('equals softmax(q k^T) v: B %i, T %i, H %i, KV %i, D %i, causal %s', async (B, T, H, KV, D, causal) => {
    const engine = await testEngine();
    engine.variant = variant;
    const shape = [B, T, (H + 2 * KV) * D];
    const x = { shape, data: normalNumbers(shape, 5, 2) };
    const y = await attention({ qkv: engine.tensor(x.data, shape) }, { nHead: H, nKvHead: KV, causal }).floats();
    // scores of about 4 sqrt(D) lose some 1e-6 each; weights inherit that, times values of up to 8
    expectClose(y, composed(x, H, KV, causal), 4e-5);
  });

  it('gives the same bits before token t whatever stands from t on', async () => {
    const engine = await testEngine();
    engine.variant = variant;
    const shape = [2, 37, 48];
    const attributes = { nHead: 2, nKvHead: 2, causal: true };
    const data = normalNumbers(shape, 1);
    const before = await attention({ qkv: engine.tensor(data, shape) }, attributes).floats();
    for (const t of [1, 15, 16, 36]) {
      const changed = data.map((x, i) => (Math.floor(i / 48) % 37 >= t ? 3 - 2 * x : x));
      const after = await attention({ qkv: engine.tensor(changed, shape) }, attributes).floats();
      for (const b of [0, 1]) {
        const rows = (y: Float32Array) => [...y.subarray(b * 37 * 16, (b * 37 + t) * 16)];
        expect(rows(after)).toEqual(rows(before));
      }
      expect(after[t * 16]).not.toBe(before[t * 16]);
    }
  });

  it('stays finite for huge scores', async () => {
    const shape = [1, 20, 24];
    const x = { shape, data: normalNumbers(shape, 3, 100) };
    const attributes = { nHead: 1, nKvHead: 1, causal: true };
    const dy = { shape: [1, 20, 8], data: normalNumbers([1, 20, 8], 4) };
    const { output, gradients } = await runOp(attention, { qkv: x }, { attributes, dy, variant });
    // scores of 1e4 carry errors of 1e-2: what is asked is one-hot weights where the reference has them, and no NaN
    expectClose(output, attention.definition.reference({ qkv: x }, attributes), 10);
    expect(gradients.qkv.every(Number.isFinite)).toBe(true);
  });
});

it('splits heads of width 128 among lanes as GPUs do, with the results of naive', async () => {
  const D = 128;
  const engine = await testEngine();
  const shape = [1, 35, 3 * D];
  const qkv = { shape, data: normalNumbers(shape, 7) };
  const dy = { shape: [1, 35, D], data: normalNumbers([1, 35, D], 8) };
  const options = { attributes: { nHead: 1, nKvHead: 1, causal: true }, dy };
  const kernels = [flashForward, flashQueryGradient, flashKeyGradient];
  for (const { spec, points } of kernels) {
    const fits = (point: TilePoint) =>
      spec.fits!(point, { D, accumulate: 0 } as TileParams & { accumulate: number }, engine.capabilities);
    const staged = points(engine.capabilities).filter((point) => point.SUBGROUP === 0 && fits(point));
    engine.tuning.set(spec.name, staged[0]);
  }
  try {
    const flash = await runOp(attention, { qkv }, { ...options, variant: 'flash' });
    const naive = await runOp(attention, { qkv }, { ...options, variant: 'naive' });
    // scores of D products and sums of 35 rows, each of a few units
    expectClose(flash.output, naive.output, 1e-5);
    expectClose(flash.gradients.qkv, naive.gradients.qkv, 4e-5);
  } finally {
    for (const { spec } of kernels) engine.tuning.delete(spec.name);
  }
});

it.each([
  ['naive', true],
  ['naive', false],
  ['flash', true],
  ['flash', false],
] as const)('%s gives a padded sequence what it gives the sequence alone, causal %s', async (variant, causal) => {
  const [T, length, width, C] = [37, 21, 48, 16];
  const options = { attributes: { nHead: 2, nKvHead: 2, causal }, variant };
  const rows = (shape: number[], seed: number) => ({ shape, data: normalNumbers(shape, seed) });
  const [x, dy] = [rows([1, T, width], 1), rows([1, T, C], 2)];
  const cut = (data: Float32Array, columns: number) => ({
    shape: [1, length, columns],
    data: data.subarray(0, length * columns),
  });
  const lengths = { shape: [1], data: Uint32Array.of(length) };
  const padded = await runOp(attention, { qkv: x, lengths }, { ...options, dy });
  const alone = await runOp(attention, { qkv: cut(x.data, width) }, { ...options, dy: cut(dy.data, C) });
  for (const [whole, part] of [
    [padded.output, alone.output],
    [padded.gradients.qkv, alone.gradients.qkv],
  ]) {
    expectClose(whole.subarray(0, part.length), part, 1e-6);
    expect(whole.subarray(part.length).every((value) => value === 0)).toBe(true);
  }
});

it('refuses lengths of another number of sequences', async () => {
  const engine = await testEngine();
  const [qkv, lengths] = [engine.zeros([2, 3, 24]), engine.zeros([3], 'u32')];
  expect(() => attention({ qkv, lengths }, { nHead: 1, nKvHead: 1, causal: false })).toThrow(
    'attention: lengths must be (2), one for each sequence, got (3)',
  );
});

it('refuses heads that do not fit, by name', async () => {
  const engine = await testEngine();
  const qkv = engine.zeros([1, 2, 24]);
  expect(() => attention({ qkv }, { nHead: 3, nKvHead: 2, causal: true })).toThrow(/2 key heads do not divide 3/);
  expect(() => attention({ qkv }, { nHead: 5, nKvHead: 5, causal: true })).toThrow(/\(1, 2, 24\) does not split/);
  expect(() => attention({ qkv: engine.zeros([2, 24]) }, { nHead: 1, nKvHead: 1, causal: true })).toThrow(
    /must be \(B, T/,
  );
});
