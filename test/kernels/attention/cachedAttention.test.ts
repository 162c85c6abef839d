import { describe, expect, it } from 'vitest';
import { attention } from '../../../src/kernels/attention/attention.ts';
import { cachedAttention } from '../../../src/kernels/attention/cachedAttention.ts';
import { testEngine } from '../../helpers/engine.ts';
import { expectClose, normalNumbers } from '../../helpers/numbers.ts';

const [B, T, H, KV, D, S] = [2, 13, 4, 2, 6, 17];
const WIDTH = (H + 2 * KV) * D;
const heads = { nHead: H, nKvHead: KV };
const data = normalNumbers([B, T, WIDTH], 1);

/** Tokens [from, to) of every row. */
const tokens = (from: number, to: number): Float32Array =>
  Float32Array.from(
    Array.from({ length: B }, (_, b) => [...data.subarray((b * T + from) * WIDTH, (b * T + to) * WIDTH)]).flat(),
  );

describe.each(['naive', 'flash'])('cachedAttention, %s', (variant) => {
  async function open() {
    const engine = await testEngine();
    engine.variant = variant;
    const [keys, values] = [engine.zeros([B, KV, S, D]), engine.zeros([B, KV, S, D])];
    const step = async (from: number, to: number): Promise<Float32Array> => {
      const start = engine.tensor(new Uint32Array(B).fill(from), [B]);
      const qkv = engine.tensor(tokens(from, to), [B, to - from, WIDTH]);
      return cachedAttention({ qkv, keys, values, start }, heads).floats();
    };
    const whole = await attention({ qkv: engine.tensor(data, [B, T, WIDTH]) }, { ...heads, causal: true }).floats();
    /** The whole sequence's outputs of tokens [from, to). */
    const expected = (from: number, to: number): number[] =>
      Array.from({ length: B }, (_, b) => [...whole.subarray((b * T + from) * H * D, (b * T + to) * H * D)]).flat();
    return { engine, keys, values, step, expected };
  }

  it('token by token gives what attention gives over the whole', async () => {
    const { step, expected } = await open();
    for (let t = 0; t < T; t++) expectClose(await step(t, t + 1), expected(t, t + 1), 3e-6, `token ${t}`);
  });

  it('so do a prompt, a second piece and single tokens', async () => {
    const { step, expected } = await open();
    for (const [from, to] of [
      [0, 7],
      [7, 11],
      [11, 12],
      [12, 13],
    ]) {
      expectClose(await step(from, to), expected(from, to), 3e-6, `tokens ${from} to ${to}`);
    }
  });

  it('writes its own positions and nothing else', async () => {
    const { keys, values, step } = await open();
    await step(0, 5);
    await step(5, 6);
    for (const [tensor, first] of [
      [keys, H],
      [values, H + KV],
    ] as const) {
      const cache = await tensor.floats();
      for (let b = 0; b < B; b++)
        for (let head = 0; head < KV; head++)
          for (let s = 0; s < S; s++) {
            const row = [...cache.subarray(((b * KV + head) * S + s) * D, ((b * KV + head) * S + s + 1) * D)];
            const packed = (b * T + s) * WIDTH + (first + head) * D;
            expect(row).toEqual(s < 6 ? [...data.subarray(packed, packed + D)] : new Array(D).fill(0));
          }
    }
  });

  it('drops what does not fit into the cache', async () => {
    const { engine, keys, values } = await open();
    const start = engine.tensor(Uint32Array.of(S - 2, S + 5), [B]);
    const qkv = engine.tensor(tokens(0, 4), [B, 4, WIDTH]);
    const y = await cachedAttention({ qkv, keys, values, start }, heads).floats();
    expect(y.every(Number.isFinite)).toBe(true);
    const cache = await keys.floats();
    expect([...cache.subarray((S - 2) * D, S * D)]).toEqual(
      [0, 1].flatMap((t) => [...data.subarray(t * WIDTH + H * D, t * WIDTH + (H + 1) * D)]),
    );
    expect(cache.subarray(KV * S * D).every((k) => k === 0)).toBe(true); // the second row began past the end
  });

  it('refuses shapes that do not fit, by name', async () => {
    const { engine, keys, values } = await open();
    const qkv = engine.zeros([B, 1, WIDTH]);
    const start = engine.zeros([B], 'u32');
    expect(() => cachedAttention({ qkv, keys, values: engine.zeros([B, KV, S, D + 1]), start }, heads)).toThrow(
      /values must be/,
    );
    expect(() => cachedAttention({ qkv, keys, values, start: engine.zeros([1], 'u32') }, heads)).toThrow(
      /start must be \(2\)/,
    );
  });
});
