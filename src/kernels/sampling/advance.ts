import { defineKernel } from '../../tensor/kernel.ts';
import type { Tensor } from '../../tensor/tensor.ts';

const kernel = defineKernel({
  name: 'advance',
  bind: { next: 'read u32', ids: 'write u32', start: 'write u32', state: 'write u32', history: 'write u32' },
  params: { B: 'u32', S: 'u32' },
  grid: () => 1,
  wgsl: () => /* wgsl */ `
@compute @workgroup_size(1)
fn main() {
  let slot = state[1] % params.S * params.B;
  for (var b = 0u; b < params.B; b++) {
    history[slot + b] = next[b];
    ids[b] = next[b];
    start[b] += 1u;
  }
  state[1] += 1u;
}`,
});

/** What a step of decoding leaves for the next one. */
export interface DecodingState {
  /** The tokens just sampled: (B) u32. */
  next: Tensor;
  /** The next pass's input, overwritten: (B, 1) u32. */
  ids: Tensor;
  /** Lengths of the sequences, one more each: (B) u32. */
  start: Tensor;
  /** [seed, counter], the counter one more: (2) u32. */
  state: Tensor;
  /** Ring of sampled tokens; those of step `counter` go to row counter % S: (S, B) u32. */
  history: Tensor;
}

/** Feeds sampled tokens back on the GPU, so that many steps of decoding run without the host between them. */
export function advance({ next, ids, start, state, history }: DecodingState): void {
  kernel({ next, ids, start, state, history }, { B: next.size, S: history.shape[0] });
}
