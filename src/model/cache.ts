import type { Engine } from '../tensor/engine.ts';
import { ELEMENT_BYTES, type Tensor } from '../tensor/tensor.ts';
import type { ModelConfig } from './config.ts';

/** Tokens that are kept when a context is full: the last half of it. */
export const keptTokens = ({ blockSize }: ModelConfig): number => Math.max(1, Math.floor(blockSize / 2));

/** What the cache of one sequence takes. */
export const bytesPerSequence = ({ nLayer, nHead, nKvHead, nEmbd, blockSize }: ModelConfig): number =>
  2 * nLayer * nKvHead * blockSize * (nEmbd / nHead) * ELEMENT_BYTES;

/** What a pass over new tokens of B sequences needs of a cache. */
export interface PassCache {
  /** Per layer: (P, nKvHead, blockSize, D). */
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
  /** Tokens that each sequence holds: (B) u32. */
  readonly start: Tensor;
  /** Where each sequence lies in the cache: (B) u32 below P; without, sequence b lies at b, and P is B. */
  readonly places?: Tensor;
}

/**
 * Keys and values of the tokens that were seen, so that a new token costs one pass over itself and not over all before it.
 * Each of B sequences has its own length; passes append in place.
 */
export class KeyValueCache implements PassCache {
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
  readonly start: Tensor;

  constructor(engine: Engine, { nLayer, nHead, nKvHead, nEmbd, blockSize }: ModelConfig, batch: number) {
    const shape = [batch, nKvHead, blockSize, nEmbd / nHead];
    const layers = Array.from({ length: nLayer });
    this.keys = layers.map(() => engine.zeros(shape, 'f32', 'the key-value cache'));
    this.values = layers.map(() => engine.zeros(shape, 'f32', 'the key-value cache'));
    this.start = engine.zeros([batch], 'u32', 'the lengths of the sequences');
  }
}
