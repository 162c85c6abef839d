import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { rungsOf } from '../../bench/ladder.ts';
import { mockEngine } from '../../bench/mockAdapter.ts';
import { MOCK_ADAPTERS, opNamed, type WgslChoice, wgslOf } from '../../bench/wgsl.ts';
import { findOps } from '../../src/check/ops.ts';
import { UsageError } from '../../src/errors.ts';
import { dawnlm, succeed } from '../helpers/dawnlm.ts';

const ops = [...(await findOps()).values()];
const shadersOf = async (name: string, choice: WgslChoice = {}, adapter = 'rdna') =>
  wgslOf(await mockEngine(MOCK_ADAPTERS[adapter]), await opNamed(name), choice);
const wgsl = async (...args: Parameters<typeof shadersOf>) => (await shadersOf(...args)).map((one) => one.wgsl).join();

describe.each(ops)('the WGSL of $definition.name', (op) => {
  const { name, run, cases, backward } = op.definition;

  it.each(Object.keys(run))('%s: at every case, with its gradients where it has some', async (variant) => {
    const engine = await mockEngine(MOCK_ADAPTERS.rdna);
    const { missing } = rungsOf({ op }, engine).find((rung) => rung.name === variant)!;
    if (missing)
      return expect(() => wgslOf(engine, op, { variant })).toThrow(`${variant}: ${missing}; this adapter has`);
    for (const number of cases.keys()) {
      for (const gradients of backward ? [false, true] : [false]) {
        const shaders = wgslOf(engine, op, { variant, case: number, backward: gradients });
        expect(shaders.length, name).toBeGreaterThan(0);
        for (const { name, wgsl } of shaders) expect(wgsl, name).toMatch(/@compute[\s\S]*fn main\(/);
      }
    }
  });
});

it('follows variant, point, precision and adapter', async () => {
  const best = await wgsl('matmul', { case: 3 });
  expect(await wgsl('matmul', { case: 3, variant: 'naive' })).not.toBe(best);
  const [small, large] = [await wgsl('matmul', { point: 'TM=32' }), await wgsl('matmul', { point: 'TM=64,TN=64' })];
  expect(small).not.toBe(large);
  expect(await wgsl('matmul', { precision: 'mixed' })).toMatch(/enable f16;/);
  expect(best).not.toMatch(/enable f16;/);
  const matrices = { point: 'MATRIX=1', precision: 'mixed' } as const;
  expect(await wgsl('matmul', matrices, 'subgroup-matrices')).toContain('subgroup_matrix');
  expect(await wgsl('softmax', { point: 'LANES=0' }, 'nvidia')).toContain('subgroupMax');
  expect(await wgsl('softmax', { point: 'LANES=64' }, 'nvidia')).toContain('var<workgroup>');
});

it.each<[string, WgslChoice, RegExp]>([
  ['softmax', { case: 99 }, /^softmax has no case 99; it has\n0: x \(1, 1\)\n1: /],
  ['softmax', { variant: 'fast' }, /^softmax has no variant "fast"; it has naive, /],
  [
    'softmax',
    { point: 'LANES=5' },
    /^no kernel has the point "LANES=5" on .*; there are\nsoftmax_rows\w*: LANES=64, LANES=256$/,
  ],
  ['softmax', { point: 'many' }, /^a point is written as LANES=0,TM=32; got "many"$/],
  ['argmax', { backward: true }, /^argmax has no gradient: leave out --backward$/],
  ['softmix', {}, /^there is no op "softmix"; the ops are .*softmax/],
])('%s %j: says what there is', async (name, choice, sentence) => {
  const shaders = shadersOf(name, choice);
  await expect(shaders).rejects.toThrow(UsageError);
  await expect(shaders).rejects.toThrow(sentence);
});

it('the verb prints shaders, or what there is', async () => {
  const cwd = tmpdir();
  const shown = await succeed(['bench', 'wgsl', 'gelu', '--case', '1', '--adapter', 'nvidia', '--backward'], { cwd });
  expect(shown.stdout).toMatch(/^\/\/ gelu\w*\n[\s\S]*@compute[\s\S]*\n\/\/ gelu_gradient\w*\n/);
  const own = await succeed(['bench', 'wgsl', 'softmax', '--variant', 'naive'], { cwd });
  expect(own.stdout).toMatch(/^\/\/ softmax_naive\n/);
  const { stdout } = await succeed(['bench', 'wgsl'], { cwd });
  for (const { definition } of ops)
    expect(stdout).toContain(`${definition.name}: variants ${Object.keys(definition.run).join(', ')}`);
  const { code, stderr } = await dawnlm(['bench', 'wgsl', 'softmax', '--adapter', 'abacus'], { cwd });
  expect(code).toBe(2);
  expect(stderr).toMatch(/No adapter is called "abacus"[\s\S]*rdna, nvidia, subgroup-matrices/);
});
