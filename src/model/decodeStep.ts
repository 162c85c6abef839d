import { attendStep } from '../kernels/decodeStep/attendStep.ts';
import { headStep } from '../kernels/decodeStep/headStep.ts';
import { mlpStep } from '../kernels/decodeStep/mlpStep.ts';
import { embed } from '../kernels/packedEmbedding.ts';
import type { Capabilities } from '../tensor/capabilities.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { KeyValueCache } from './cache.ts';
import type { ModelConfig } from './config.ts';
import type { GPT } from './gpt.ts';
import type { Block, Norm } from './layers.ts';
import { blockParameters, styleOf } from './styles.ts';

/** Sequences above this are better served by matrix products, which load a weight once for all of them. */
const MOST_SEQUENCES = 4;

/** Whether `stepLogits` can and should decode: on CPU adapters, few sequences, widths that split into vectors. */
export function stepsPay(config: ModelConfig, batch: number, { software, subgroupSize }: Capabilities): boolean {
  const { nEmbd, nHead, nHidden } = config;
  const { rotary, sequential } = styleOf(config);
  const vectors = (nEmbd / nHead) % (rotary ? 8 : 4) === 0 && nHidden % 4 === 0;
  return sequential && software && (subgroupSize === 4 || subgroupSize === 8) && batch <= MOST_SEQUENCES && vectors;
}

/** Above these, a dispatch of decoding is work for several threads: weights of a block in steps; times sequences, in products. */
const SMALL_BLOCK = 2 ** 20;
const SMALL_PRODUCTS = 2 ** 23;

/**
 * Whether decoding is small work, whose dispatches are over before other threads are awake. On two cores one thread takes
 * 0.45 of the time of two for one or eight sequences at width 128, 0.7 for 32; for one 0.75 at width 256, and as long at 384.
 */
export function isSmallWork(config: ModelConfig, batch: number): boolean {
  const block = blockParameters(config);
  return batch <= MOST_SEQUENCES ? block <= SMALL_BLOCK : batch * block <= SMALL_PRODUCTS;
}

const normOf = ({ kind: norm, eps }: Norm) => ({ norm, eps });
const normTensors = ({ weight: normWeight, bias: normBias }: Norm) => ({ normWeight, normBias });

/** Attention of a block on a stream of parts: (B, P, C) -> (B, 1 + K, C). */
function attend(
  { config, style }: GPT,
  parts: Tensor,
  { attentionNorm, qkv, projection }: Block,
  layer: number,
  cache: KeyValueCache,
) {
  const { nHead, nKvHead, ropeBase } = config;
  const weights = { qkv: qkv.weight, qkvBias: qkv.bias, projection: projection.weight, outBias: projection.bias };
  const [keys, values] = [cache.keys[layer], cache.values[layer]];
  return attendStep(
    { parts, ...normTensors(attentionNorm), ...weights, keys, values, start: cache.start },
    {
      ...{ ...normOf(attentionNorm), nHead, nKvHead, transposed: qkv.transposed },
      ropeBase: style.rotary ? ropeBase : 0,
    },
  );
}

/** The MLP of a block on a stream of parts: (B, P, C) -> (B, 1 + G, C). */
function feedForward({ style }: GPT, parts: Tensor, { mlpNorm, up, down }: Block): Tensor {
  const weights = { up: up.weight, upBias: up.bias, down: down.weight, downBias: down.bias };
  return mlpStep(
    { parts, ...normTensors(mlpNorm), ...weights },
    { ...normOf(mlpNorm), gated: style.gated, transposed: up.transposed },
  );
}

/**
 * A model's pass over one new token of each sequence, as `logits(hidden(ids, { cache }))`, in two dispatches a block: the
 * same numbers up to rounding.   ids: (B, 1) u32 -> (B, V); keys and values are appended to the cache
 */
export function stepLogits(model: GPT, ids: Tensor, cache: KeyValueCache): Tensor {
  const { tokens, positions, blocks, norm, head } = model;
  let parts = embed({ ids, tokens, positions, start: cache.start }); //               (B, 1, C)
  for (const [layer, block] of blocks.entries()) {
    parts = attend(model, parts, block, layer, cache); //                                  (B, 1 + K, C)
    parts = feedForward(model, parts, block); //                                           (B, 1 + G, C)
  }
  return headStep({ parts, ...normTensors(norm), head }, normOf(norm)); //                 (B, V)
}
