import { expect, it } from 'vitest';
import { benchKernels, type KernelMeasurement } from '../../bench/kernels.ts';
import { findOps } from '../../src/check/ops.ts';
import { operationsOf, trafficBytes, trainingBytes, workloadsOf } from '../../src/check/workloads.ts';
import { testEngine } from '../helpers/engine.ts';

it('every measured forward pass has its place under the roof', async () => {
  const engine = await testEngine();
  const measured: KernelMeasurement[] = [];
  for await (const one of benchKernels(engine, { op: 'scale', presets: ['nano'], quick: true })) {
    if (one.kind === 'kernel') measured.push(one as KernelMeasurement);
  }
  expect(measured.length).toBeGreaterThan(0);
  // one operation for four bytes read and four written
  for (const { details } of measured) expect(details.intensity).toBeCloseTo(1 / 8, 2);
});

it('ops are known by what they calculate, or by how much, and Muon has its matrices', async () => {
  const ops = await findOps();
  const uncounted = [...ops.values()].filter((op) =>
    workloadsOf(op, ['nano']).some((one) => !one.flops && operationsOf(one) === undefined && one.from !== 'case'),
  );
  expect(uncounted.map(({ definition }) => definition.name)).toEqual(['selectRows']); // it only moves
  const [attended, ...others] = workloadsOf(ops.get('orthogonalize')!, ['nano']);
  expect(attended.case).toEqual([{ x: [4, 128, 384] }]);
  expect(others.map(({ case: [inputs] }) => inputs.x)).toEqual([
    [4, 128, 128],
    [4, 128, 512],
    [4, 512, 128],
  ]);
  const [gelu] = workloadsOf(ops.get('gelu')!, ['nano']);
  expect(trafficBytes(gelu)).toBe(2 * 4 * 12 * 64 * 512); // x, y
  expect(trainingBytes(gelu)).toBe(5 * 4 * 12 * 64 * 512); // then x, dy, dx
});
