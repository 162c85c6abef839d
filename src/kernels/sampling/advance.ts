import type { Tensor } from '../../tensor/tensor.ts';
import { defineEach } from '../skeleton/each.ts';

const kernel = defineEach({
  name: 'advance',
  bind: { next: 'read u32', ids: 'write u32', start: 'write u32', state: 'write u32', history: 'write? u32' },
  params: { B: 'u32', S: 'u32' },
  each: ['B'],
  body: ({ has }) => /* wgsl */ `
  let counter = state[3u * i + 2u];
  ${has.history ? 'history[i * params.S + counter % params.S] = next[i];' : ''}
  ids[i] = next[i];
  start[i] += 1u;
  state[3u * i + 2u] = counter + 1u;`,
});

/** What a step of decoding leaves for the next one. */
export interface DecodingState {
  /** The tokens just sampled: (B) u32. */
  next: Tensor;
  /** The next pass's input, overwritten: (B, 1) u32. */
  ids: Tensor;
  /** Lengths of the sequences, one more each: (B) u32. */
  start: Tensor;
  /** [seed, choice, counter] of each sequence, the counter one more: (B, 3) u32. */
  state: Tensor;
  /** Rings of sampled tokens; that of step `counter` of a sequence goes to column counter % S of its row: (B, S) u32. */
  history?: Tensor;
}

/** Feeds sampled tokens back on the GPU, so that many steps of decoding run without the host between them. */
export function advance({ next, ids, start, state, history }: DecodingState): void {
  kernel({ next, ids, start, state, history }, { B: next.size, S: history?.shape[1] ?? 1 });
}
