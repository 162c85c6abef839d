import type { Engine } from '../tensor/engine.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ModelConfig } from './config.ts';

/**
 * Keys and values of the tokens that were seen, so that a new token costs one pass over itself and not over all before it.
 * Each of B sequences has its own length; passes append in place.
 */
export class KeyValueCache {
  /** Per layer: (B, nKvHead, blockSize, D). */
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
  /** Tokens that each sequence holds: (B) u32. */
  readonly start: Tensor;

  constructor(engine: Engine, { nLayer, nHead, nKvHead, nEmbd, blockSize }: ModelConfig, batch: number) {
    const shape = [batch, nKvHead, blockSize, nEmbd / nHead];
    const layers = Array.from({ length: nLayer });
    this.keys = layers.map(() => engine.zeros(shape, 'f32', 'the key-value cache'));
    this.values = layers.map(() => engine.zeros(shape, 'f32', 'the key-value cache'));
    this.start = engine.zeros([batch], 'u32', 'the lengths of the sequences');
  }
}
