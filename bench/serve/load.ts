/** Load for a server that speaks OpenAI's streaming completions: requests from so many streams, and what became of each. */
import { setTimeout as pause } from 'node:timers/promises';
import { quantile } from 'simple-statistics';
import { threefry } from '../../src/tensor/random.ts';

/** The least and the most of a number that is drawn anew for each request. */
export type Range = readonly [least: number, most: number];

export interface Load {
  /** Of the server, without /v1. */
  readonly url: string;
  readonly key?: string;
  readonly model: string;
  /** Requests that are open at once: each stream sends the next one when the one before has ended. */
  readonly streams: number;
  /** Requests are begun for so long, or until there were so many. */
  readonly seconds?: number;
  readonly requests?: number;
  /** Tokens of a prompt, and to be generated. */
  readonly prompt: Range;
  readonly tokens: Range;
  /** Prompts are token ids below this; without it they are words. */
  readonly vocabSize?: number;
  /** Share of the requests whose client goes away in the middle. */
  readonly disconnects: number;
  readonly seed: number;
}

/** Percentiles, in ms. */
export interface Latency {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export interface LoadResult {
  /** Requests that were answered to the end; that their client left; and of the others what went wrong, each message once. */
  readonly answered: number;
  readonly cut: number;
  readonly failed: number;
  readonly failures: readonly string[];
  /** Answers of status 429, after which a request was sent again. */
  readonly refused: number;
  /** Tokens that came, and the time from the first request to the last end. */
  readonly tokens: number;
  readonly wallMs: number;
  /** From a request to its first piece of text. */
  readonly first: Latency;
  /** From one piece of text to the next. */
  readonly gap: Latency;
}

/** A request as it is sent. */
interface Plan {
  readonly prompt: readonly number[] | string;
  readonly tokens: number;
  /** Pieces after which the client leaves. */
  readonly leaves: number;
  readonly seed: number;
}

/** What is collected. */
interface Tally {
  answered: number;
  cut: number;
  refused: number;
  tokens: number;
  readonly failures: string[];
  readonly first: number[];
  readonly gaps: number[];
}

const WORDS = 'the whale and the sea were white as the old ship went down to it in a storm of snow'.split(' ');

function planOf({ seed, prompt, tokens, vocabSize, disconnects }: Load, i: number): Plan {
  const draw = (what: number, [least, most]: Range) => least + (threefry(seed, what, i, 0)[0] % (most - least + 1));
  const length = draw(1, prompt);
  const wanted = draw(2, tokens);
  const leaves =
    threefry(seed, 3, i, 0)[0] / 2 ** 32 < disconnects ? draw(4, [0, wanted - 1]) : Number.POSITIVE_INFINITY;
  const numbers = Array.from({ length }, (_, t) => threefry(seed, 5, i, t)[0]);
  const text = vocabSize ? numbers.map((n) => n % vocabSize) : numbers.map((n) => WORDS[n % WORDS.length]).join(' ');
  return { prompt: text, tokens: wanted, leaves, seed: seed + i };
}

/** Sends the load, and waits until all of it has ended. */
export async function runLoad(load: Load): Promise<LoadResult> {
  const tally: Tally = { answered: 0, cut: 0, refused: 0, tokens: 0, failures: [], first: [], gaps: [] };
  const startedAt = performance.now();
  const over = (i: number): boolean =>
    i >= (load.requests ?? Number.POSITIVE_INFINITY) ||
    performance.now() - startedAt > 1000 * (load.seconds ?? Number.POSITIVE_INFINITY);
  let next = 0;
  const stream = async (): Promise<void> => {
    for (let i = next++; !over(i); i = next++) {
      const leaving = new AbortController();
      await send(load, planOf(load, i), tally, leaving).catch((error: Error) => {
        if (leaving.signal.aborted) tally.cut++;
        else tally.failures.push(explain(error));
      });
    }
  };
  await Promise.all(Array.from({ length: load.streams }, stream));
  const { failures, first, gaps, ...counts } = tally;
  return {
    ...counts,
    ...{ failed: failures.length, failures: [...new Set(failures)].slice(0, 5) },
    ...{ wallMs: performance.now() - startedAt, first: latencyOf(first), gap: latencyOf(gaps) },
  };
}

const explain = ({ message, cause }: Error): string =>
  cause instanceof Error ? `${message}: ${cause.message}` : message;

function latencyOf(timesMs: readonly number[]): Latency {
  const at = (share: number) => (timesMs.length > 0 ? quantile(timesMs as number[], share) : Number.NaN);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

/** Sends a request, again where the server asks for patience, and reads what comes. @throws whatever went wrong, also when it leaves */
async function send(load: Load, plan: Plan, tally: Tally, leaving: AbortController): Promise<void> {
  const sentAt = performance.now();
  const response = await fetch(`${load.url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(load.key && { authorization: `Bearer ${load.key}` }) },
    body: JSON.stringify({
      ...{ model: load.model, prompt: plan.prompt, max_tokens: plan.tokens, seed: plan.seed, temperature: 1 },
      ...{ stream: true, stream_options: { include_usage: true } },
    }),
    signal: leaving.signal,
  });
  if (response.status === 429) {
    tally.refused++;
    await response.text();
    await pause(1000 * Number(response.headers.get('retry-after') ?? 1));
    return send(load, plan, tally, leaving);
  }
  if (!response.ok) throw new Error(`status ${response.status}: ${(await response.text()).slice(0, 200)}`);
  let pieces = 0;
  let beforeAt = sentAt;
  let finished = false;
  if (plan.leaves === 0) leaving.abort();
  for await (const event of eventsOf(response)) {
    if (event.error) throw new Error(event.error.message);
    if (event.usage) tally.tokens += event.usage.completion_tokens;
    const [choice] = event.choices ?? [];
    finished ||= choice?.finish_reason !== undefined && choice.finish_reason !== null;
    if (!choice?.text) continue;
    const now = performance.now();
    (pieces === 0 ? tally.first : tally.gaps).push(now - beforeAt);
    beforeAt = now;
    if (++pieces === plan.leaves) leaving.abort();
  }
  leaving.signal.throwIfAborted();
  if (!finished) throw new Error('an answer ended without a finish_reason');
  tally.answered++;
}

/** What of an event is read. */
interface CompletionEvent {
  readonly choices?: readonly { readonly text?: string; readonly finish_reason?: string | null }[];
  readonly usage?: { readonly completion_tokens: number } | null;
  readonly error?: { readonly message: string };
}

/** Server-sent events, to the one that says [DONE]. @throws Error where that does not come */
async function* eventsOf(response: Response): AsyncGenerator<CompletionEvent> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(bytes, { stream: true });
    const events = text.split('\n\n');
    text = events.pop()!;
    for (const event of events) {
      const data = /^data: ?(.*)$/m.exec(event)?.[1];
      if (data === '[DONE]') return;
      if (data) yield JSON.parse(data) as CompletionEvent;
    }
  }
  throw new Error('the answer was cut off');
}
