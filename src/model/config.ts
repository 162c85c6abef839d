import { UsageError } from '../errors.ts';

/** The shape of a model: everything that fixes its parameters and what they compute. Field names follow nanoGPT. */
export interface ModelConfig {
  /** `gpt2`: learned positions, layer norm, GELU. `llama`: rotary positions, RMS norm, SwiGLU, grouped-query attention. */
  style: 'gpt2' | 'llama';
  /** V: rows of the embedding, one a token id. */
  vocabSize: number;
  /** T: the longest context, in tokens. */
  blockSize: number;
  /** Transformer blocks. */
  nLayer: number;
  /** H: query heads of each attention; divides nEmbd. */
  nHead: number;
  /** Key and value heads, each shared by nHead / nKvHead query heads; nHead in the gpt2 style. */
  nKvHead: number;
  /** C: width of the residual stream. */
  nEmbd: number;
  /** Width of the MLP between its two (gpt2) or three (llama) matrices; 4 nEmbd in GPT-2. */
  nHidden: number;
  /** Probability that an activation is dropped in training: of the embedding and of what each block adds. */
  dropout: number;
  /** Added to the variance in the norms. */
  normEps: number;
  /** Base of the rotary frequencies; unused in the gpt2 style. */
  ropeBase: number;
  /** Whether the output layer is the transposed token embedding. */
  tieEmbeddings: boolean;
  /** gpt2 style: whether linear layers and norms have biases. The llama style has none. */
  bias: boolean;
}

/** Multiples that a width must have, and ranges of the fields: sizes that are tiny enough to run and large enough to work. */
const POSITIVE = ['vocabSize', 'blockSize', 'nLayer', 'nHead', 'nKvHead', 'nEmbd', 'nHidden'] as const;

/** Checks that the fields fit together. @throws UsageError that names the field, what it is and what was expected. */
export function validateModel(config: ModelConfig): ModelConfig {
  for (const field of POSITIVE) {
    const value = config[field];
    if (!Number.isInteger(value) || value < 1)
      throw new UsageError(`${field} must be a whole number of 1 or more, got ${value}`);
  }
  const { style, nEmbd, nHead, nKvHead, dropout } = config;
  if (nEmbd % nHead !== 0)
    throw new UsageError(`nHead must divide nEmbd: ${nHead} heads cannot share a width of ${nEmbd}`);
  if (nHead % nKvHead !== 0) throw new UsageError(`nKvHead must divide nHead: ${nKvHead} does not divide ${nHead}`);
  if (style === 'gpt2' && nKvHead !== nHead)
    throw new UsageError(`nKvHead is for the llama style; in gpt2 it is nHead (${nHead})`);
  if (style === 'llama' && (nEmbd / nHead) % 2 !== 0) {
    throw new UsageError(`rotary positions need an even head width, got ${nEmbd} / ${nHead} = ${nEmbd / nHead}`);
  }
  if (!(dropout >= 0 && dropout < 1)) throw new UsageError(`dropout must be at least 0 and below 1, got ${dropout}`);
  return config;
}
