/** Log-probabilities of tokens in OpenAI's two dialects. */

import { tokenFacts } from '../text/tokenizers/tokenFacts.ts';
import type { Tokenizer } from '../text/tokenizers/tokenizer.ts';
import type { PlacedToken } from './generation.ts';

/** What stands for a probability of 0, whose logarithm JSON cannot write. */
const LEAST = -9999;
const finite = (logprob: number): number => Math.max(LEAST, logprob);

/** A token by its text; one that is no text of its own by its bytes, as OpenAI writes it: bytes:\xe2\x80. */
export function tokenName(tokenizer: Tokenizer, id: number): string {
  const { text, hex } = tokenFacts(tokenizer, id);
  return text ?? `bytes:${hex.replace(/../g, String.raw`\x$&`)}`;
}

/** Of completions: lists over the tokens. The first token of a text has no log-probability. */
export interface CompletionLogprobs {
  readonly tokens: readonly string[];
  readonly token_logprobs: readonly (number | null)[];
  readonly top_logprobs: readonly (Readonly<Record<string, number>> | null)[];
  /** Where each token's text begins: in characters of the choice's text. */
  readonly text_offset: readonly number[];
}

export function completionLogprobs(tokenizer: Tokenizer, tokens: readonly PlacedToken[]): CompletionLogprobs {
  const name = (id: number): string => tokenName(tokenizer, id);
  return {
    tokens: tokens.map(({ id }) => name(id)),
    token_logprobs: tokens.map(({ logprob }) => (logprob === undefined ? null : finite(logprob))),
    top_logprobs: tokens.map((token) => alternativesOf(token, name)),
    text_offset: tokens.map(({ offset }) => offset),
  };
}

/** The likeliest tokens and the token itself. Where two are called alike, the likelier one counts. */
function alternativesOf({ id, logprob, top = [] }: PlacedToken, name: (id: number) => string) {
  if (logprob === undefined) return null;
  const all: Record<string, number> = {};
  for (const one of [...top, { id, logprob }]) {
    const called = name(one.id);
    all[called] = Math.max(all[called] ?? LEAST, one.logprob);
  }
  return all;
}

/** Of chats: an object a token, with its bytes. */
export interface ChatLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[];
  readonly top_logprobs: readonly Omit<ChatLogprob, 'top_logprobs'>[];
}

export const chatLogprobs = (tokenizer: Tokenizer, tokens: readonly PlacedToken[]) => ({
  content: tokens.map(({ id, logprob = LEAST, top = [] }): ChatLogprob => {
    const told = (id: number, logprob: number) => ({
      ...{ token: tokenName(tokenizer, id), logprob: finite(logprob), bytes: Array.from(tokenizer.tokenBytes(id)) },
    });
    return { ...told(id, logprob), top_logprobs: top.map((one) => told(one.id, one.logprob)) };
  }),
  refusal: null,
});
