import { defineKernel } from './kernel.ts';
import type { Tensor } from './tensor.ts';

/** sum[i] += x[i]: the one piece of arithmetic that the tape does itself.   sum, x: (N) f32 */
const kernel = defineKernel({
  name: 'accumulate',
  bind: { sum: 'write', x: 'read' },
  params: { N: 'u32' },
  grid: ({ N }) => Math.ceil(N / 256),
  wgsl: () => /* wgsl */ `
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let i = groupIndex(group, groups) * 256u + lane;
  if (i < params.N) { sum[i] += x[i]; }
}`,
});

/** Adds `x` to `sum` in place; both have the same size. */
export const accumulate = (sum: Tensor, x: Tensor): void => kernel({ sum, x }, { N: sum.size });
