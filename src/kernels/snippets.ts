import type { Capabilities, Kernel, Point } from '../tensor/kernel.ts';
import { defineKernel } from '../tensor/kernel.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** WGSL for a gradient: stores `value` where `flag` is 0 and adds it to what is there where it is 1. */
export const writeOrAdd = (place: string, value: string, flag = 'params.accumulate'): string =>
  `if (${flag} == 1u) { ${place} += ${value}; } else { ${place} = ${value}; }`;

/** Workgroups of `oneEach` for `count` items. */
export const groupsOf64 = (count: number): number => Math.ceil(count / 64);

/** A shader with one invocation for each `i` below `count` (WGSL), the plainest shape of a kernel. */
export const oneEach = (count: string, body: string): string => /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let i = groupIndex(group, groups) * 64u + lane;
  if (i >= ${count}) { return; }
  ${body}
}`;

type RowPoint = { LANES: number };
type RowParams = { R: number; C: number };

/** Rows of a workgroup, by the lanes of a row. */
const ROWS: Record<number, number> = { 0: 8, 16: 4, 256: 1 };

/**
 * Layout of kernels that work along rows (params R and C): LANES invocations share a row, and some rows share a workgroup.
 * LANES 0 stands for one subgroup: it reduces without workgroup memory or barriers, which are dear on software adapters.
 * Adapters whose subgroups have no fixed size take 16 lanes for short rows and 256 for long ones.
 */
export const rowLayout = {
  tune: { LANES: [0, 16, 256] },
  valid: ({ LANES }: RowPoint, { subgroupSize, workgroupInvocations }: Capabilities): boolean =>
    LANES === 0
      ? subgroupSize > 0 && subgroupSize * ROWS[0] <= workgroupInvocations
      : LANES * ROWS[LANES] <= workgroupInvocations,
  prefer: (adapter: Capabilities, { C }: RowParams): RowPoint => {
    const subgroups = rowLayout.valid({ LANES: 0 }, adapter);
    if (adapter.software) return { LANES: subgroups ? 0 : 16 };
    return { LANES: C > 1024 ? 256 : subgroups ? 0 : C > 256 ? 256 : 16 };
  },
  grid: ({ R }: RowParams, { LANES }: RowPoint): number => Math.ceil(R / ROWS[LANES]),
};

const reduction = (
  name: string,
  subgroup: string,
  combine: (a: string, b: string) => string,
  point: RowPoint,
): string =>
  point.LANES === 0
    ? `fn ${name}(index: u32, value: f32) -> f32 { return ${subgroup}(value); }`
    : /* wgsl */ `
fn ${name}(index: u32, value: f32) -> f32 {
  exchange[index] = value;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (index % LANES < half) { exchange[index] = ${combine('exchange[index]', 'exchange[index + half]')}; }
    workgroupBarrier();
  }
  let result = exchange[index / LANES * LANES];
  workgroupBarrier();
  return result;
}`;

/**
 * A shader in `rowLayout`. Its body sees `row`, `lane` (of LANES), `columns` (params.C, or 0 for rows past the last one,
 * which still take part in reductions) and `index`, with which it may call rowSum(index, value) and rowMax(index, value)
 * outside of branches: all lanes of the row get the result, summed in a fixed order.
 */
export const rowShader =
  (body: string) =>
  (point: RowPoint, { subgroupSize }: Capabilities): string =>
    /* wgsl */ `
const LANES = ${point.LANES || subgroupSize}u;
const ROWS = ${ROWS[point.LANES]}u;
${point.LANES === 0 ? '' : 'var<workgroup> exchange: array<f32, LANES * ROWS>;'}
${reduction('rowSum', 'subgroupAdd', (a, b) => `${a} + ${b}`, point)}
${reduction('rowMax', 'subgroupMax', (a, b) => `max(${a}, ${b})`, point)}
@compute @workgroup_size(LANES * ROWS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) index: u32) {
  let row = groupIndex(group, groups) * ROWS + index / LANES;
  let lane = index % LANES;
  let columns = select(0u, params.C, row < params.R);
  ${body}
}`;

/** Into how many chunks a sum down `R` rows is cut: few enough that adding the chunks costs nothing. */
export const chunksOf = (R: number): number => Math.min(32, Math.ceil(R / 16));

/** Layout of kernels that sum down the rows of (R, C), first half: lanes along columns, a chunk of rows a workgroup. */
export const columnLayout = {
  grid: ({ R, C }: RowParams): readonly [number, number, number] => [groupsOf64(C), chunksOf(R), 1],
};

/** A shader in `columnLayout`. Its body sees `column`, `chunk`, and the rows of the chunk: from `first` to before `last`. */
export const columnShader = (body: string) => (): string =>
  /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let column = group.x * 64u + lane;
  if (column >= params.C) { return; }
  let chunk = group.y;
  let size = (params.R + groups.y - 1u) / groups.y;
  let first = chunk * size;
  let last = min(first + size, params.R);
  ${body}
}`;

/** Second half of a sum down rows: sum[c] = (or +=) sum_k partial[k,c].   partial: (K, C), sum: (C) f32 */
export const addChunks = defineKernel({
  name: 'add_chunks',
  bind: { partial: 'read', sum: 'write' },
  params: { K: 'u32', C: 'u32', accumulate: 'u32' },
  grid: ({ C }) => groupsOf64(C),
  wgsl: () =>
    oneEach(
      'params.C',
      /* wgsl */ `
  var total = 0.0;
  for (var k = 0u; k < params.K; k++) { total += partial[k * params.C + i]; }
  ${writeOrAdd('sum[i]', 'total')}`,
    ),
});

/** Elements (or vectors of four) that an invocation of `defineElementwise` works on, strided by the workgroup. */
const EACH = 4;

/** What `defineElementwise` takes: `lengths` name the params that count elements and become counts of vectors. */
interface ElementwiseSpec<B extends string, P extends string> {
  name: string;
  bind: Record<B, 'read' | 'write' | 'read u32'>;
  params: Record<P, 'u32' | 'f32'>;
  lengths: readonly NoInfer<P>[];
  /** Functions, with `T` for f32 or vec4<f32>. */
  functions?: string;
  /** What is done for each `i` below params.N. */
  body: string;
}

/**
 * A kernel over elements (params.N of them), in two forms: one on vec4<f32> where all `lengths` are multiples of four, and
 * one on f32 for the rest. Integer bindings keep their elements. The WGSL says `T` for the element and WIDTH for 4 or 1.
 * Vectors and several items an invocation quarter the cost of workgroups and addresses.
 */
export function defineElementwise<B extends string, P extends string>(
  spec: ElementwiseSpec<B, P>,
): (tensors: Record<B, Tensor>, params: Record<P, number>) => void {
  const scalars = elementwise(spec, 1);
  const vectors = elementwise(spec, 4);
  return (tensors, params) => {
    if (!spec.lengths.every((name) => params[name] % 4 === 0)) return scalars(tensors, params);
    const counts = Object.fromEntries(spec.lengths.map((name) => [name, params[name] / 4]));
    vectors(tensors, { ...params, ...counts });
  };
}

function elementwise<B extends string, P extends string>(
  { name, bind, params, functions = '', body }: ElementwiseSpec<B, P>,
  width: 1 | 4,
): Kernel<B, P, Point> {
  const vector = (access: string) => (width === 4 && !access.includes(' ') ? `${access} vec4<f32>` : access);
  const bindings = Object.entries<string>(bind).map(([key, access]) => [key, vector(access)]);
  return defineKernel<B, P, Point>({
    name: width === 4 ? `${name}_vec4` : name,
    bind: Object.fromEntries(bindings),
    params,
    grid: (values) => Math.ceil((values as Record<string, number>).N / (64 * EACH)),
    wgsl: () => /* wgsl */ `
alias T = ${width === 4 ? 'vec4<f32>' : 'f32'};
const WIDTH = ${width}u;
${functions}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let start = groupIndex(group, groups) * ${64 * EACH}u + lane;
  let end = min(start + ${64 * EACH}u, params.N);
  for (var i = start; i < end; i += 64u) {
    ${body}
  }
}`,
  });
}
