/** Answers of models that write: whole, or as a stream of server-sent events. */
import { setMaxListeners } from 'node:events';
import type { Context } from 'hono';
import { asApiError } from './errors.ts';
import { type Begin, GONE, type Piece, type PlacedToken, together } from './generation.ts';
import type { Metrics } from './metrics.ts';

/** Tokens that an answer took, as OpenAI counts them: a prompt once, however many choices it has. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

const usageOf = (prompt: number, completion: number): Usage => ({
  ...{ prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion },
});

/** All that one sequence wrote. */
export interface Written {
  readonly text: string;
  readonly tokens: readonly PlacedToken[];
  readonly finish: NonNullable<Piece['finish']>;
  readonly stoppedBy?: Piece['stoppedBy'];
}

/** How an endpoint tells what is written. */
export interface Telling {
  whole(written: readonly Written[], usage: Usage): object;
  /** Of a stream: what tells of a sequence before its first piece, if something does. */
  opening?(index: number): object;
  /** @param usage up to this piece, itself included */
  event(index: number, piece: Piece, usage: Usage): object;
  /** What a stream ends with: objects, or a word that is none. */
  ending(usage: Usage): readonly (object | string)[];
}

/** How an endpoint tells it as OpenAI does. */
export interface Dialect {
  /** What every answer and event begins with. */
  readonly head: Readonly<Record<string, unknown>>;
  readonly objects: { readonly whole: string; readonly event: string };
  choice(index: number, written: Written): object;
  /** A choice before its first piece, where it is told of. */
  opening?(index: number): object;
  event(index: number, piece: Piece): object;
}

/** OpenAI's way: choices of an object. @param includeUsage whether a stream ends with what it took */
export function openAi({ head, objects, choice, opening, event }: Dialect, includeUsage: boolean): Telling {
  const data = (choices: readonly object[], usage: Usage | null): object => ({
    ...{ ...head, object: objects.event, choices, ...(includeUsage && { usage }) },
  });
  return {
    whole: (written, usage) => ({
      ...{ ...head, object: objects.whole, choices: written.map((one, i) => choice(i, one)), usage },
    }),
    opening: opening && ((index) => data([opening(index)], null)),
    event: (index, piece) => data([event(index, piece)], null),
    ending: (usage) => [...(includeUsage ? [data([], usage)] : []), '[DONE]'],
  };
}

/** What is to be answered. */
export interface Asked {
  begins(signal: AbortSignal): readonly Begin[];
  readonly promptTokens: number;
  readonly stream: boolean;
}

/** Answers when all is written, or as it is. A client that goes away ends what is written for it. */
export function answer(c: Context, telling: Telling, asked: Asked, metrics: Metrics): Response | Promise<Response> {
  return asked.stream ? streamed(c, telling, asked, metrics) : whole(c, telling, asked, metrics);
}

/** Stops with the request, when the client goes away; and forgets the request when it is stopped otherwise. */
function stopper(c: Context): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal); // each sequence has one
  const { signal } = c.req.raw;
  if (signal.aborted) controller.abort(GONE);
  signal.addEventListener('abort', () => controller.abort(GONE), { once: true, signal: controller.signal });
  return controller;
}

/** Notes when the first piece comes. */
async function* timed<T>(pieces: AsyncIterable<T>, metrics: Metrics): AsyncGenerator<T> {
  const start = performance.now();
  let first = true;
  for await (const piece of pieces) {
    if (first) metrics.firstToken(performance.now() - start);
    first = false;
    yield piece;
  }
}

/** What a sequence has written so far. */
interface Open extends Written {
  text: string;
  readonly tokens: PlacedToken[];
}

async function whole(c: Context, telling: Telling, asked: Asked, metrics: Metrics): Promise<Response> {
  const controller = stopper(c);
  const begins = asked.begins(controller.signal);
  const written = begins.map((): Open => ({ text: '', tokens: [], finish: 'length' }));
  let generated = 0;
  for await (const [i, piece] of timed(together(begins, controller), metrics)) {
    written[i].text += piece.text;
    for (const token of piece.tokens) written[i].tokens.push(token);
    Object.assign(written[i], { finish: piece.finish ?? 'length', stoppedBy: piece.stoppedBy });
    generated += piece.generated;
  }
  return c.json(telling.whole(written, usageOf(asked.promptTokens, generated)));
}

function streamed(c: Context, telling: Telling, asked: Asked, metrics: Metrics): Response {
  const controller = stopper(c);
  const { signal } = controller;
  const pieces = together(asked.begins(signal), controller); // a full queue still has a status of its own here
  const events = eventsOf(timed(pieces, metrics), telling, asked);
  const encoder = new TextEncoder();
  const ended = metrics.endsLater(c);
  const next = async (): Promise<string | undefined> => {
    try {
      const { value, done } = await events.next();
      return done ? undefined : value;
    } catch (error) {
      return error === GONE ? undefined : JSON.stringify(asApiError(error).body);
    }
  };
  const body = new ReadableStream<Uint8Array>({
    async pull(stream) {
      const data = await next();
      if (data !== undefined) return stream.enqueue(encoder.encode(`data: ${data}\n\n`));
      ended();
      stream.close();
    },
    cancel() {
      controller.abort(GONE);
      ended();
    },
  });
  return c.body(body, 200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
}

/** The data of each event. */
async function* eventsOf(
  pieces: AsyncIterable<readonly [number, Piece]>,
  telling: Telling,
  { promptTokens }: Asked,
): AsyncGenerator<string> {
  const opened = new Set<number>();
  let generated = 0;
  for await (const [i, piece] of pieces) {
    if (telling.opening && !opened.has(i)) yield JSON.stringify(telling.opening(i));
    opened.add(i);
    generated += piece.generated;
    yield JSON.stringify(telling.event(i, piece, usageOf(promptTokens, generated)));
  }
  for (const last of telling.ending(usageOf(promptTokens, generated))) {
    yield typeof last === 'string' ? last : JSON.stringify(last);
  }
}
