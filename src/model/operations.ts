/** How much a model calculates, by formula: the one place that counts. */
import type { ModelConfig } from './config.ts';
import { parameterSpecs } from './parameters.ts';
import { type ModelPart, partOf } from './parts.ts';
import { styleOf } from './styles.ts';

/** A linear layer of a model as it is multiplied: tokens of K numbers become tokens of N. */
export interface LinearSize {
  readonly part: ModelPart;
  readonly K: number;
  readonly N: number;
}

/** All linear layers, those that stand side by side as the one that they are; the head last. */
export function linearSizes(config: ModelConfig): LinearSize[] {
  const style = styleOf(config);
  const layers = new Map<string, LinearSize>();
  for (const { name, shape, stack = name } of parameterSpecs(config, style)) {
    const part = partOf(name);
    if (shape.length !== 2 || part === 'embedding' || part === 'head') continue;
    const [K, N] = style.transposed ? [shape[1], shape[0]] : shape;
    layers.set(stack, { part, K, N: N + (layers.get(stack)?.N ?? 0) });
  }
  return [...layers.values(), { part: 'head', K: config.nEmbd, N: config.vocabSize }];
}

/** Tokens that a token of a window of T attends to, itself included, on average: causal attention sees what is before. */
export const meanSeen = ({ blockSize }: Pick<ModelConfig, 'blockSize'>): number => (blockSize + 1) / 2;

/**
 * Floating-point operations of the forward pass for one token, by part. A multiply and an add are two. What counts are products of
 * matrices: 2 for each number of a matrix (Kaplan et al., 2020, table 1), and in attention 2 H D for the scores and as many for the
 * weighted sum, for each token that is seen. Norms, activations, softmax and the sums of the embedding do not.
 *
 * @param seen how many tokens the token attends to. The mean of a causal window unless given, which is what has to be calculated;
 *   with T it is the convention of PaLM and nanoGPT, 12 L C T for training, which counts what the mask hides as well.
 */
export function forwardOperations(config: ModelConfig, seen = meanSeen(config)): Record<ModelPart, number> {
  const operations = { embedding: 0, attention: 4 * config.nLayer * config.nEmbd * seen, MLP: 0, norms: 0, head: 0 };
  for (const { part, K, N } of linearSizes(config)) operations[part] += 2 * K * N;
  return operations;
}
