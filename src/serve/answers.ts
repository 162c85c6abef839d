/** Answers of models that write: whole, or as a stream of server-sent events. */
import type { Context } from 'hono';
import { asApiError } from './errors.ts';
import { type Begin, type Piece, type PlacedToken, together } from './generation.ts';
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
}

/** How an endpoint tells what is written. */
export interface Dialect {
  /** What every answer and event begins with. */
  readonly head: Readonly<Record<string, unknown>>;
  readonly objects: { readonly whole: string; readonly event: string };
  choice(index: number, written: Written): object;
  /** A choice before its first piece, where it is told of. */
  opening?(index: number): object;
  event(index: number, piece: Piece): object;
}

/** What is to be answered. */
export interface Asked {
  begins(signal: AbortSignal): readonly Begin[];
  readonly promptTokens: number;
  readonly stream: boolean;
  /** Whether a stream ends with what it took. */
  readonly includeUsage: boolean;
}

/** Answers when all is written, or as it is. A client that goes away ends what is written for it. */
export function answer(c: Context, dialect: Dialect, asked: Asked, metrics: Metrics): Response | Promise<Response> {
  return asked.stream ? streamed(c, dialect, asked, metrics) : whole(c, dialect, asked, metrics);
}

/** Stops with the request: when the client goes away, or the answer is not wanted any more. */
function stopper(c: Context): AbortController {
  const controller = new AbortController();
  const { signal } = c.req.raw;
  if (signal.aborted) controller.abort();
  signal.addEventListener('abort', () => controller.abort(), { once: true });
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

async function whole(
  c: Context,
  { head, objects, choice }: Dialect,
  asked: Asked,
  metrics: Metrics,
): Promise<Response> {
  const controller = stopper(c);
  const begins = asked.begins(controller.signal);
  const written = begins.map(() => ({ text: '', tokens: [] as PlacedToken[], finish: 'length' as Written['finish'] }));
  let generated = 0;
  for await (const [i, piece] of timed(together(begins, controller), metrics)) {
    written[i].text += piece.text;
    for (const token of piece.tokens) written[i].tokens.push(token);
    written[i].finish = piece.finish ?? 'length';
    generated += piece.generated;
  }
  const choices = written.map((one, i) => choice(i, one));
  return c.json({ ...head, object: objects.whole, choices, usage: usageOf(asked.promptTokens, generated) });
}

function streamed(c: Context, dialect: Dialect, asked: Asked, metrics: Metrics): Response {
  const controller = stopper(c);
  const { signal } = controller;
  const pieces = together(asked.begins(signal), controller); // a full queue still has a status of its own here
  const events = eventsOf(timed(pieces, metrics), dialect, asked);
  const encoder = new TextEncoder();
  const ended = metrics.endsLater(c);
  const next = async (): Promise<string | undefined> => {
    try {
      const { value, done } = await events.next();
      return done ? undefined : value;
    } catch (error) {
      return signal.aborted && error === signal.reason ? undefined : JSON.stringify(asApiError(error).body);
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
      controller.abort();
      ended();
    },
  });
  return c.body(body, 200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
}

/** The data of each event, the last of which is [DONE]. */
async function* eventsOf(
  pieces: AsyncIterable<readonly [number, Piece]>,
  { head, objects, opening, event }: Dialect,
  { includeUsage, promptTokens }: Asked,
): AsyncGenerator<string> {
  const data = (choices: readonly object[], usage: Usage | null): string =>
    JSON.stringify({ ...head, object: objects.event, choices, ...(includeUsage && { usage }) });
  const opened = new Set<number>();
  let generated = 0;
  for await (const [i, piece] of pieces) {
    if (opening && !opened.has(i)) yield data([opening(i)], null);
    opened.add(i);
    generated += piece.generated;
    yield data([event(i, piece)], null);
  }
  if (includeUsage) yield data([], usageOf(promptTokens, generated));
  yield '[DONE]';
}
