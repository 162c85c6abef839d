/** Two small models to write in formats of others. */
import type { NamedTensor } from '../../src/export/safetensors.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { parameterSpecs } from '../../src/model/parameters.ts';
import { styleOf } from '../../src/model/styles.ts';
import { normals } from '../../src/tensor/random.ts';
import { sizeOf } from '../../src/tensor/shape.ts';

export const GPT2: ModelConfig = {
  ...{ style: 'gpt2', vocabSize: 11, blockSize: 8, nLayer: 2, nHead: 2, nKvHead: 2, nEmbd: 8, nHidden: 12 },
  ...{ dropout: 0, normEps: 1e-5, ropeBase: 10_000, tieEmbeddings: true, bias: false },
};
/** Two query heads share one of keys and values. */
export const LLAMA: ModelConfig = { ...GPT2, style: 'llama', nKvHead: 1, ropeBase: 5000, tieEmbeddings: false };

/** Weights that make logits of a few units: GPT-2's 0.02 would leave the embedding alone in them. */
export const weightsOf = (config: ModelConfig): NamedTensor[] =>
  parameterSpecs(config, styleOf(config)).map(({ name, shape }, stream) => ({
    ...{ name, shape, data: normals(sizeOf(shape), shape.length === 1 ? 1 : 0.3, 7, stream) },
  }));
