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

/** The most that sizes may be: a few times what the largest models have. */
export const MOST = {
  ...{
    vocabSize: 2 ** 21,
    blockSize: 2 ** 24,
    nLayer: 1024,
    nHead: 1024,
    nKvHead: 1024,
    nEmbd: 2 ** 17,
    nHidden: 2 ** 20,
  },
} as const;
const SIZES = Object.keys(MOST) as (keyof typeof MOST)[];

/** More than any adapter holds; said before anything is built. */
const MOST_PARAMETERS = 1e10;

/** The parameters of a model's matrices and embeddings: what it has but for norms and biases. */
function countMatrices({
  style,
  vocabSize,
  blockSize,
  nLayer,
  nHead,
  nKvHead,
  nEmbd: C,
  nHidden,
  tieEmbeddings,
}: ModelConfig): number {
  const embeddings = vocabSize * C * (tieEmbeddings ? 1 : 2) + (style === 'gpt2' ? blockSize * C : 0);
  const attention = 2 * C * C * (1 + nKvHead / nHead);
  return embeddings + nLayer * (attention + (style === 'gpt2' ? 2 : 3) * C * nHidden);
}

const inWords = (number: number): string => number.toLocaleString('en');

/** What of a config is out of range or does not fit together, if anything. */
export function modelProblem(config: ModelConfig): string | undefined {
  const wrong = SIZES.find((field) => !Number.isInteger(config[field]) || config[field] < 1);
  if (wrong) return `${wrong} must be a whole number of 1 or more; got ${config[wrong]}`;
  const large = SIZES.find((field) => config[field] > MOST[field]);
  if (large) return `${large} must be at most ${inWords(MOST[large])}; got ${inWords(config[large])}`;
  const parameters = countMatrices(config);
  if (parameters > MOST_PARAMETERS) {
    return `the model would have ${inWords(parameters)} parameters, and ${inWords(MOST_PARAMETERS)} are the most`;
  }
  const { style, nEmbd, nHead, nKvHead, dropout } = config;
  if (nEmbd % nHead !== 0) return `nHead must divide nEmbd: ${nHead} heads cannot share a width of ${nEmbd}`;
  if (nHead % nKvHead !== 0) return `nKvHead must divide nHead: ${nKvHead} does not divide ${nHead}`;
  if (style === 'gpt2' && nKvHead !== nHead) return `nKvHead is for the llama style; in gpt2 it is nHead (${nHead})`;
  if (style === 'llama' && (nEmbd / nHead) % 2 !== 0) {
    return `rotary positions need an even head width, got ${nEmbd} / ${nHead} = ${nEmbd / nHead}`;
  }
  return dropout >= 0 && dropout < 1 ? undefined : `dropout must be from 0 to below 1; got ${dropout}`;
}

/** Checks that the fields fit together. @throws UsageError that names the field, what it is and what was expected. */
export function validateModel(config: ModelConfig): ModelConfig {
  const problem = modelProblem(config);
  if (problem) throw new UsageError(problem);
  return config;
}
