import type { ModelConfig } from '../../src/model/config.ts';
import { GPT } from '../../src/model/gpt.ts';
import type { Engine } from '../../src/tensor/engine.ts';

/** A small model of either style with sizes that are multiples of nothing. */
export const smallConfig = (style: 'gpt2' | 'llama', settings: Partial<ModelConfig> = {}): ModelConfig => ({
  ...{ style, vocabSize: 23, blockSize: 19, nLayer: 2, nHead: 4, nKvHead: style === 'gpt2' ? 4 : 2, nEmbd: 24 },
  ...{
    nHidden: 44,
    dropout: 0,
    normEps: 1e-5,
    ropeBase: 10000,
    tieEmbeddings: style === 'gpt2',
    bias: style === 'gpt2',
  },
  ...settings,
});

export const smallModel = (engine: Engine, style: 'gpt2' | 'llama', settings: Partial<ModelConfig> = {}): GPT =>
  new GPT(engine, smallConfig(style, settings)).initialize(7);
