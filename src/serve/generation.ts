/** Text that a served model writes: tokens of the scheduler in, pieces of text out, with what a client is told of each token. */
import { randomInt } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { SampleSettings } from '../kernels/sampling/settings.ts';
import { Continuation } from '../text/tokenizers/continuation.ts';
import { StreamDecoder } from '../text/tokenizers/tokenizer.ts';
import { behindSpace } from '../text/windows/fillInMiddle.ts';
import { ApiError } from './errors.ts';
import type { TextModel } from './models.ts';
import type { WritingRequest } from './requests.ts';
import { type GeneratedToken, QueueFull, type SequenceRequest } from './scheduler.ts';

/** A token, and where its text begins in the text that was written: in characters (code points). */
export interface PlacedToken extends GeneratedToken {
  readonly offset: number;
}

/** A part of what is written. The last one says why it ends. */
export interface Piece {
  readonly text: string;
  /** Of requests for log-probabilities. */
  readonly tokens: readonly PlacedToken[];
  readonly finish?: 'stop' | 'length';
  /** The stop text before which it ends, if it is that. */
  readonly stoppedBy?: string;
  /** Tokens that were generated for it. */
  readonly generated: number;
}

/** Why sequences end early. One for all: each of its own would hold on to the place where it was made. */
export const GONE = new Error('nobody waits for the answer any more');

/** The length of a text in characters, as most languages count them. */
export function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** What a request asks of each sequence, but for its prompt and its number among the choices. */
export function settingsOf(
  request: Omit<WritingRequest, 'n' | 'stream_options'>,
  { model }: TextModel,
): Omit<SequenceRequest, 'prompt' | 'tokens'> {
  const { temperature, top_p: topP, min_p: minP, seed } = request;
  const sampling: SampleSettings = {
    ...{ temperature, topP, minP, topK: Math.max(0, request.top_k) },
    repetitionPenalty: request.repetition_penalty,
    presencePenalty: request.presence_penalty,
    frequencyPenalty: request.frequency_penalty,
  };
  const bias = Object.entries(request.logit_bias).map(([id, added]): [number, number] => [Number(id), added]);
  for (const [id] of bias) requireId(id, model.config.vocabSize, 'logit_bias');
  return {
    sampling,
    seed: seed === undefined ? randomInt(2 ** 32) : Number(BigInt.asUintN(32, BigInt(seed))),
    logitBias: bias.length > 0 ? new Map(bias) : undefined,
  };
}

/** @throws ApiError for an id that the vocabulary has not */
export function requireId(id: number, vocabSize: number, field: string): void {
  if (id < vocabSize) return;
  throw new ApiError(400, `${field} holds the token id ${id}, and the ids end at ${vocabSize - 1}.`, null, field);
}

/** @throws ApiError for a prompt that the context does not hold */
export function requireFit(prompt: readonly number[], { model }: TextModel, field: string): void {
  const { blockSize } = model.config;
  if (prompt.length <= blockSize) return;
  const sizes = `The model's context holds ${blockSize} tokens, and the prompt has ${prompt.length}`;
  throw new ApiError(400, `${sizes}: shorten it.`, 'context_length_exceeded', field);
}

/** The texts that end what is written; an empty one would end everything at once, and counts for nothing. */
export const stopsOf = ({ stop }: Pick<WritingRequest, 'stop'>): string[] =>
  (typeof stop === 'string' ? [stop] : stop).filter((text) => text !== '');

/**
 * Begins a sequence and gives its text piece by piece. What may be the beginning of a stop text is held back, and so are the tokens
 * whose text has not begun to appear.
 * @param space white space with which it should begin, and of which nothing is told
 * @param signal frees the sequence's place, also while it waits
 * @throws QueueFull at once
 */
export function write(
  { scheduler, tokenizer }: TextModel,
  request: SequenceRequest,
  stops: readonly string[],
  signal: AbortSignal,
  space = '',
): AsyncGenerator<Piece> {
  signal.throwIfAborted();
  const source = scheduler.generate(request);
  signal.addEventListener('abort', () => void source.return(), { once: true });
  const places = request.logprobs === undefined ? undefined : new Places(tokenizer); // nobody else is told of tokens
  const behind = (written: string): string => behindSpace(space, written);
  return pieces(source, new Continuation(tokenizer, stops, behind), places, signal);
}

/** Of a request for no token. */
export async function* nothing(): AsyncGenerator<Piece> {
  yield { text: '', tokens: [], generated: 0, finish: 'length' };
}

/** Where tokens stand in a text that is written: each is told of with the piece in which its text begins. */
class Places {
  private begin = 0;
  private shown = 0;
  private held: PlacedToken[] = [];
  private readonly decoder: StreamDecoder;

  constructor(tokenizer: TextModel['tokenizer']) {
    this.decoder = new StreamDecoder(tokenizer);
  }

  push(token: GeneratedToken): void {
    this.held.push({ ...token, offset: this.begin });
    this.begin += characters(this.decoder.push(token.id));
  }

  /** The tokens to be told of with the next piece of text; `all` that are left, at the end. `before` was written ahead of all text. */
  take(text: string, all: boolean, before: number): PlacedToken[] {
    this.shown += characters(text);
    const begun = (token: PlacedToken): boolean => token.offset < this.shown + before || all;
    const taken = this.held.filter(begun).map((token) => ({ ...token, offset: Math.max(0, token.offset - before) }));
    this.held = this.held.filter((token) => !begun(token));
    return taken;
  }
}

async function* pieces(
  source: AsyncGenerator<GeneratedToken, void, void>,
  continuation: Continuation,
  places: Places | undefined,
  signal: AbortSignal,
): AsyncGenerator<Piece> {
  let generated = 0;
  const piece = (text: string, finish?: Piece['finish']): Piece => {
    const { stoppedBy, before } = continuation;
    const tokens = places?.take(text, finish === 'length', characters(before)) ?? [];
    const told = { text, tokens, generated, finish, stoppedBy };
    generated = 0;
    return told;
  };
  for await (const token of source) {
    generated++;
    places?.push(token);
    const text = continuation.push(token.id);
    if (continuation.stopped) return yield piece(text, 'stop');
    if (text !== '') yield piece(text);
  }
  signal.throwIfAborted();
  const rest = continuation.end();
  yield piece(rest, continuation.stopped ? 'stop' : 'length');
}

/** A sequence that a request asks for: begun when it has its turn. */
export type Begin = () => AsyncGenerator<Piece>;

/** Sequences of one request that are in the scheduler at once; others of it wait here, so that the queue has room for other clients. */
const AT_ONCE = 32;
const TRY_AGAIN_MS = 20;

/**
 * The pieces of all sequences as they come, each with its sequence's number. The first ones begin at once.
 * @param controller of the signal that they were given: it is aborted when it ends, so that none goes on alone
 * @throws QueueFull at once when there is no place for one of the first; for later ones it waits
 */
export function together(
  begins: readonly Begin[],
  controller: AbortController,
): AsyncGenerator<readonly [number, Piece]> {
  try {
    const open = begins.slice(0, AT_ONCE).map((begin) => begin());
    return merged(begins, new Map(open.entries()), controller);
  } catch (error) {
    controller.abort(GONE);
    throw error;
  }
}

async function* merged(
  begins: readonly Begin[],
  open: Map<number, AsyncGenerator<Piece>>,
  controller: AbortController,
): AsyncGenerator<readonly [number, Piece]> {
  type Next = { i: number; result: IteratorResult<Piece> };
  const advance = (i: number): Promise<Next> => {
    const next = open
      .get(i)!
      .next()
      .then((result) => ({ i, result }));
    next.catch(() => undefined); // the race tells, unless the client has gone and nobody waits any more
    return next;
  };
  const pending = new Map([...open.keys()].map((i) => [i, advance(i)]));
  try {
    for (let next = open.size; pending.size > 0; ) {
      const { i, result } = await Promise.race(pending.values());
      if (!result.done) {
        pending.set(i, advance(i));
        yield [i, result.value];
        continue;
      }
      pending.delete(i);
      open.delete(i);
      if (next >= begins.length) continue;
      open.set(next, await patiently(begins[next], controller.signal));
      pending.set(next, advance(next++));
    }
  } finally {
    controller.abort(GONE);
    await Promise.allSettled([...open.values()].map((one) => one.return(undefined)));
  }
}

/** Begins a sequence of a request that is under way: it is not refused for a full queue, but waits. */
export async function patiently(begin: Begin, signal: AbortSignal): Promise<AsyncGenerator<Piece>> {
  for (;;) {
    try {
      return begin();
    } catch (error) {
      if (!(error instanceof QueueFull)) throw error;
    }
    await wait(TRY_AGAIN_MS, undefined, { signal });
  }
}
