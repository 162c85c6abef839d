import { UserError } from '../errors.ts';
import { defineKernel } from '../tensor/kernel.ts';
import { defineOp } from '../tensor/op.ts';
import { format } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** An invocation an element.   x: (B, T, C), index: (B) u32, y: (B, C) f32 */
const kernel = defineKernel({
  name: 'select_rows',
  bind: { x: 'read', index: 'read u32', y: 'write' },
  params: { B: 'u32', T: 'u32', C: 'u32' },
  grid: ({ B, C }) => Math.ceil((B * C) / 64),
  wgsl: () => /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let i = groupIndex(group, groups) * 64u + lane;
  if (i >= params.B * params.C) { return; }
  let b = i / params.C;
  let t = min(index[b], params.T - 1u);
  y[i] = x[(b * params.T + t) * params.C + i % params.C];
}`,
});

/**
 * One row of each batch entry: y[b,c] = x[b,index[b],c], as for the hidden state of each prompt's last token. An index past
 * the end takes the last row.   x: (B, T, C), index: (B) u32 -> (B, C)
 */
export const selectRows = defineOp<[x: Tensor, index: Tensor]>({
  name: 'selectRows',
  inputs: ['x', 'index'],
  shape: ([x, index]) => {
    if (x!.length !== 3) throw new UserError(`selectRows: x must have 3 axes (B, T, C), got ${format(x!)}`);
    if (index!.length !== 1 || index![0] !== x![0]) {
      throw new UserError(`selectRows: index must be (${x![0]}), one for each batch entry of x, got ${format(index!)}`);
    }
    return [x![0], x![2]];
  },
  run: {
    naive: ({ inputs: [x, index], output: y }) => {
      const [B, T, C] = x!.shape;
      kernel({ x: x!, index: index!, y }, { B, T, C });
    },
  },
  reference: ([x, index]) => {
    const [B, T, C] = x!.shape;
    return Float64Array.from({ length: B * C }, (_, i) => {
      const b = Math.floor(i / C);
      return x!.data[(b * T + Math.min(index!.data[b], T - 1)) * C + (i % C)];
    });
  },
  cases: [
    { inputs: [[1, 1, 1], { shape: [1], below: 1 }] },
    { inputs: [[3, 7, 5], { shape: [3], below: 7 }] },
    { inputs: [[2, 3, 65], { shape: [2], below: 9 }] },
    { inputs: [[5, 2, 257], { shape: [5], below: 2 }] },
  ],
});
