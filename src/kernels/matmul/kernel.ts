import type { Capabilities } from '../../tensor/capabilities.ts';
import { defineKernel } from '../../tensor/kernel.ts';
import { fitsImage, type Matrix } from '../../tensor/operands/image.ts';
import { ELEMENT_BYTES } from '../../tensor/tensor.ts';
import { sizeClass } from '../../tensor/tuning/table.ts';
import { geluWgsl } from '../geluFormula.ts';
import { defineEach } from '../skeleton/each.ts';
import { imageShader } from './image.ts';
import { lanesShader } from './lanes.ts';
import { matrixFor, matrixShader } from './matrix.ts';
import { tileShader } from './tile.ts';
import type { MatmulForm, MatmulPoint } from './tiles.ts';

/*
 * c[m,n] = sum_k a[m,k] b[k,n], the kernel where a transformer spends nine tenths of its time.
 *
 * Operands are addressed by strides, so that one shader serves the three products that training needs: NN (forward), NT
 * (gradient of the left operand) and TN (gradient of the right one). What follows a matmul in a transformer (bias, GELU,
 * residual) is an epilogue: it works on the sums while they are still in registers. In mixed precision all but images read f16
 * operands, and add up in f32.
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
type MatmulParams = Record<keyof typeof PARAMS, number>;

/** T, where columns come in fours, is a vector of them. `before`: what GELU gets, kept for its gradient. */
export const BIND = {
  a: 'operand',
  b: 'operand',
  bias: 'read? T',
  residual: 'read? T',
  before: 'write? T',
  c: 'write T',
} as const;

/** The epilogue: the WGSL function `store(matrix, m, n, sum)`. */
export function storeWgsl(
  has: Readonly<Record<keyof typeof BIND, boolean>>,
  accumulate: string,
  width: 1 | 4,
  gelu = has.before,
): string {
  const lines = [
    has.bias && width === 1 && 'value += bias[n];', // vectors begin with it
    gelu && `${has.before ? 'before[i] = value; ' : ''}value = gelu(value);`,
    has.residual && 'value += residual[i];',
    `if (${accumulate}) { value += c[i]; }`,
    'c[i] = value;',
  ];
  return /* wgsl */ `${gelu ? geluWgsl('T') : ''}
fn store(matrix: u32, m: u32, n: u32, sum: T) {
  let i = ((matrix * params.M + m) * params.N + n) / WIDTH;
  var value = sum;
  ${lines.filter(Boolean).join('\n  ')}
}`;
}

/** The lesson: one invocation an element; every operand is loaded from memory for one multiply-add. */
export const naive = defineEach({
  name: 'matmul_naive',
  bind: BIND,
  params: PARAMS,
  each: ['M', 'N', 'batch'],
  functions: ({ has }) => storeWgsl(has, 'params.accumulate == 1u', 1),
  body: /* wgsl */ `
  let n = i % params.N;
  let m = i / params.N % params.M;
  let matrix = i / params.N / params.M;
  let aStart = matrix * params.aBatch + m * params.aRow;
  let bStart = matrix * params.bBatch + n * params.bCol;
  var sum = 0.0;
  for (var k = 0u; k < params.K; k++) { sum += f32(a[aStart + k * params.aCol]) * f32(b[bStart + k * params.bRow]); }
  store(matrix, m, n, sum);`,
});

/** "NT M=512 N=64 K=128": T for an operand that is stored as its transpose. The strides follow, for dense operands. */
function shapeClass({ M, N, K, batch, aCol, bRow }: MatmulParams): string {
  const stored = `${aCol === 1 ? 'N' : 'T'}${bRow === 1 ? 'T' : 'N'}`;
  const sizes = `M=${sizeClass(M)} N=${sizeClass(N)} K=${sizeClass(K)}`;
  return `${stored} ${sizes}${batch > 1 ? ` batch=${sizeClass(batch)}` : ''}`;
}

/** Rows of the tallest image that adapters have in common. */
const TALLEST = 16_384;

/** Whether b, as the head of a large vocabulary, has more rows than an image: then that is turned, four of its rows to a texel. */
const isTurned = ({ N, batch, bRow }: Pick<MatmulParams, 'N' | 'batch' | 'bRow'>): boolean =>
  bRow === 1 && batch === 1 && N > TALLEST;

/** The matrices that lie in memory, those of a batch as one. */
function matricesOf(params: MatmulParams): { a: Matrix; b: Matrix } {
  const { M, N, K, batch, aCol, bRow } = params;
  const a = aCol === 1 ? { rows: batch * M, cols: K } : { rows: batch * K, cols: M };
  if (isTurned(params)) return { a, b: { rows: K, cols: N, transposed: true } };
  return { a, b: bRow === 1 ? { rows: batch * N, cols: K } : { rows: batch * K, cols: N } };
}

function valid(point: MatmulPoint, adapter: Capabilities): boolean {
  const { LANES, IMAGE, MATRIX, TM, TN } = point;
  const { subgroupSize: S, workgroupInvocations, precision } = adapter;
  if (IMAGE) return precision === 'float32' && LANES === 1 && MATRIX === 0 && S === 8 && TN === 32 && TM >= 8;
  if (LANES) return MATRIX === 0 && (S === 4 || S === 8) && TN === 4 * S && TM <= 4 * S;
  if (MATRIX) return TM === TN && TM >= 32 && matrixFor(point, adapter) !== undefined;
  const each = TM >= 64 ? 8 : 4;
  return TM === TN && TM >= 32 && (TM / each) * (TN / each) <= workgroupInvocations;
}

/** Images are of matrices that are dense one way or the other, one after another. */
const fits = ({ IMAGE }: MatmulPoint, params: MatmulParams, { textureSide }: Capabilities): boolean => {
  if (!IMAGE) return true;
  const { M, N, K, batch, aBatch, bBatch, aRow, aCol, bRow, bCol } = params;
  const { a, b } = matricesOf(params);
  const dense =
    (aCol === 1 ? aRow === K : aRow === 1 && aCol === M) && (bRow === 1 ? bCol === K : bCol === 1 && bRow === N);
  const stacked = batch === 1 || (aBatch === M * K && bBatch === K * N);
  return stacked && dense && fitsImage(a, textureSide) && fitsImage(b, textureSide);
};

/**
 * Small M (decoding) wants flat tiles; software adapters want lanes, from images; GPUs a 64 x 64 tile, or 32 x 32 for small work,
 * of subgroup matrices where they have them.
 */
function prefer(adapter: Capabilities, params: MatmulParams): MatmulPoint {
  const { M, N, K } = params;
  const { subgroupSize: S, software, bindingBytes } = adapter;
  if (software && (S === 8 || S === 4)) {
    const image = { LANES: 1, IMAGE: 1, MATRIX: 0, TM: M <= 8 ? 8 : M <= 16 ? 16 : M <= 32 ? 32 : 64, TN: 32 };
    const bound = N * K * ELEMENT_BYTES <= bindingBytes; // else b can be had as an image alone
    if ((M > 1 || !bound) && valid(image, adapter) && fits(image, params, adapter)) return image;
    const TM = M === 1 ? 1 : Math.min(4 * S, M <= 8 ? 8 : M <= 16 ? 16 : 32);
    return { LANES: 1, IMAGE: 0, MATRIX: 0, TM, TN: 4 * S };
  }
  const side = M >= 64 && N >= 64 ? 64 : 32;
  const tile = { LANES: 0, IMAGE: 0, MATRIX: 1, TM: side, TN: side };
  return valid(tile, adapter) ? tile : { ...tile, MATRIX: 0 };
}

/** How the operands lie in images. */
const inImage = (form: MatmulForm): MatmulForm => ({ ...form, bAlong: form.bTurned ? 0 : form.bAlong });

/** All fast variants: which one is a tuning point. */
export const fast = defineKernel<typeof BIND, keyof MatmulParams, MatmulPoint>({
  name: 'matmul',
  bind: BIND,
  params: PARAMS,
  tune: { LANES: [1, 0], IMAGE: [1, 0], MATRIX: [1, 0], TM: [1, 8, 16, 32, 64], TN: [16, 32, 64] },
  ...{ valid, fits, prefer, shapeClass, images: matricesOf },
  constants: ({ aCol, bRow, N, K, batch, accumulate }) => ({
    ...{ aAlong: Number(aCol === 1), bAlong: Number(bRow === 1), accumulate },
    ...{ fours: Number(N % 4 === 0), kFours: Number(K % 4 === 0), bTurned: Number(isTurned({ N, batch, bRow })) },
  }),
  width: ({ N }, { IMAGE }) => (IMAGE && N % 4 === 0 ? 4 : 1),
  enable: ({ LANES, MATRIX }) => {
    if (MATRIX) return ['subgroups', 'chromium_experimental_subgroup_matrix'];
    return LANES ? ['subgroups'] : [];
  },
  grid: ({ M, N, batch }, { TM, TN }) => Math.ceil(M / TM) * Math.ceil(N / TN) * batch,
  wgsl: (point, { adapter, has, constants, width }) => {
    const form = constants as unknown as MatmulForm;
    const store = storeWgsl(has, form.accumulate ? 'true' : 'false', width);
    if (point.MATRIX) return matrixShader(point, adapter, store, form);
    if (point.IMAGE) return imageShader(point, adapter.subgroupSize, store, inImage(form), width === 4 && has.bias);
    return point.LANES ? lanesShader(point, adapter.subgroupSize, store) : tileShader(point, store);
  },
});
