/**
 * Weights with which a head begins by looking at the token before: a previous token head (Elhage et al., "A Mathematical Framework for
 * Transformer Circuits", 2021). It is one half of an induction head, and the half that is slow to be found.
 *
 * One channel is the same in all embeddings of tokens, so that behind the norm it is a constant of which queries and keys are made. The key is
 * turned by one position more than the query: rotary positions turn both by where they stand, and so the key of the token before meets the query.
 */
import type { Parameters } from '../tensor/parameters.ts';
import type { ModelConfig } from './config.ts';
import type { LayerNames } from './layers.ts';
import { STD } from './parameters.ts';

const CHANNEL = 0;
/** What the channel holds: several times what the others have. */
const VALUE = 0.1;
/** Shares of the score, by pair of numbers that turn together, the fastest first: the token before has their sum, others less. */
const SCORES = [9, 4, 2, 1];

type Started = ReturnType<Parameters['starting']>;

/** Fresh weights of a model whose first head of the first block looks at the token before. */
export function* withPreviousTokenHead(
  started: Started,
  { nEmbd: C, nHead, ropeBase }: ModelConfig,
  { tokens, block, parts }: LayerNames,
): Started {
  const D = C / nHead;
  const constant = VALUE / Math.sqrt(((C - 1) * STD ** 2 + VALUE ** 2) / C); // behind the norm
  const [query, key] = parts.qkv!.map((part) => `${block(0).qkv.replace(/[^.]+$/, part)}.weight`);
  const scores = SCORES.slice(0, D / 2);
  for (const one of started) {
    const [{ name, shape }, values] = one;
    if (name === `${tokens}.weight`) for (let v = 0; v < shape[0]; v++) values[v * C + CHANNEL] = VALUE;
    if (name === query || name === key) {
      values.fill(0, 0, D * C);
      for (const [pair, score] of scores.entries()) {
        const size = Math.sqrt(score * Math.sqrt(D)) / constant; // scores are divided by sqrt(D)
        const ahead = name === key ? ropeBase ** ((-2 * pair) / D) : 0;
        values[pair * C + CHANNEL] = size * Math.cos(ahead);
        values[(pair + D / 2) * C + CHANNEL] = size * Math.sin(ahead);
      }
    }
    yield one;
  }
}
