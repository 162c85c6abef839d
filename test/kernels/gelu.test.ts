import { expect, it } from 'vitest';
import { gelu } from '../../src/kernels/gelu.ts';
import { describeAnchors, goldenCases, runOp } from '../helpers/golden.ts';

describeAnchors(gelu, goldenCases('gelu'));

it.each(['naive', 'vectors'])('gelu %s of large numbers is 0 or the number, with slopes 0 or 1', async (variant) => {
  const x = { shape: [4], data: Float32Array.of(-1e4, -30, 30, 1e4) };
  const dy = { shape: [4], data: new Float32Array(4).fill(1) };
  const { output, gradients } = await runOp(gelu, { x }, { dy, variant });
  expect([...output].map(Math.abs)).toEqual([expect.closeTo(0, 6), expect.closeTo(0, 6), 30, 1e4]);
  expect([...gradients.x].map((slope) => Math.abs(Math.round(slope * 1e6) / 1e6))).toEqual([0, 0, 1, 1]);
});
