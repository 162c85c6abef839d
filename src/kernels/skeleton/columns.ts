import { defineKernel, type Kernel, type KernelSpec } from '../../tensor/kernel.ts';
import type { Bindings } from '../../tensor/shader.ts';
import type { Target, Tensor } from '../../tensor/tensor.ts';
import { defineEach } from './each.ts';
import { writeOrAdd } from './text.ts';

interface ColumnSpec<B extends Bindings>
  extends Pick<KernelSpec<B, 'R' | 'C', Record<never, number>>, 'name' | 'bind'> {
  /** Sees `column` (of T), `chunk`, and the rows of the chunk: from `first` to before `last`. */
  body: string;
}

/** Into how many chunks a sum down `R` rows is cut: few enough that adding the chunks costs nothing. */
export const chunksOf = (R: number): number => Math.min(32, Math.ceil(R / 16));

/** A kernel down the rows of (R, C): lanes along columns, a chunk of rows a workgroup; `addChunks` adds up what it leaves. */
export const defineColumns = <const B extends Bindings>({ body, ...spec }: ColumnSpec<B>): Kernel<B, 'R' | 'C'> =>
  defineKernel<B, 'R' | 'C'>({
    ...spec,
    params: { R: 'u32', C: 'u32' },
    lengths: ['C'],
    grid: ({ R, C }) => [Math.ceil(C / 64), chunksOf(R), 1],
    wgsl: () => /* wgsl */ `
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
}`,
  });

/** sum[c] = (or +=) sum_k partial[k,c].   partial: (K, C), sum: (C) f32 */
const addUp = defineEach({
  name: 'add_chunks',
  bind: { partial: 'read', sum: 'write' },
  params: { K: 'u32', C: 'u32', accumulate: 'u32' },
  each: ['C'],
  body: /* wgsl */ `
  var total = 0.0;
  for (var k = 0u; k < params.K; k++) { total += partial[k * params.C + i]; }
  ${writeOrAdd('sum[i]', 'total')}`,
});

/** Second half of a sum down rows: writes or adds the sum of the rows of partial (K, C) to a target of C elements. */
export const addChunks = (partial: Tensor, { tensor: sum, accumulate }: Target): void =>
  addUp({ partial, sum }, { K: partial.shape[0], C: partial.shape[1], accumulate });
