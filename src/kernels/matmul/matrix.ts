import type { SubgroupMatrix } from '../../gpu/adapter.ts';
import type { Capabilities } from '../../tensor/capabilities.ts';
import { range } from '../skeleton/text.ts';
import { HEAD, locateTile, type MatmulForm, type MatmulPoint } from './tiles.ts';

/*
 * The WGSL of matmul for GPUs whose subgroups multiply matrices as a whole: 16 x 16 of f16 added up in f32 on AMD (WMMA)
 * and NVIDIA (tensor cores), 8 x 8 on Apple, of f32 as well. A workgroup computes a TM x TN tile: each of four subgroups a
 * quarter of it, whose sums stay in registers, from slices of both operands in workgroup memory.
 */

/** Of k at a time. */
const DEPTH = 32;

/**
 * Elements past the end of each line in workgroup memory, so that lines begin in other banks. Lines begin at multiples of 16 bytes,
 * which Vulkan asks of matrices that are loaded (VK_KHR_cooperative_matrix).
 */
const PAD = 8;

const QUARTERS = 4;

/** Largest of both tiles and of the sums on their way to the epilogue, in bytes. */
function workgroupBytes({ TM, TN }: MatmulPoint, { component, M }: SubgroupMatrix): number {
  const elementBytes = component === 'f16' ? 2 : 4;
  const tile = (side: number): number => Math.max(side * (DEPTH + PAD), DEPTH * (side + PAD));
  return elementBytes * (tile(TM) + tile(TN)) + 4 * QUARTERS * M * (TN / 2);
}

/** The matrices that a tile can be made of: operands as the precision says, sums in f32. Undefined where there are none. */
export function matrixFor(point: MatmulPoint, adapter: Capabilities): SubgroupMatrix | undefined {
  const { subgroupMatrices, subgroupMost, precision, workgroupInvocations, workgroupStorageBytes } = adapter;
  const operand = precision === 'mixed' ? 'f16' : 'f32';
  const { TM, TN } = point;
  if (subgroupMost === 0 || QUARTERS * subgroupMost > workgroupInvocations) return undefined;
  return subgroupMatrices.find((matrix) => {
    const { component, result, M, N, K } = matrix;
    const divides = (TM / 2) % M === 0 && (TN / 2) % N === 0 && DEPTH % K === 0;
    const serves = component === operand && result === 'f32' && divides;
    return serves && workgroupBytes(point, matrix) <= workgroupStorageBytes;
  });
}

/** An operand: SIDE rows of a (or columns of b); `dense` when its k are neighbours, in memory and so in the tile. */
interface Stage {
  name: 'a' | 'b';
  side: number;
  dense: boolean;
  first: string;
  size: string;
  across: string;
  along: string;
}

const pitchOf = ({ side, dense }: Stage): number => (dense ? DEPTH : side) + PAD;

/** Copies a slice as it lies in memory; what is past the ends becomes zeros. */
function stage(part: Stage, invocations: number): string {
  const { name, side, dense, first, size, across, along } = part;
  const [line, k] = dense ? [`i / ${DEPTH}u`, `i % ${DEPTH}u`] : [`i % ${side}u`, `i / ${side}u`];
  const to = dense ? `line * ${pitchOf(part)}u + k` : `k * ${pitchOf(part)}u + line`;
  return /* wgsl */ `
    for (var i = lane; i < ${side * DEPTH}u; i += ${invocations}u) {
      let line = ${line};
      let k = ${k};
      let inside = ${first} + line < params.${size} && k0 + k < params.K;
      let at = select(0u, ${name}Start + (${first} + line) * params.${across} + (k0 + k) * params.${along}, inside);
      ${name}Tile[${to}] = select(Operand(), ${name}[at], inside);
    }`;
}

/** `subgroupMatrixLoad` of the matrix that begins at a line and a k of a tile. */
function load(part: Stage, type: string, line: string, k: number): string {
  const { name, dense } = part;
  const pitch = pitchOf(part);
  const offset = dense ? `(${line}) * ${pitch}u + ${k}u` : `${k * pitch}u + ${line}`;
  // of a, k are columns; of b, rows
  const columnMajor = name === 'a' ? !dense : dense;
  return `subgroupMatrixLoad<${type}>(&${name}Tile, ${offset}, ${columnMajor}, ${pitch}u)`;
}

/**
 * The workgroup has four subgroups where they are of the largest size that the adapter has; where they are smaller
 * and so more, those past the fourth only copy.
 */
export function matrixShader(point: MatmulPoint, adapter: Capabilities, store: string, form: MatmulForm): string {
  const { TM, TN } = point;
  const { M, N, K } = matrixFor(point, adapter)!;
  const invocations = QUARTERS * adapter.subgroupMost;
  const [rows, cols] = [range(TM / 2 / M), range(TN / 2 / N)];
  const width = TN / 2;
  const a: Stage = {
    ...{ name: 'a', side: TM, dense: form.aAlong > 0, first: 'm0', size: 'M', across: 'aRow', along: 'aCol' },
  };
  const b: Stage = {
    ...{ name: 'b', side: TN, dense: form.bAlong > 0, first: 'n0', size: 'N', across: 'bCol', along: 'bRow' },
  };
  const elements = (part: Stage): number => (part.dense ? part.side : DEPTH) * pitchOf(part);
  const [left, right] = [`subgroup_matrix_left<Operand, ${K}, ${M}>`, `subgroup_matrix_right<Operand, ${N}, ${K}>`];
  const multiply = (k: number): string => /* wgsl */ `
      ${rows.map((r) => `let a${k}_${r} = ${load(a, left, `top + ${r * M}u`, k)};`).join('\n      ')}
      ${cols.map((c) => `let b${k}_${c} = ${load(b, right, `start + ${c * N}u`, k)};`).join('\n      ')}
      ${rows.map((r) => cols.map((c) => `c${r}_${c} = subgroupMatrixMultiplyAccumulate(a${k}_${r}, b${k}_${c}, c${r}_${c});`).join(' ')).join('\n      ')}`;
  const finish = (r: number): string => /* wgsl */ `
  if (quarter < ${QUARTERS}u) {
    ${cols.map((c) => `subgroupMatrixStore(&sums, quarter * ${M * width}u + ${c * N}u, c${r}_${c}, false, ${width}u);`).join('\n    ')}
  }
  workgroupBarrier();
  for (var i = lane; i < ${QUARTERS * M * width}u; i += ${invocations}u) {
    let m = m0 + i / ${2 * M * width}u * ${TM / 2}u + ${r * M}u + i / ${width}u % ${M}u;
    let n = n0 + i / ${M * width}u % 2u * ${width}u + i % ${width}u;
    if (m < params.M && n < params.N) { store(matrix, m, n, sums[i]); }
  }
  workgroupBarrier();`;
  return /* wgsl */ `${store}
var<workgroup> aTile: array<Operand, ${elements(a)}>;
var<workgroup> bTile: array<Operand, ${elements(b)}>;
var<workgroup> sums: array<f32, ${QUARTERS * M * width}>;
// which subgroup this is decides what it computes: Tint cannot prove that its lanes agree on that
@diagnostic(off, chromium.subgroup_matrix_uniformity)
@compute @workgroup_size(${invocations})
fn main${HEAD.slice(0, -1)}, @builtin(subgroup_id) quarter: u32) {
${locateTile(TM, TN)}
  let aStart = matrix * params.aBatch;
  let bStart = matrix * params.bBatch;
  let top = quarter / 2u * ${TM / 2}u;
  let start = quarter % 2u * ${width}u;
  ${rows.map((r) => cols.map((c) => `var c${r}_${c}: subgroup_matrix_result<f32, ${N}, ${M}>;`).join(' ')).join('\n  ')}
  for (var k0 = 0u; k0 < params.K; k0 += ${DEPTH}u) {${stage(a, invocations)}${stage(b, invocations)}
    workgroupBarrier();
    if (quarter < ${QUARTERS}u) {${range(DEPTH / K)
      .map((i) => multiply(i * K))
      .join('')}
    }
    workgroupBarrier();
  }${rows.map(finish).join('')}
}`;
}
