import { describe, expect, it } from 'vitest';
import { dropout } from '../../src/kernels/dropout.ts';
import { testEngine } from '../helpers/engine.ts';
import { runOp } from '../helpers/golden.ts';

const N = 20_004;
const ones = { shape: [N], data: new Float32Array(N).fill(1) };
const state = (seed: number, step: number) => ({ shape: [2], data: Uint32Array.of(seed, step) });
const draw = (variant: string, p: number, seed = 1, step = 2, site = 3) =>
  runOp(dropout, { x: ones, state: state(seed, step) }, { attributes: { p, site }, dy: ones, variant });

describe.each(['naive', 'vectors'])('dropout %s', (variant) => {
  it('keeps its share and scales it up', async () => {
    const { output } = await draw(variant, 0.2);
    const kept = output.filter((y) => y !== 0);
    expect(new Set(kept)).toEqual(new Set([1.25]));
    expect(Math.abs(kept.length / N - 0.8)).toBeLessThan(4 * Math.sqrt((0.2 * 0.8) / N)); // four standard deviations
  });

  it('keeps all with p = 0', async () => {
    expect((await draw(variant, 0)).output).toEqual(ones.data);
  });

  it('draws the same mask backwards', async () => {
    const { output, gradients } = await draw(variant, 0.5);
    expect(gradients.x).toEqual(output);
  });

  it('draws another mask for another seed, step or site', async () => {
    const masks = [
      await draw(variant, 0.5),
      await draw(variant, 0.5, 9, 2, 3),
      await draw(variant, 0.5, 1, 9, 3),
      await draw(variant, 0.5, 1, 2, 9),
    ].map(({ output }) => output);
    for (const [i, mask] of masks.entries()) {
      for (const other of masks.slice(0, i)) {
        const alike = mask.filter((y, k) => y === other[k]).length / N;
        expect(Math.abs(alike - 0.5)).toBeLessThan(0.02);
      }
    }
  });
});

it('dropout draws one mask in all variants, with vectors and without', async () => {
  const { output } = await draw('naive', 0.3);
  expect((await draw('vectors', 0.3)).output).toEqual(output);
  const odd = { shape: [N - 1], data: ones.data.subarray(1) };
  const inputs = { x: odd, state: state(1, 2) };
  const { output: shorter } = await runOp(dropout, inputs, { attributes: { p: 0.3, site: 3 }, dy: odd });
  expect(shorter).toEqual(output.slice(0, -1));
});

it('dropout refuses p = 1', async () => {
  const engine = await testEngine();
  const inputs = { x: engine.zeros([3]), state: engine.zeros([2], 'u32') };
  expect(() => dropout(inputs, { p: 1, site: 0 })).toThrow('dropout: p must be at least 0 and below 1, got 1');
});
