import type { ModelConfig } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import { styleOf } from '../../src/model/styles.ts';
import type { Engine } from '../../src/tensor/engine.ts';

/** A small model of a style with sizes that are multiples of nothing. */
export function smallConfig(style: string, settings: Partial<ModelConfig> = {}): ModelConfig {
  const { grouped, biased } = styleOf({ style });
  return {
    ...{ style, vocabSize: 23, blockSize: 19, nLayer: 2, nHead: 4, nKvHead: grouped ? 2 : 4, nEmbd: 24, nHidden: 44 },
    ...{ dropout: 0, normEps: 1e-5, ropeBase: 10000, tieEmbeddings: !grouped, bias: biased },
    ...settings,
  };
}

export const smallModel = (engine: Engine, style: string, settings: Partial<ModelConfig> = {}): GPT =>
  new GPT(engine, smallConfig(style, settings)).initialize(7);
