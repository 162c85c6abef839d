/**
 * Exposure (Carlini et al., "The Secret Sharer", 2019, section 4): how far up a secret stands among all that could stand in its place,
 * by how likely the model holds each:   exposure = log2 of the space - log2 of the rank, in bits. A secret of which nothing is known has
 * an exposure above e with probability 2^-e, so that its median is 1 bit; the most likely of 10^4 has 13.3. At this size the whole space is
 * ranked, nothing is estimated.
 */
import type { GPT } from '../../model/gpt.ts';
import { type Question, Scorer } from '../../model/score.ts';
import type { Tokenizer } from '../../text/tokenizers/types.ts';
import type { QuestionedRun } from '../questioned.ts';
import { promptOf } from './canaries.ts';

export interface Exposure {
  /** From 1: of all numbers with so many digits, by likelihood. */
  readonly rank: number;
  /** Bits. */
  readonly exposure: number;
}

/** Those that are as likely stand before it by half. @param likelihoods of each number, from 0 */
export function exposureOf(likelihoods: Float64Array, secret: number): Exposure {
  const own = likelihoods[secret];
  let [before, same] = [0, 0];
  for (const one of likelihoods) {
    if (one > own) before++;
    else if (one === own) same++;
  }
  const rank = before + (same + 1) / 2;
  return { rank, exposure: Math.log2(likelihoods.length) - Math.log2(rank) };
}

/** The tokens that stand before any number of a canary: with the blank, where that is a token by itself. */
export function beforeNumber(tokenizer: Tokenizer, word: string, digits: number): number[] {
  const [first, ...others] = Array.from({ length: 10 }, (_, digit) =>
    tokenizer.encode(`${promptOf(word)} ${String(digit).repeat(digits)}`),
  );
  const end = first.findIndex((id, i) => others.some((other) => other[i] !== id));
  return first.slice(0, end);
}

/** The text up to a number, in tokens, and what follows for each number, as a trie: each node is a token after its parent. */
interface NumberTrie {
  readonly prompt: readonly number[];
  readonly parent: readonly number[];
  readonly token: readonly number[];
  /** Of each node those that follow it. */
  readonly children: ReadonlyMap<number, readonly number[]>;
  /** By number, its last node. */
  readonly ends: Uint32Array;
  /** Tokens of the longest number. */
  readonly depth: number;
}

/** No node: before the first token of a number. */
const ROOT = -1;

/** How a tokenizer writes all numbers of so many digits behind the prompt of a canary. */
function trieOf(tokenizer: Tokenizer, word: string, digits: number): NumberTrie {
  const prompt = beforeNumber(tokenizer, word, digits);
  const parent: number[] = [];
  const token: number[] = [];
  const children = new Map<number, number[]>();
  const known = new Map<number, number>();
  const ends = new Uint32Array(10 ** digits);
  let depth = 0;
  const step = (from: number, id: number): number => {
    const key = (from + 1) * tokenizer.vocabSize + id;
    const before = known.get(key);
    if (before !== undefined) return before;
    const node = parent.push(from) - 1;
    token.push(id);
    known.set(key, node);
    const beside = children.get(from);
    if (beside) beside.push(node);
    else children.set(from, [node]);
    return node;
  };
  for (let number = 0; number < ends.length; number++) {
    const ids = tokenizer.encode(`${promptOf(word)} ${String(number).padStart(digits, '0')}`).slice(prompt.length);
    ends[number] = ids.reduce(step, ROOT);
    depth = Math.max(depth, ids.length);
  }
  return { prompt, parent, token, children, ends, depth };
}

/** The tokens up to and with a node. */
function pathTo({ parent, token }: NumberTrie, node: number): number[] {
  const path: number[] = [];
  for (let at = node; at !== ROOT; at = parent[at]) path.push(token[at]);
  return path.reverse();
}

/** Contexts that are scored between two looks at whether to go on. */
const AT_ONCE = 256;
/** Numbers of a batch's logits at most. */
const MOST_LOGITS = 2 ** 22;

/**
 * log P(number | the canary's prompt) of every number with so many digits, nats. Numbers that begin alike share the passes for that: of
 * digits that are tokens, 1 + 10 + 100 + 1000 contexts in place of 10,000 sequences.
 * @returns (10^digits), by number
 */
export async function numberLikelihoods(
  model: GPT,
  tokenizer: Tokenizer,
  word: string,
  digits: number,
  { signal, onContext }: Pick<QuestionedRun, 'signal'> & { onContext?: (done: number, of: number) => void } = {},
): Promise<Float64Array> {
  const trie = trieOf(tokenizer, word, digits);
  const prompt = trie.prompt.slice(-Math.max(1, model.config.blockSize - trie.depth + 1));
  const inner = [...trie.children];
  const own = new Float64Array(trie.token.length); // log P of each node after its parent
  const widest = inner.reduce((most, [, nodes]) => Math.max(most, nodes.length), 0);
  const scorer = new Scorer(
    model,
    Math.max(1, Math.min(64, Math.floor(MOST_LOGITS / (widest * model.config.vocabSize)))),
  );
  for (let start = 0; start < inner.length; start += AT_ONCE) {
    signal?.throwIfAborted();
    const some = inner.slice(start, start + AT_ONCE);
    const questions = some.map(
      ([node, nodes]): Question => ({
        prompt: [...prompt, ...pathTo(trie, node)],
        continuations: nodes.map((child) => [trie.token[child]]),
      }),
    );
    const scored = await scorer.score(questions);
    some.forEach(([, nodes], i) => {
      nodes.forEach((child, j) => {
        own[child] = scored[i][j].sum;
      });
    });
    onContext?.(Math.min(start + AT_ONCE, inner.length), inner.length);
  }
  scorer.dispose();
  for (let node = 0; node < own.length; node++) if (trie.parent[node] !== ROOT) own[node] += own[trie.parent[node]];
  return Float64Array.from(trie.ends, (end) => own[end]);
}
