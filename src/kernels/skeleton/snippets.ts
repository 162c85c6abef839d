import { type Binding, type Capabilities, defineKernel, type KernelSpec, type Point } from '../../tensor/kernel.ts';
import type { Tensor } from '../../tensor/tensor.ts';

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
 * LANES 0 stands for one subgroup: it reduces without workgroup memory or barriers, which are dear on software adapters
 * (that subgroups are consecutive invocations is no promise of WGSL, but so on all drivers; the battery would tell).
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

/** A kernel whose f32 bindings may become vectors. */
interface VectorSpec<B extends string, P extends string, T extends Point> extends KernelSpec<B, P, T> {
  /** The params that count elements: they become counts of vectors. */
  lengths: readonly NoInfer<P>[];
  /** Bindings that stay f32 in any case. */
  scalars?: readonly NoInfer<B>[];
}

/** Dispatches the form for these params. */
export type VectorRun<B extends string, P extends string> = (
  tensors: Record<B, Tensor>,
  params: Record<P, number>,
) => void;

/**
 * A kernel in two forms: on vec4<f32> (its name ends in _vec4) where all `lengths` are multiples of four, and on f32. The
 * WGSL says `T` for the element, WIDTH for 4 or 1, total(T) and top(T) for the sum and the largest of its parts, and
 * narrow(vec4<f32>) for the first WIDTH parts of a vector.
 * Software adapters and GPUs alike load a vector in less time than four numbers.
 */
export function defineVectors<B extends string, P extends string, T extends Point = Record<never, number>>(
  spec: VectorSpec<B, P, T>,
): VectorRun<B, P> {
  const scalars = defineKernel(ofWidth(spec, 1));
  const vectors = defineKernel(ofWidth(spec, 4));
  return (tensors, params) => {
    if (!spec.lengths.every((name) => params[name] % 4 === 0)) return scalars(tensors, params);
    const counts = Object.fromEntries(spec.lengths.map((name) => [name, params[name] / 4]));
    vectors(tensors, { ...params, ...counts });
  };
}

const TYPES = {
  1: /* wgsl */ `
alias T = f32;
const WIDTH = 1u;
fn narrow(v: vec4<f32>) -> T { return v.x; }
fn total(v: T) -> f32 { return v; }
fn top(v: T) -> f32 { return v; }`,
  4: /* wgsl */ `
alias T = vec4<f32>;
const WIDTH = 4u;
fn narrow(v: vec4<f32>) -> T { return v; }
fn total(v: T) -> f32 { return v.x + v.y + v.z + v.w; }
fn top(v: T) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }`,
};

function ofWidth<B extends string, P extends string, T extends Point>(
  { lengths: _, scalars = [], ...spec }: VectorSpec<B, P, T>,
  width: 1 | 4,
): KernelSpec<B, P, T> {
  const wide = ([name, access]: [string, Binding]) =>
    width === 4 && !access.includes(' ') && !scalars.some((scalar) => scalar === name) ? `${access} vec4<f32>` : access;
  const bind = Object.entries<Binding>(spec.bind).map((entry) => [entry[0], wide(entry)]);
  return {
    ...spec,
    name: width === 4 ? `${spec.name}_vec4` : spec.name,
    bind: Object.fromEntries(bind) as Record<B, Binding>,
    wgsl: (point, adapter, form) => TYPES[width] + spec.wgsl(point, adapter, form),
  };
}

/** What `defineElementwise` takes: as for `defineVectors`, without layout. */
interface ElementwiseSpec<B extends string, P extends string>
  extends Pick<VectorSpec<B, P, Point>, 'name' | 'bind' | 'params' | 'lengths' | 'scalars'> {
  functions?: string;
  /** What is done for each `i` below params.N. */
  body: string;
}

/**
 * A kernel over params.N elements, or vectors of them. An invocation works on EACH: workgroups are dear on software adapters.
 * There 16 take 0.85 of the time of 4. A param `accumulate` is compiled in, as the constant of that name: SwiftShader would run
 * both branches, which takes twice as long.
 */
export const defineElementwise = <B extends string, P extends string>({
  functions = '',
  body,
  ...spec
}: ElementwiseSpec<B, P>): VectorRun<B, P> =>
  defineVectors<B, P, { EACH: number }>({
    ...spec,
    tune: { EACH: [4, 16] },
    prefer: ({ software }) => ({ EACH: software ? 16 : 4 }),
    form: (params: Record<string, number>) => params.accumulate ?? 0,
    grid: (params, { EACH }) => Math.ceil((params as Record<string, number>).N / (64 * EACH)),
    wgsl: ({ EACH }, _, accumulate) => /* wgsl */ `
const accumulate = ${accumulate}u;
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
