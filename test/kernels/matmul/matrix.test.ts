import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { gpuTraits, MATRICES_OF_16, mockEngine, type Shader, shadersOf } from '../../../bench/mockAdapter.ts';
import { compileFor } from '../../../bench/static/radv.ts';
import type { SubgroupMatrix } from '../../../src/gpu/adapter.ts';
import { matmul } from '../../../src/kernels/matmul/matmul.ts';
import { matrixShader } from '../../../src/kernels/matmul/matrix.ts';
import type { MatmulForm, MatmulPoint } from '../../../src/kernels/matmul/tiles.ts';
import type { Capabilities } from '../../../src/tensor/capabilities.ts';
import { defineKernel } from '../../../src/tensor/kernel.ts';
import { testEngine } from '../../helpers/engine.ts';
import { normalNumbers } from '../../helpers/numbers.ts';

const engine = await testEngine();
const { features, subgroupMatrices } = engine.capabilities;
const halves = features.includes('shader-f16');
afterEach(() => {
  engine.precision = 'float32';
  engine.tuning.clear();
});

const POINTS = [32, 64].map((side): MatmulPoint => ({ LANES: 0, IMAGE: 0, MATRIX: 1, TM: side, TN: side }));

/** Shapes just at and past a matrix and a tile, and what is stored as its transpose. */
const WORK = [
  [1, 1, 1],
  [16, 16, 16],
  [33, 37, 65],
  [64, 32, 64],
  [70, 40, 130],
].flatMap(([M, K, N]) => [
  { M, K, N, transposeA: false, transposeB: false },
  { M, K, N, transposeA: false, transposeB: true },
  { M, K, N, transposeA: true, transposeB: false },
]);

function product({ M, K, N, ...attributes }: (typeof WORK)[number]): Promise<Float32Array> {
  const [aShape, bShape] = [attributes.transposeA ? [K, M] : [M, K], attributes.transposeB ? [N, K] : [K, N]];
  const [a, b] = [engine.tensor(normalNumbers(aShape, 1), aShape), engine.tensor(normalNumbers(bShape, 2), bShape)];
  return matmul({ a, b }, attributes).floats();
}

const serves = (component: string) => subgroupMatrices.some((m) => m.component === component && m.result === 'f32');
for (const [precision, component] of [
  ['mixed', 'f16'],
  ['float32', 'f32'],
] as const) {
  const title = serves(component)
    ? `subgroup matrices of ${component} give what the plain tile gives, on this adapter`
    : `NOT RUN: this adapter has no subgroup matrices of ${component}, to compare with the plain tile`;
  it.skipIf(!serves(component))(title, async () => {
    engine.precision = precision;
    for (const work of WORK) {
      engine.tuning.set('matmul', { LANES: 0, IMAGE: 0, MATRIX: 0, TM: 32, TN: 32 });
      const plain = await product(work);
      for (const point of POINTS) {
        engine.tuning.set('matmul', point);
        const actual = await product(work);
        // both have the same operands and add up in f32, in another order
        const tolerance = 2 ** -20 * (work.K + 16);
        for (const [i, value] of actual.entries()) expect(Math.abs(value - plain[i])).toBeLessThanOrEqual(tolerance);
      }
    }
  });
}

/**
 * WGSL without subgroup matrices that does the same: a "subgroup" is one invocation, which holds whole matrices in arrays. It shows
 * that tiles, layouts, offsets and edges are right; what the hardware makes of its instructions it does not show.
 */
function emulated(wgsl: string, { M, N, K }: SubgroupMatrix): string {
  const types: Record<string, number> = { left: M * K, right: K * N, result: M * N };
  // counts that the compiler does not know: unrolled, these loops take it a minute
  const opaque = (count: number): string => `min(${count}u, ${count}u * params.M)`;
  const loader = (name: string, kind: string, rows: number, cols: number): string => /* wgsl */ `
fn ${name}_load(offset: u32, columnMajor: bool, stride: u32) -> array<f32, ${types[kind]}> {
  var values: array<f32, ${types[kind]}>;
  for (var i = 0u; i < ${opaque(rows * cols)}; i++) {
    let r = i / ${cols}u; let c = i % ${cols}u;
    values[i] = f32(${name}Tile[offset + select(r * stride + c, c * stride + r, columnMajor)]);
  }
  return values;
}`;
  const helpers = /* wgsl */ `${loader('a', 'left', M, K)}${loader('b', 'right', K, N)}
fn multiplyAdd(a: array<f32, ${M * K}>, b: array<f32, ${K * N}>, c: array<f32, ${M * N}>) -> array<f32, ${M * N}> {
  var x = a; var y = b; var sum = c;
  for (var i = 0u; i < ${opaque(M * N)}; i++) {
    for (var k = 0u; k < ${opaque(K)}; k++) { sum[i] += x[i / ${N}u * ${K}u + k] * y[k * ${N}u + i % ${N}u]; }
  }
  return sum;
}
fn keep(offset: u32, values: array<f32, ${M * N}>, columnMajor: bool, stride: u32) {
  var all = values;
  for (var i = 0u; i < ${opaque(M * N)}; i++) { sums[offset + i / ${N}u * stride + i % ${N}u] = all[i]; }
}
`;
  return wgsl
    .replace(/subgroup_matrix_result<f32, \d+, \d+>/g, `array<f32, ${types.result}>`)
    .replace(/subgroupMatrixLoad<subgroup_matrix_\w+<Operand, \d+, \d+>>\(&([ab])Tile, /g, '$1_load(')
    .replaceAll('subgroupMatrixMultiplyAccumulate(', 'multiplyAdd(')
    .replaceAll('subgroupMatrixStore(&sums, ', 'keep(')
    .replace('@diagnostic(off, chromium.subgroup_matrix_uniformity)\n', `${helpers}`)
    .replace(', @builtin(subgroup_id) quarter: u32) {', ') {\n  let quarter = lane;');
}

const STORE = /* wgsl */ `
fn store(matrix: u32, m: u32, n: u32, sum: f32) { c[(matrix * params.M + m) * params.N + n] = sum; }
`;

/** The matrix form on an adapter without such matrices. */
const emulation = (matrix: SubgroupMatrix, point: MatmulPoint, form: MatmulForm) => {
  const adapter = (from: Capabilities): Capabilities => ({
    ...{ ...from, subgroupMatrices: [matrix], subgroupMost: 1, workgroupStorageBytes: 65536 },
  });
  const names = ['M', 'N', 'K', 'batch', 'aBatch', 'bBatch', 'aRow', 'aCol', 'bRow', 'bCol'] as const;
  return defineKernel({
    name: 'emulated_matrices',
    bind: { a: 'operand', b: 'operand', c: 'write' },
    params: Object.fromEntries(names.map((name) => [name, 'u32'])) as Record<(typeof names)[number], 'u32'>,
    grid: ({ M, N, batch }) => Math.ceil(M / point.TM) * Math.ceil(N / point.TN) * batch,
    wgsl: (_, { adapter: real }) => emulated(matrixShader(point, adapter(real), STORE, form), matrix),
  });
};

// compiling takes seconds each: f16 where the adapter has it, f32 elsewhere
const [matrix, precision] = halves
  ? ([MATRICES_OF_16, 'mixed'] as const)
  : ([{ ...MATRICES_OF_16, component: 'f32', K: 32 }, 'float32'] as const);
describe(`the form for matrices of ${matrix.component}, emulated in plain WGSL`, () => {
  it.each([
    ['NN', false, false],
    ['NT', false, true],
    ['TN', true, false],
  ] as const)('%s', async (_, transposeA, transposeB) => {
    engine.precision = precision;
    const [batch, M, K, N] = [2, 37, 45, 67];
    const [a, b] = [
      engine.tensor(normalNumbers([batch * M * K], 1), [batch * M * K]),
      engine.tensor(normalNumbers([batch * K * N], 2), [batch * K * N]),
    ];
    const strides = {
      ...(transposeA ? { aRow: 1, aCol: M } : { aRow: K, aCol: 1 }),
      ...(transposeB ? { bRow: 1, bCol: K } : { bRow: N, bCol: 1 }),
    };
    const c = engine.zeros([batch * M * N]);
    const along = { aAlong: Number(!transposeA), bAlong: Number(transposeB), bTurned: 0 };
    const form = { ...along, accumulate: 0, fours: 0, kFours: 0 };
    const kernel = emulation(matrix, POINTS[0], form);
    kernel({ a, b, c }, { M, N, K, batch, aBatch: M * K, bBatch: K * N, ...strides });
    const attributes = { transposeA, transposeB };
    const shapes = [transposeA ? [batch, K, M] : [batch, M, K], transposeB ? [batch, N, K] : [batch, K, N]];
    const [x, y] = [a.reshape(shapes[0]), b.reshape(shapes[1])];
    const plain = await matmul({ a: x, b: y }, attributes).floats();
    const actual = await c.floats();
    for (const [i, value] of actual.entries()) {
      expect(Math.abs(value - plain[i]), `element ${i}`).toBeLessThanOrEqual(2 ** -20 * (K + 16));
    }
  });
});

/** Every shader of matmul's matrix form for a GPU with matrices of 16 x 16. */
async function shadersForRdna3(): Promise<Shader[]> {
  const paper = await mockEngine(gpuTraits(32, 64, MATRICES_OF_16));
  paper.precision = 'mixed';
  const shaders = [16, 128].flatMap((size) => {
    const x = paper.zeros([size, size]);
    const run = (attributes: object, residual?: typeof x) =>
      shadersOf(paper, () => void matmul({ a: x, b: x, residual }, attributes));
    return [...run({}), ...run({ transposeA: true }), ...run({ transposeB: true }, x), ...run({ gelu: true })];
  });
  const unique = new Map(shaders.map((shader) => [shader.wgsl, shader]));
  return [...unique.values()].filter(({ wgsl }) => wgsl.includes('subgroup_matrix'));
}

const driver = ['/usr/share', '/usr/local/share', '/etc'].some((folder) =>
  ['radeon_icd.json', 'radeon_icd.x86_64.json'].some((file) => existsSync(`${folder}/vulkan/icd.d/${file}`)),
);
const compiles = driver && existsSync('/usr/bin/gcc');
const why = compiles ? '' : "NOT RUN, for want of Mesa's AMD driver or gcc: ";
it.skipIf(!compiles)(`${why}Dawn validates the form, and Mesa compiles it for RDNA 3, without spills`, async () => {
  const shaders = await shadersForRdna3();
  expect(shaders.length).toBe(8);
  for (const { spills, subgroupsPerSimd } of await compileFor('navi31', shaders)) {
    expect(spills).toBe(0);
    expect(subgroupsPerSimd).toBeGreaterThanOrEqual(8);
  }
});
