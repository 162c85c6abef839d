import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gpuTraits, mockEngine, shadersOf } from '../../bench/mockAdapter.ts';
import { parseShader, type ShaderStatistics, splitByShader } from '../../bench/static/parse.ts';
import { canCompile } from '../../bench/static/radv.ts';
import { better, type Judged } from '../../bench/static/table.ts';
import { benchStatic, FAMILIES, judge, type StaticFigures, shadersFor } from '../../bench/static.ts';
import { matmul } from '../../src/kernels/matmul/matmul.ts';

const output = readFileSync(new URL('radv.txt', import.meta.url), 'utf8');

describe("what the driver's output says", () => {
  const parts = splitByShader(output);

  it('of a shader', () => {
    expect([...parts.keys()]).toEqual(['0', '1']);
    expect(parseShader(parts.get('0')!)).toEqual({
      ...{ vgprs: 12, sgprs: 128, spills: 0, ldsBytes: 512, subgroupsPerSimd: 32, instructions: 109, codeBytes: 548 },
      loop: { instructions: 27, fmas: 4, share: 4 / 27 },
    });
  });

  it('of one that did not compile', () => {
    expect(parseShader(parts.get('1')!)).toBeUndefined();
  });

  it('of loops: the densest counts, jumps ahead are none, two multiply-adds issued at once are two', () => {
    const code = (...lines: string[]) => `${lines.join('\n')}\nVGPRs: 8\n`;
    const sparse = ['BB1:', '\tv_fmac_f32_e32 v1, v2, v3', '\tv_add_f32 v1, v2, v3', '\ts_cbranch_scc0 BB1 ; bf'];
    const dual = ['BB2:', '\tv_dual_fmac_f32 v1, v2, v3 :: v_dual_fmac_f32 v4, v5, v6', '\ts_branch BB2'];
    expect(parseShader(code('\ts_branch BB2', ...sparse, ...dual))!.loop).toEqual({
      instructions: 2,
      fmas: 2,
      share: 1,
    });
    expect(parseShader(code('\ts_branch BB9', '\tv_fmac_f32 v1, v2, v3', 'BB9:'))!.loop.fmas).toBe(0);
  });
});

describe('a mock adapter', () => {
  it('gets the shaders of a GPU, and does nothing', async () => {
    const engine = await mockEngine(gpuTraits(32, 64));
    const a = engine.tensor(new Float32Array(128 * 128), [128, 128]);
    const [shader] = shadersOf(engine, () => void matmul({ a, b: a }));
    expect(shader.name).toBe('matmul');
    expect(shader.wgsl).toContain('var<workgroup> aTile');
    expect(shader.entries.map(({ buffer }) => buffer?.type)).toEqual([
      'read-only-storage',
      'read-only-storage',
      'storage',
      'uniform',
    ]);
    expect(await matmul({ a, b: a }).floats()).toEqual(new Float32Array(128 * 128));
  });

  it('runs a step of training and of decoding: every kernel at every point of a GPU', async () => {
    const candidates = await shadersFor('tiny');
    const kernels = new Set(candidates.map(({ shader }) => shader.name));
    for (const name of [
      'matmul',
      'attention_flash',
      'attention_flash_dkv',
      'cached_attention_decode',
      'sample_radix_seen',
      'adamw',
    ]) {
      expect(kernels).toContain(name);
    }
    expect(candidates.some(({ shader }) => /texture_storage_2d<rgba32float/.test(shader.wgsl))).toBe(false);
    for (const kernel of kernels)
      expect(candidates.some(({ shader, preferred }) => shader.name === kernel && preferred)).toBe(true);
  });
});

describe('the verdict', () => {
  const figures = (changes: Partial<StaticFigures>): StaticFigures => ({
    ...{ kernel: 'matmul', family: 'navi21', point: {}, precision: 'float32', preferred: true },
    ...{ vgprs: 100, sgprs: 1, spills: 0, ldsBytes: 0 },
    ...{ subgroupsPerSimd: 8, instructions: 1, codeBytes: 1, loop: { instructions: 10, fmas: 8, share: 0.8 } },
    ...changes,
  });

  it('names what spills at any point, and the densest tile in f32 that leaves room', () => {
    const dense = figures({ loop: { instructions: 10, fmas: 9, share: 0.9 } });
    const crowded = figures({ subgroupsPerSimd: 4, loop: { instructions: 1, fmas: 1, share: 1 } });
    const spilled = figures({ kernel: 'attention', spills: 2 });
    const other = figures({ kernel: 'other', spills: 1, preferred: false });
    const half = figures({ precision: 'mixed', loop: { instructions: 1, fmas: 1, share: 1 } });
    const elsewhere = figures({ family: 'navi31', kernel: 'softmax' });
    expect(judge([figures({}), dense, crowded, half, spilled, spilled, other, elsewhere])).toEqual([
      { family: 'navi21', spilling: ['attention', 'other'], matmul: dense },
      { family: 'navi31', spilling: [], matmul: undefined },
    ]);
  });
});

describe('the table of GPUs that nobody measured', () => {
  const judged = (
    X: number,
    share: number,
    changes: Partial<ShaderStatistics> & { workgroups?: number } = {},
  ): Judged => {
    const { workgroups = 500, ...statistics } = changes;
    const loop = { instructions: 100, fmas: 100 * share, share };
    const common = {
      vgprs: 64,
      sgprs: 16,
      spills: 0,
      ldsBytes: 0,
      subgroupsPerSimd: 16,
      instructions: 200,
      codeBytes: 800,
    };
    return { point: { X }, workgroups, statistics: { ...common, loop, ...statistics } };
  };

  it('leaves a preferred point that is sound and nearly as dense as any', () => {
    expect(better([judged(1, 0.8)])).toBeUndefined();
    expect(better([judged(1, 0.8), judged(2, 0.84), judged(3, 0.5)])).toBeUndefined();
    expect(better([judged(1, 0), judged(2, 0.5)])).toBeUndefined(); // no loop, no comparison
  });

  it('takes what is clearly denser, does not spill, leaves room and fills the GPU', () => {
    expect(better([judged(1, 0.6), judged(2, 0.8), judged(3, 0.9)])).toEqual({ X: 3 });
    expect(better([judged(1, 0.6), judged(2, 0.8), judged(3, 0.9, { spills: 1 })])).toEqual({ X: 2 });
    expect(better([judged(1, 0.6), judged(2, 0.8), judged(3, 0.9, { subgroupsPerSimd: 7 })])).toEqual({ X: 2 });
    expect(better([judged(1, 0.6), judged(2, 0.8, { workgroups: 79 })])).toBeUndefined();
    expect(better([judged(1, 0.6, { workgroups: 20 }), judged(2, 0.8, { workgroups: 20 })])).toEqual({ X: 2 });
  });

  it('replaces what spills or leaves no room, by whatever does neither', () => {
    expect(better([judged(1, 0.9, { spills: 9 }), judged(2, 0.4)])).toEqual({ X: 2 });
    expect(better([judged(1, 0.9, { subgroupsPerSimd: 4 }), judged(2, 0.4), judged(3, 0.5)])).toEqual({ X: 3 });
    expect(better([judged(1, 0.9, { spills: 9 }), judged(2, 0.4, { spills: 1 })])).toBeUndefined();
  });
});

/** Mesa's packages bring the driver (linux); elsewhere there is nothing that could compile. */
describe.skipIf(!canCompile())('on two generations of RDNA', () => {
  it('no kernel spills, and the best matmul tile is dense and leaves room', async () => {
    const figures = await benchStatic('nano', FAMILIES);
    const kernels = new Set(figures.map(({ kernel }) => kernel));
    for (const name of ['matmul', 'attention_flash_dkv', 'orthogonalize_scale']) expect(kernels).toContain(name);
    const widths = figures.filter(({ kernel, preferred }) => kernel === 'attention_flash_dkv' && preferred);
    expect(widths.length).toBeGreaterThanOrEqual(2 * FAMILIES.length); // heads of 32 and of 64
    const verdicts = judge(figures);
    expect(verdicts.map(({ family, spilling }) => ({ family, spilling }))).toEqual(
      FAMILIES.map((family) => ({ family, spilling: [] })),
    );
    for (const { matmul } of verdicts) expect(matmul?.loop.share).toBeGreaterThanOrEqual(0.85);
  });
});
