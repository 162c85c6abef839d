/** Text that a served model writes: tokens of the scheduler in, pieces of text out, with what a client is told of each token. */
import { randomInt } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { SampleSettings } from '../kernels/sampling/settings.ts';
import { Continuation } from '../text/tokenizers/continuation.ts';
import { StreamDecoder } from '../text/tokenizers/tokenizer.ts';
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
  readonly tokens: readonly PlacedToken[];
  readonly finish?: 'stop' | 'length';
  /** Tokens that were generated for it. */
  readonly generated: number;
}

/** The length of a text in characters, as most languages count them. */
export function characters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** What a request asks of each sequence, but for its prompt and its number among the choices. */
export function settingsOf(request: WritingRequest, { model }: TextModel): Omit<SequenceRequest, 'prompt' | 'tokens'> {
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
export const stopsOf = ({ stop }: WritingRequest): string[] =>
  (typeof stop === 'string' ? [stop] : stop).filter((text) => text !== '');

/**
 * Begins a sequence and gives its text piece by piece. What may be the beginning of a stop text is held back, and so are the tokens
 * whose text has not begun to appear.
 * @param signal frees the sequence's place, also while it waits
 * @throws QueueFull at once
 */
export function write(
  { scheduler, tokenizer }: TextModel,
  request: SequenceRequest,
  stops: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Piece> {
  signal.throwIfAborted();
  const source = scheduler.generate(request);
  signal.addEventListener('abort', () => void source.return(), { once: true });
  return pieces(source, new Continuation(tokenizer, stops), new StreamDecoder(tokenizer), signal);
}

async function* pieces(
  source: AsyncGenerator<GeneratedToken, void, void>,
  continuation: Continuation,
  places: StreamDecoder,
  signal: AbortSignal,
): AsyncGenerator<Piece> {
  let begin = 0;
  let shown = 0;
  let generated = 0;
  let held: PlacedToken[] = [];
  const piece = (text: string, finish?: Piece['finish']): Piece => {
    shown += characters(text);
    const begun = (token: PlacedToken): boolean => token.offset < shown || finish === 'length';
    const told = { text, tokens: held.filter(begun), generated, finish };
    held = held.filter((token) => !begun(token));
    generated = 0;
    return told;
  };
  for await (const token of source) {
    generated++;
    held.push({ ...token, offset: begin });
    begin += characters(places.push(token.id));
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
    controller.abort();
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
    controller.abort();
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
