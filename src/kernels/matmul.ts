import { UserError } from '../errors.ts';
import { fitsImage, type Matrix } from '../tensor/image.ts';
import { type Binding, type Capabilities, defineKernel, type Kernel } from '../tensor/kernel.ts';
import { type BackwardCall, type Call, defineOp, type Numbers } from '../tensor/op.ts';
import { format, type Shape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { geluGradient } from './gelu.ts';
import { GELU_WGSL, geluValue } from './geluFormula.ts';
import { sumDown } from './reduce.ts';

/*
 * c[m,n] = sum_k a[m,k] b[k,n], the kernel where a transformer spends nine tenths of its time.
 *
 * Operands are addressed by strides, so that one shader serves the three forms that training needs: NN (forward), NT
 * (gradient of the left operand) and TN (gradient of the right one). What follows a matmul in a transformer (bias, GELU,
 * residual) is an epilogue: it works on the sums while they are still in registers.
 *
 * Three forms of the kernel, all correct everywhere that they are valid:
 *   naive    one invocation an element; every operand is loaded from memory for one multiply-add.
 *   tile     a workgroup computes a TILE x TILE square through workgroup memory, each invocation 4 x 4 to 8 x 8 of it: what GPUs want.
 *   image    the lanes form fed from textures, from which software adapters load four numbers in the time that one takes from a
 *            buffer: twice as fast as from buffers on lavapipe, the copies into textures included.
 *   lanes    one subgroup computes a TM x TN tile in registers: lanes run along columns, rows are broadcast by shuffles, so that
 *            memory is touched once for TM multiply-adds: what software adapters want, whose loads cost as much as 8 of those.
 */

const PARAMS = {
  M: 'u32',
  N: 'u32',
  K: 'u32',
  /** Matrices in the batch, and the elements from one matrix to the next (0: all share one). */
  batch: 'u32',
  aBatch: 'u32',
  bBatch: 'u32',
  /** Elements from a[m,k] to a[m+1,k] and to a[m,k+1]; likewise for b[k,n]. */
  aRow: 'u32',
  aCol: 'u32',
  bRow: 'u32',
  bCol: 'u32',
  accumulate: 'u32',
} as const;
type Params = Record<keyof typeof PARAMS, number>;

interface Epilogue {
  bias?: boolean;
  gelu?: boolean;
  residual?: boolean;
}

/** Bindings and the WGSL function `store(batch, m, n, sum)` of an epilogue. */
function epilogueParts({ bias, gelu, residual }: Epilogue): { bind: Record<string, Binding>; store: string } {
  const bind: Record<string, Binding> = { a: 'operand', b: 'operand' };
  if (bias) bind.bias = 'read';
  if (residual) bind.residual = 'read';
  if (gelu) bind.before = 'write';
  bind.c = 'write';
  const lines = [
    bias && 'value += bias[n];',
    gelu && 'before[i] = value; value = gelu(value);',
    residual && 'value += residual[i];',
    'c[i] = select(value, c[i] + value, params.accumulate == 1u);',
  ];
  return {
    bind,
    store: /* wgsl */ `${gelu ? GELU_WGSL : ''}
fn store(matrix: u32, m: u32, n: u32, sum: f32) {
  let i = (matrix * params.M + m) * params.N + n;
  var value = sum;
  ${lines.filter(Boolean).join('\n  ')}
}`,
  };
}

const suffix = (epilogue: Epilogue): string =>
  Object.keys(epilogue)
    .map((part) => `_${part}`)
    .join('');

const HEAD = /* wgsl */ `(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32)`;

const defineNaive = (epilogue: Epilogue) => {
  const { bind, store } = epilogueParts(epilogue);
  return defineKernel({
    name: `matmul_naive${suffix(epilogue)}`,
    bind,
    params: PARAMS,
    grid: ({ M, N, batch }) => Math.ceil((M * N * batch) / 64),
    wgsl: () => /* wgsl */ `${store}
@compute @workgroup_size(64)
fn main${HEAD} {
  let i = groupIndex(group, groups) * 64u + lane;
  if (i >= params.M * params.N * params.batch) { return; }
  let n = i % params.N;
  let m = i / params.N % params.M;
  let matrix = i / params.N / params.M;
  let aStart = matrix * params.aBatch + m * params.aRow;
  let bStart = matrix * params.bBatch + n * params.bCol;
  var sum = 0.0;
  for (var k = 0u; k < params.K; k++) { sum += a[aStart + k * params.aCol] * b[bStart + k * params.bRow]; }
  store(matrix, m, n, sum);
}`,
  });
};

/** `count`, written so that the compiler does not know it: unrolled loops of loads or stores take LLVM many seconds. */
const opaque = (count: number): string => `min(${count}u, ${count}u * params.M)`;

type MatmulPoint = { LANES: number; IMAGE: number; TM: number; TN: number };

/** Depth of the slices that the tile form stages in workgroup memory. */
const TILE_DEPTH = 16;

/** The tile form: (TM/8)... invocations, each with an 8 x 8 (or 4 x 4) square of sums. */
function tileForm({ TM, TN }: MatmulPoint, store: string): string {
  const each = TM >= 64 ? 8 : 4;
  const across = TN / each;
  const invocations = across * (TM / each);
  const numbers = Array.from({ length: each }, (_, i) => i);
  return /* wgsl */ `${store}
const DEPTH = ${TILE_DEPTH}u;
var<workgroup> aTile: array<f32, ${TILE_DEPTH * (TM + 1)}>;
var<workgroup> bTile: array<f32, ${TILE_DEPTH * (TN + 1)}>;
@compute @workgroup_size(${invocations})
fn main${HEAD} {
  let tilesN = (params.N + ${TN - 1}u) / ${TN}u;
  let tilesM = (params.M + ${TM - 1}u) / ${TM}u;
  let index = groupIndex(group, groups);
  let matrix = index / (tilesM * tilesN);
  if (matrix >= params.batch) { return; }
  let m0 = index / tilesN % tilesM * ${TM}u;
  let n0 = index % tilesN * ${TN}u;
  let aStart = matrix * params.aBatch;
  let bStart = matrix * params.bBatch;
  let row = lane / ${across}u;
  let col = lane % ${across}u;
  ${numbers.map((m) => numbers.map((n) => `var c${m}_${n} = 0.0;`).join(' ')).join('\n  ')}
  for (var k0 = 0u; k0 < params.K; k0 += DEPTH) {
    for (var i = lane; i < ${opaque(TM * TILE_DEPTH)}; i += ${invocations}u) {
      // neighbours load neighbours: along k where rows are dense, along m where columns are
      let byRow = params.aCol == 1u;
      let m = select(i % ${TM}u, i / DEPTH, byRow);
      let k = select(i / ${TM}u, i % DEPTH, byRow);
      let inside = m0 + m < params.M && k0 + k < params.K;
      let at = select(0u, aStart + (m0 + m) * params.aRow + (k0 + k) * params.aCol, inside);
      aTile[k * ${TM + 1}u + m] = select(0.0, a[at], inside);
    }
    for (var i = lane; i < ${opaque(TN * TILE_DEPTH)}; i += ${invocations}u) {
      let byRow = params.bRow == 1u;
      let n = select(i % ${TN}u, i / DEPTH, byRow);
      let k = select(i / ${TN}u, i % DEPTH, byRow);
      let inside = n0 + n < params.N && k0 + k < params.K;
      let at = select(0u, bStart + (k0 + k) * params.bRow + (n0 + n) * params.bCol, inside);
      bTile[k * ${TN + 1}u + n] = select(0.0, b[at], inside);
    }
    workgroupBarrier();
    for (var k = 0u; k < ${opaque(TILE_DEPTH)}; k++) {
      ${numbers.map((m) => `let a${m} = aTile[k * ${TM + 1}u + row + ${m * (TM / each)}u];`).join(' ')}
      ${numbers.map((n) => `let b${n} = bTile[k * ${TN + 1}u + col + ${n * across}u];`).join(' ')}
      ${numbers.map((m) => numbers.map((n) => `c${m}_${n} = fma(a${m}, b${n}, c${m}_${n});`).join(' ')).join('\n      ')}
    }
    workgroupBarrier();
  }
  // through an array, so that the epilogue is compiled once and not for each sum
  var sums = array<f32, ${each * each}>(${numbers.flatMap((m) => numbers.map((n) => `c${m}_${n}`)).join(', ')});
  for (var i = 0u; i < ${opaque(each * each)}; i++) {
    let m = m0 + row + i / ${each}u * ${TM / each}u;
    let n = n0 + col + i % ${each}u * ${across}u;
    if (m < params.M && n < params.N) { store(matrix, m, n, sums[i]); }
  }
}`;
}

/** The lanes form: a workgroup is one subgroup of S lanes; lane l holds columns l, l + S, ... of TN, and TM rows of each. */
function lanesForm({ TM, TN }: MatmulPoint, S: number, store: string): string {
  const rows = Array.from({ length: TM }, (_, m) => m);
  const parts = Array.from({ length: TN / S }, (_, j) => j);
  const vectors = Array.from({ length: Math.ceil(TM / S) }, (_, i) => i);
  return /* wgsl */ `${store}
@compute @workgroup_size(${S})
fn main${HEAD} {
  let tilesN = (params.N + ${TN - 1}u) / ${TN}u;
  let tilesM = (params.M + ${TM - 1}u) / ${TM}u;
  let index = groupIndex(group, groups);
  let matrix = index / (tilesM * tilesN);
  if (matrix >= params.batch) { return; }
  let m0 = index / tilesN % tilesM * ${TM}u;
  let n0 = index % tilesN * ${TN}u;
  // rows and columns past the end read the last one; their sums are not stored
  ${vectors.map((i) => `let aAt${i} = matrix * params.aBatch + min(m0 + ${i * S}u + lane, params.M - 1u) * params.aRow;`).join('\n  ')}
  ${parts.map((j) => `let bAt${j} = matrix * params.bBatch + min(n0 + ${j * S}u + lane, params.N - 1u) * params.bCol;`).join('\n  ')}
  ${rows.map((m) => parts.map((j) => `var c${m}_${j} = 0.0;`).join(' ')).join('\n  ')}
  for (var k = 0u; k < params.K; k++) {
    ${vectors.map((i) => `let a${i} = a[aAt${i} + k * params.aCol];`).join(' ')}
    ${parts.map((j) => `let b${j} = b[bAt${j} + k * params.bRow];`).join(' ')}
    ${rows
      .map((m) => {
        const sums = parts.map((j) => `c${m}_${j} = fma(r${m}, b${j}, c${m}_${j});`).join(' ');
        return `let r${m} = subgroupShuffle(a${Math.floor(m / S)}, ${m % S}u); ${sums}`;
      })
      .join('\n    ')}
  }
  // through an array, so that the epilogue is compiled once and not for each sum
  var sums = array<f32, ${TM * parts.length}>(${rows.flatMap((m) => parts.map((j) => `c${m}_${j}`)).join(', ')});
  for (var i = 0u; i < ${opaque(TM * parts.length)}; i++) {
    let m = m0 + i / ${parts.length}u;
    let n = n0 + i % ${parts.length}u * ${S}u + lane;
    if (m < params.M && n < params.N) { store(matrix, m, n, sums[i]); }
  }
}`;
}

/** Which way each operand runs in memory: 1 where its k are neighbours, which is known when the image form is compiled. */
const A_ALONG = 1;
const B_ALONG = 2;
const formOf = ({ aCol, bRow }: Params): number => (aCol === 1 ? A_ALONG : 0) + (bRow === 1 ? B_ALONG : 0);

/** The matrices that lie in memory. */
function matricesOf({ M, N, K, aCol, bRow }: Params): { a: Matrix; b: Matrix } {
  return {
    a: aCol === 1 ? { rows: M, cols: K } : { rows: K, cols: M },
    b: bRow === 1 ? { rows: N, cols: K } : { rows: K, cols: N },
  };
}

/**
 * The image form: a step of the loop takes four k. Of an operand whose k are neighbours, a lane loads one texel: four k of its
 * row or column. Of one that runs across, it loads a texel for each k: four neighbouring rows or columns. The images fill up
 * their last texel with zeros; where both run across, k past the end is masked instead.
 */
function imageForm({ TM, TN }: MatmulPoint, S: number, store: string, form: number): string {
  const [aAlong, bAlong] = [(form & A_ALONG) > 0, (form & B_ALONG) > 0];
  const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  const rows = range(TM);
  const parts = range(TN / S);
  const component = (i: number): string => 'xyzw'[i];
  // a texel of each lane covers 4 S rows or columns when it runs across
  const [aTexels, bTexels] = [range(Math.ceil(TM / (aAlong ? S : 4 * S))), range(bAlong ? TN / S : TN / (4 * S))];
  const column = (j: number): string =>
    bAlong ? `n0 + ${j * S}u + lane` : `n0 + ${4 * S * (j >> 2)}u + 4u * lane + ${j & 3}u`;
  const loadAlong = (name: string, start: string, size: string, i: number): string =>
    `let ${name}${i} = textureLoad(${name}, vec2<u32>(k4, min(${start} + ${i * S}u + lane, params.${size} - 1u)));`;
  const loadAcross = (name: string, start: string, u: number, i: number): string =>
    `textureLoad(${name}, vec2<u32>(${start} / 4u + ${i * S}u + lane, 4u * k4 + ${u}u))`;
  const masked = (load: string, u: number): string =>
    bAlong ? load : `select(vec4<f32>(), ${load}, 4u * k4 + ${u}u < params.K)`;
  const rowValue = (m: number, u: number): string =>
    aAlong
      ? `subgroupShuffle(a${Math.floor(m / S)}.${component(u)}, ${m % S}u)`
      : `subgroupShuffle(a${u}_${Math.floor(m / (4 * S))}.${component(m % 4)}, ${Math.floor((m % (4 * S)) / 4)}u)`;
  const colValue = (j: number, u: number): string =>
    bAlong ? `b${j}.${component(u)}` : `b${u}_${j >> 2}.${component(j & 3)}`;
  const step = (u: number): string => /* wgsl */ `
    ${aAlong ? '' : aTexels.map((i) => `let a${u}_${i} = ${masked(loadAcross('a', 'm0', u, i), u)};`).join(' ')}
    ${bAlong ? '' : bTexels.map((i) => `let b${u}_${i} = ${loadAcross('b', 'n0', u, i)};`).join(' ')}
    ${rows
      .map((m) => {
        const sums = parts.map((j) => `c${m}_${j} = fma(r${m}_${u}, ${colValue(j, u)}, c${m}_${j});`).join(' ');
        return `let r${m}_${u} = ${rowValue(m, u)}; ${sums}`;
      })
      .join('\n    ')}`;
  return /* wgsl */ `${store}
@compute @workgroup_size(${S})
fn main${HEAD} {
  let tilesN = (params.N + ${TN - 1}u) / ${TN}u;
  let index = groupIndex(group, groups);
  let m0 = index / tilesN * ${TM}u;
  let n0 = index % tilesN * ${TN}u;
  if (m0 >= params.M) { return; }
  ${rows.map((m) => parts.map((j) => `var c${m}_${j} = 0.0;`).join(' ')).join('\n  ')}
  for (var k4 = 0u; k4 < (params.K + 3u) / 4u; k4++) {
    ${aAlong ? aTexels.map((i) => loadAlong('a', 'm0', 'M', i)).join(' ') : ''}
    ${bAlong ? bTexels.map((i) => loadAlong('b', 'n0', 'N', i)).join(' ') : ''}
    ${range(4).map(step).join('')}
  }
  // through an array, so that the epilogue is compiled once and not for each row
  var sums = array<f32, ${TM * parts.length}>(${rows.flatMap((m) => parts.map((j) => `c${m}_${j}`)).join(', ')});
  for (var i = 0u; i < ${opaque(TM)}; i++) {
    let m = m0 + i;
    ${parts.map((j) => `if (m < params.M && ${column(j)} < params.N) { store(0u, m, ${column(j)}, sums[i * ${parts.length}u + ${j}u]); }`).join('\n    ')}
  }
}`;
}

const valid = (
  { LANES, IMAGE, TM, TN }: MatmulPoint,
  { subgroupSize: S, workgroupInvocations }: Capabilities,
): boolean => {
  if (IMAGE) return LANES === 1 && S === 8 && TN === 32 && (TM === 16 || TM === 32);
  if (LANES) return (S === 4 || S === 8) && TN === 4 * S && TM <= 4 * S;
  const each = TM >= 64 ? 8 : 4;
  return TM === TN && TM >= 32 && (TM / each) * (TN / each) <= workgroupInvocations;
};

/** Images are single matrices, dense one way or the other. */
const fits = ({ IMAGE }: MatmulPoint, params: Params, { textureSide }: Capabilities): boolean => {
  if (!IMAGE) return true;
  const { M, N, K, batch, aRow, aCol, bRow, bCol } = params;
  const { a, b } = matricesOf(params);
  const dense =
    (aCol === 1 ? aRow === K : aRow === 1 && aCol === M) && (bRow === 1 ? bCol === K : bCol === 1 && bRow === N);
  return batch === 1 && dense && fitsImage(a, textureSide) && fitsImage(b, textureSide);
};

/** Small M (decoding) wants flat tiles; software adapters want lanes, from images; GPUs a 64 x 64 tile, or 32 x 32 for small work. */
function prefer(adapter: Capabilities, params: Params): MatmulPoint {
  const { M, N } = params;
  const { subgroupSize: S, software } = adapter;
  if (software && (S === 8 || S === 4)) {
    const image = { LANES: 1, IMAGE: 1, TM: M <= 16 ? 16 : 32, TN: 32 };
    if (S === 8 && M > 8 && fits(image, params, adapter)) return image;
    const TM = M === 1 ? 1 : Math.min(4 * S, M <= 8 ? 8 : M <= 16 ? 16 : 32);
    return { LANES: 1, IMAGE: 0, TM, TN: 4 * S };
  }
  const side = M >= 64 && N >= 64 ? 64 : 32;
  return { LANES: 0, IMAGE: 0, TM: side, TN: side };
}

const defineMatmul = (epilogue: Epilogue) => {
  const { bind, store } = epilogueParts(epilogue);
  return defineKernel<string, keyof Params, MatmulPoint>({
    name: `matmul${suffix(epilogue)}`,
    bind,
    params: PARAMS,
    tune: { LANES: [1, 0], IMAGE: [1, 0], TM: [1, 8, 16, 32, 64], TN: [16, 32, 64] },
    valid,
    fits,
    prefer,
    images: matricesOf,
    form: formOf,
    grid: ({ M, N, batch }, { TM, TN }) => Math.ceil(M / TM) * Math.ceil(N / TN) * batch,
    wgsl: (point, { subgroupSize }, form) => {
      if (point.IMAGE) return imageForm(point, subgroupSize, store, form);
      return point.LANES ? lanesForm(point, subgroupSize, store) : tileForm(point, store);
    },
  });
};

/** Every epilogue that a transformer asks for has its own kernels. */
const forms = (epilogue: Epilogue) => ({ naive: defineNaive(epilogue), best: defineMatmul(epilogue) });
const KERNELS: Record<string, { naive: Kernel; best: Kernel }> = Object.fromEntries(
  [
    {},
    { bias: true },
    { residual: true },
    { bias: true, gelu: true },
    { bias: true, residual: true },
    { gelu: true },
  ].map((epilogue: Epilogue) => [suffix(epilogue), forms(epilogue) as unknown as { naive: Kernel; best: Kernel }]),
);

/** Strides of an operand: elements to the next row, column and matrix. */
interface Strides {
  row: number;
  col: number;
  batch: number;
}
const flip = ({ row, col, batch }: Strides): Strides => ({ row: col, col: row, batch });

interface Product {
  a: Tensor;
  aStrides: Strides;
  b: Tensor;
  bStrides: Strides;
  c: Tensor;
  M: number;
  N: number;
  K: number;
  batch: number;
  accumulate?: 0 | 1;
  /** The epilogue's tensors. */
  bias?: Tensor;
  before?: Tensor;
  residual?: Tensor;
}

function multiply(variant: string, product: Product): void {
  const { a, b, c, aStrides, bStrides, M, N, K, batch, accumulate = 0, bias, before, residual } = product;
  const epilogue = { ...(bias && { bias: true }), ...(before && { gelu: true }), ...(residual && { residual: true }) };
  const kernel = KERNELS[suffix(epilogue)][variant === 'naive' ? 'naive' : 'best'];
  const extras = { ...(bias && { bias }), ...(before && { before }), ...(residual && { residual }) };
  kernel(
    { a, b, c, ...extras },
    {
      ...{ M, N, K, batch, accumulate },
      ...{ aBatch: aStrides.batch, bBatch: bStrides.batch },
      ...{ aRow: aStrides.row, aCol: aStrides.col, bRow: bStrides.row, bCol: bStrides.col },
    },
  );
}

export interface MatmulAttributes {
  /** a is given as (..., K, M), b as (..., N, K). */
  transposeA?: boolean;
  transposeB?: boolean;
  /** Applies GELU after the bias. */
  gelu?: boolean;
}

interface Extents {
  M: number;
  N: number;
  K: number;
  batch: number;
  a: Strides;
  b: Strides;
}

/** Works out M, N, K, batch and strides. A two-axis b is shared: the leading axes of a are then rows. */
function extents(aShape: Shape, bShape: Shape, { transposeA, transposeB }: MatmulAttributes): Extents {
  const [aRows, aCols] = aShape.slice(-2);
  const [bRows, bCols] = bShape.slice(-2);
  const shared = bShape.length === 2 && !transposeA;
  const batch = shared ? 1 : sizeOf(aShape.slice(0, -2));
  const a = { row: aCols, col: 1, batch: aRows * aCols };
  const b = { row: bCols, col: 1, batch: bShape.length === 2 ? 0 : bRows * bCols };
  return {
    M: shared ? sizeOf(aShape.slice(0, -1)) : transposeA ? aCols : aRows,
    N: transposeB ? bRows : bCols,
    K: transposeA ? aRows : aCols,
    batch,
    a: transposeA ? flip(a) : a,
    b: transposeB ? flip(b) : b,
  };
}

function outputShape([a, b, bias, residual]: readonly (Shape | undefined)[], attributes: MatmulAttributes): Shape {
  const { transposeA, transposeB } = attributes;
  if (a!.length < 2 || b!.length < 2) {
    throw new UserError(`matmul: a and b need at least 2 axes, got a ${format(a!)}, b ${format(b!)}`);
  }
  const [K, inner] = [a!.at(transposeA ? -2 : -1), b!.at(transposeB ? -1 : -2)];
  if (K !== inner) throw new UserError(`matmul: inner axes differ, a ${format(a!)}, b ${format(b!)}`);
  const leading = a!.slice(0, -2);
  const sameBatch = format(leading) === format(b!.slice(0, -2));
  if (!sameBatch && b!.length > 2) throw new UserError(`matmul: batch axes differ, a ${format(a!)}, b ${format(b!)}`);
  const N = b!.at(transposeB ? -2 : -1)!;
  const out = [...leading, a!.at(transposeA ? -1 : -2)!, N];
  if (bias && (bias.length !== 1 || bias[0] !== N)) {
    throw new UserError(`matmul: bias must be (${N}), got ${format(bias)}`);
  }
  if (residual && format(residual) !== format(out)) {
    throw new UserError(`matmul: residual must be ${format(out)}, got ${format(residual)}`);
  }
  return out;
}

function forward({
  inputs: [a, b, bias, residual],
  attributes,
  output: c,
  saved,
  variant,
}: Call<MatmulAttributes>): void {
  const { a: aStrides, b: bStrides, ...sizes } = extents(a!.shape, b!.shape, attributes);
  multiply(variant, { a: a!, aStrides, b: b!, bStrides, c, ...sizes, bias, residual, before: saved.before });
}

/** da = dc b^T and db = a^T dc, each written in the layout that its operand has; dbias sums over rows. */
function backward(call: BackwardCall<MatmulAttributes>): void {
  const { engine, inputs, attributes, saved, variant, dy, target, pass } = call;
  const [a, b] = inputs;
  const { M, N, K, batch, a: aStrides, b: bStrides } = extents(a!.shape, b!.shape, attributes);
  pass(3, dy);
  let dc = dy;
  if (saved.before) {
    dc = engine.empty(dy.shape, 'f32', 'a gradient');
    geluGradient({ x: saved.before, dy, dx: dc }, { N: dy.size, accumulate: 0 });
  }
  const dcStrides = { row: N, col: 1, batch: M * N };
  const dbias = target(2);
  if (dbias) sumDown(dc, dbias);
  const da = target(0);
  if (da) {
    const { tensor: c, accumulate } = da;
    const bt = { b: b!, bStrides: flip(bStrides) };
    if (attributes.transposeA) {
      // da is (K, M): the product's transpose, b dc^T
      multiply(variant, {
        a: b!,
        aStrides: bStrides,
        b: dc,
        bStrides: flip(dcStrides),
        c,
        M: K,
        N: M,
        K: N,
        batch,
        accumulate,
      });
    } else multiply(variant, { a: dc, aStrides: dcStrides, ...bt, c, M, N: K, K: N, batch, accumulate });
  }
  const db = target(1);
  if (db) {
    const { tensor: c, accumulate } = db;
    if (attributes.transposeB) {
      // db is (N, K): dc^T a
      multiply(variant, {
        a: dc,
        aStrides: flip(dcStrides),
        b: a!,
        bStrides: aStrides,
        c,
        M: N,
        N: K,
        K: M,
        batch,
        accumulate,
      });
    } else
      multiply(variant, {
        a: a!,
        aStrides: flip(aStrides),
        b: dc,
        bStrides: dcStrides,
        c,
        M: K,
        N,
        K: M,
        batch,
        accumulate,
      });
  }
}

function reference(inputs: readonly (Numbers | undefined)[], attributes: MatmulAttributes): Float64Array {
  const [a, b, bias, residual] = inputs;
  const { M, N, K, batch, a: as, b: bs } = extents(a!.shape, b!.shape, attributes);
  const c = new Float64Array(batch * M * N);
  for (let i = 0; i < c.length; i++) {
    const n = i % N;
    const m = Math.floor(i / N) % M;
    const matrix = Math.floor(i / N / M);
    let sum = bias ? bias.data[n] : 0;
    for (let k = 0; k < K; k++) {
      sum +=
        a!.data[matrix * as.batch + m * as.row + k * as.col] * b!.data[matrix * bs.batch + k * bs.row + n * bs.col];
    }
    c[i] = (attributes.gelu ? geluValue(sum) : sum) + (residual ? residual.data[i] : 0);
  }
  return c;
}

/**
 * Matrix product c = a b, with an optional epilogue: gelu(a b + bias) + residual.
 *   a: (..., M, K), b: (K, N) shared by the batch or (..., K, N), bias: (N), residual and c: (..., M, N)
 * `transposeA` and `transposeB` take the operands as (..., K, M) and (..., N, K).
 * @throws UserError when inner or batch axes differ, or bias or residual do not fit.
 */
export const matmul = defineOp<[a: Tensor, b: Tensor, bias?: Tensor, residual?: Tensor], MatmulAttributes>({
  name: 'matmul',
  inputs: ['a', 'b', 'bias?', 'residual?'],
  shape: outputShape,
  saves: (shapes, attributes): Record<string, Shape> =>
    attributes.gelu ? { before: outputShape(shapes, attributes) } : {},
  run: { naive: forward, best: forward },
  reference,
  backward,
  reduction: ([a, b], attributes) => {
    const { M, N, K, batch } = extents(a!, b!, attributes);
    return Math.max(M * batch, N, K);
  },
  cases: [
    {
      inputs: [
        [1, 1],
        [1, 1],
      ],
    },
    {
      inputs: [
        [3, 5],
        [5, 7],
      ],
    },
    {
      inputs: [
        [33, 13],
        [13, 65],
      ],
    },
    {
      inputs: [
        [2, 17, 9],
        [9, 31],
      ],
    },
    {
      inputs: [
        [5, 11],
        [37, 11],
      ],
      attributes: { transposeB: true },
    },
    {
      inputs: [
        [11, 9],
        [11, 33],
      ],
      attributes: { transposeA: true },
    },
    {
      inputs: [
        [2, 3, 4, 5],
        [2, 3, 5, 6],
      ],
    },
    {
      inputs: [
        [3, 7, 5],
        [3, 9, 7],
      ],
      attributes: { transposeA: true, transposeB: true },
    },
    { inputs: [[4, 6], [6, 9], [9]] },
    { inputs: [[1, 6], [6, 9], [9], [1, 9]] },
    { inputs: [[2, 5, 6], [6, 9], [9]], attributes: { gelu: true } },
    { inputs: [[2, 5, 6], [9, 6], undefined, [2, 5, 9]], attributes: { transposeB: true } },
  ],
});
