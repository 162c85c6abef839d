import { UsageError } from '../errors.ts';
import type { ModelConfig } from './config.ts';
import { gpt2 } from './gpt2.ts';
import type { Style } from './layers.ts';
import { llama } from './llama.ts';

/** Every style by the name that configs call it. One more is a file beside gpt2.ts and llama.ts, and its name here. */
export const STYLES: Readonly<Record<string, Style>> = { gpt2, llama };

/** The style of a model. @throws UsageError when there is none of that name */
export function styleOf({ style }: Pick<ModelConfig, 'style'>): Style {
  if (Object.hasOwn(STYLES, style)) return STYLES[style];
  throw new UsageError(`unknown style "${style}"; the styles are ${Object.keys(STYLES).join(', ')}`);
}

/** The most that sizes may be: a few times what the largest models have. */
export const MOST = {
  ...{ vocabSize: 2 ** 21, blockSize: 2 ** 24, nLayer: 1024, nHead: 1024, nKvHead: 1024 },
  ...{ nEmbd: 2 ** 17, nHidden: 2 ** 20 },
} as const;
const SIZES = Object.keys(MOST) as (keyof typeof MOST)[];

/** More than any adapter holds; said before anything is built. */
const MOST_PARAMETERS = 1e10;

/** Parameters of a block's matrices: all that it has but for norms and biases. */
export function blockParameters(config: ModelConfig): number {
  const { nEmbd: C, nHead, nKvHead, nHidden } = config;
  return C * C * (2 + (2 * nKvHead) / nHead) + C * nHidden * (styleOf(config).gated ? 3 : 2);
}

function countMatrices(config: ModelConfig): number {
  const { vocabSize, blockSize, nLayer, nEmbd: C, tieEmbeddings } = config;
  const positions = styleOf(config).rotary ? 0 : blockSize;
  return (vocabSize * (tieEmbeddings ? 1 : 2) + positions) * C + nLayer * blockParameters(config);
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
  const { nEmbd, nHead, nKvHead, dropout } = config;
  const { grouped, rotary } = styleOf(config);
  if (nEmbd % nHead !== 0) return `nHead must divide nEmbd: ${nHead} heads cannot share a width of ${nEmbd}`;
  if (nHead % nKvHead !== 0) return `nKvHead must divide nHead: ${nKvHead} does not divide ${nHead}`;
  if (!grouped && nKvHead !== nHead) {
    return `nKvHead is for styles with grouped queries, such as llama; in ${config.style} it is nHead (${nHead})`;
  }
  if (rotary && (nEmbd / nHead) % 2 !== 0) {
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
