import { type Binding, type Capabilities, defineKernel, type Kernel } from '../../tensor/kernel.ts';
import { fitsImage, type Matrix } from '../../tensor/operands/image.ts';
import { sizeClass } from '../../tensor/tuning/table.ts';
import { geluWgsl } from '../geluFormula.ts';
import { A_ALONG, ACCUMULATE, B_ALONG, FOURS, HEAD, imageForm, K_FOURS, lanesForm, type MatmulPoint } from './lanes.ts';
import { matrixFor, matrixForm } from './matrix.ts';
import { tileForm } from './tile.ts';

/*
 * c[m,n] = sum_k a[m,k] b[k,n], the kernel where a transformer spends nine tenths of its time.
 *
 * Operands are addressed by strides, so that one shader serves the three forms that training needs: NN (forward), NT
 * (gradient of the left operand) and TN (gradient of the right one). What follows a matmul in a transformer (bias, GELU,
 * residual) is an epilogue: it works on the sums while they are still in registers.
 *
 * Five forms of the kernel, all correct everywhere that they are valid:
 *   naive    one invocation an element; every operand is loaded from memory for one multiply-add.
 *   tile     a workgroup computes a TILE x TILE square through workgroup memory, each invocation 4 x 4 to 8 x 8 of it: what GPUs want.
 *   lanes    one subgroup computes a TM x TN tile in registers: lanes run along columns, rows are broadcast by shuffles, so that
 *            memory is touched once for TM multiply-adds: what software adapters want, whose loads cost as much as 8 of those.
 *   image    the lanes form fed from textures, from which software adapters load four numbers in the time that one takes from a
 *            buffer: twice as fast as from buffers on lavapipe, the copies into textures included.
 *   matrix   the tile form with products of whole matrices by a subgroup: what GPUs with units for them want.
 * In mixed precision all but images read f16 operands, and add up in f32.
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
export type MatmulParams = Record<keyof typeof PARAMS, number>;

export interface Epilogue {
  bias?: boolean;
  gelu?: boolean;
  residual?: boolean;
}

/** Which bindings an epilogue adds. Those that run along columns are vectors of four where columns come in fours. */
function bindingsOf({ bias, gelu, residual }: Epilogue): Record<string, Binding> {
  const bind: Record<string, Binding> = { a: 'operand', b: 'operand' };
  if (bias) bind.bias = 'read fours';
  if (residual) bind.residual = 'read fours';
  if (gelu) bind.before = 'write fours';
  bind.c = 'write fours';
  return bind;
}

/** The WGSL function `store(matrix, m, n, sum)`, on vectors of four columns where `fours`. */
function storeWgsl({ bias, gelu, residual }: Epilogue, accumulate: string, fours = false): string {
  const type = fours ? 'vec4<f32>' : 'f32';
  const lines = [
    bias && !fours && 'value += bias[n];', // vectors begin with it
    gelu && 'before[i] = value; value = gelu(value);',
    residual && 'value += residual[i];',
    `if (${accumulate}) { value += c[i]; }`,
    'c[i] = value;',
  ];
  return /* wgsl */ `${gelu ? geluWgsl(type) : ''}
fn store(matrix: u32, m: u32, n: u32, sum: ${type}) {
  let i = ((matrix * params.M + m) * params.N + n)${fours ? ' / 4u' : ''};
  var value = sum;
  ${lines.filter(Boolean).join('\n  ')}
}`;
}

const suffix = (epilogue: Epilogue): string =>
  Object.keys(epilogue)
    .map((part) => `_${part}`)
    .join('');

const defineNaive = (epilogue: Epilogue) => {
  return defineKernel({
    name: `matmul_naive${suffix(epilogue)}`,
    bind: bindingsOf(epilogue),
    params: PARAMS,
    grid: ({ M, N, batch }) => Math.ceil((M * N * batch) / 64),
    wgsl: () => /* wgsl */ `${storeWgsl(epilogue, 'params.accumulate == 1u')}
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
  for (var k = 0u; k < params.K; k++) { sum += f32(a[aStart + k * params.aCol]) * f32(b[bStart + k * params.bRow]); }
  store(matrix, m, n, sum);
}`,
  });
};

const formOf = ({ aCol, bRow, N, K, accumulate }: MatmulParams): number =>
  (aCol === 1 ? A_ALONG : 0) |
  (bRow === 1 ? B_ALONG : 0) |
  (accumulate ? ACCUMULATE : 0) |
  (N % 4 === 0 ? FOURS : 0) |
  (K % 4 === 0 ? K_FOURS : 0);

/** Whether c and what lies like it are bound as vectors of four columns. */
const inFours = ({ IMAGE }: MatmulPoint, form: number): boolean => IMAGE === 1 && (form & FOURS) > 0;

/** "NT M=512 N=64 K=128": T for an operand that is stored as its transpose. The strides follow, for dense operands. */
function shapeClass({ M, N, K, batch, aCol, bRow }: MatmulParams): string {
  const stored = `${aCol === 1 ? 'N' : 'T'}${bRow === 1 ? 'T' : 'N'}`;
  const sizes = `M=${sizeClass(M)} N=${sizeClass(N)} K=${sizeClass(K)}`;
  return `${stored} ${sizes}${batch > 1 ? ` batch=${sizeClass(batch)}` : ''}`;
}

/** The matrices that lie in memory, those of a batch as one. */
function matricesOf({ M, N, K, batch, aCol, bRow }: MatmulParams): { a: Matrix; b: Matrix } {
  return {
    a: aCol === 1 ? { rows: batch * M, cols: K } : { rows: batch * K, cols: M },
    b: bRow === 1 ? { rows: batch * N, cols: K } : { rows: batch * K, cols: N },
  };
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
  const { M, N } = params;
  const { subgroupSize: S, software } = adapter;
  if (software && (S === 8 || S === 4)) {
    const image = { LANES: 1, IMAGE: 1, MATRIX: 0, TM: M <= 8 ? 8 : M <= 16 ? 16 : M <= 32 ? 32 : 64, TN: 32 };
    if (M > 1 && valid(image, adapter) && fits(image, params, adapter)) return image;
    const TM = M === 1 ? 1 : Math.min(4 * S, M <= 8 ? 8 : M <= 16 ? 16 : 32);
    return { LANES: 1, IMAGE: 0, MATRIX: 0, TM, TN: 4 * S };
  }
  const side = M >= 64 && N >= 64 ? 64 : 32;
  const tile = { LANES: 0, IMAGE: 0, MATRIX: 1, TM: side, TN: side };
  return valid(tile, adapter) ? tile : { ...tile, MATRIX: 0 };
}

const defineFast = (epilogue: Epilogue) => {
  return defineKernel<string, keyof MatmulParams, MatmulPoint>({
    name: `matmul${suffix(epilogue)}`,
    bind: bindingsOf(epilogue),
    params: PARAMS,
    tune: { LANES: [1, 0], IMAGE: [1, 0], MATRIX: [1, 0], TM: [1, 8, 16, 32, 64], TN: [16, 32, 64] },
    valid,
    fits,
    prefer,
    images: matricesOf,
    form: formOf,
    fours: inFours,
    shapeClass,
    grid: ({ M, N, batch }, { TM, TN }) => Math.ceil(M / TM) * Math.ceil(N / TN) * batch,
    wgsl: (point, adapter, form) => {
      const { subgroupSize } = adapter;
      const fours = inFours(point, form);
      const store = storeWgsl(epilogue, form & ACCUMULATE ? 'true' : 'false', fours);
      if (point.MATRIX) return matrixForm(point, adapter, store, form);
      if (point.IMAGE) return imageForm(point, subgroupSize, store, form, fours && epilogue.bias === true);
      return point.LANES ? lanesForm(point, subgroupSize, store) : tileForm(point, store);
    },
  });
};

/** Every epilogue that a transformer asks for has its own kernels. */
const EPILOGUES: readonly Epilogue[] = [
  {},
  { bias: true },
  { residual: true },
  { bias: true, gelu: true },
  { bias: true, residual: true },
  { gelu: true },
];
const KERNELS = new Map(
  EPILOGUES.map((epilogue) => [suffix(epilogue), { naive: defineNaive(epilogue), fast: defineFast(epilogue) }]),
);

/** The kernel of an epilogue; `naive` for the lesson. */
export function matmulKernel(epilogue: Epilogue, naive: boolean): Kernel<string, keyof MatmulParams> {
  const kernels = KERNELS.get(suffix(epilogue));
  if (!kernels) throw new Error(`matmul has no kernel with the epilogue ${JSON.stringify(epilogue)}`);
  return (naive ? kernels.naive : kernels.fast) as Kernel<string, keyof MatmulParams>;
}
