/** POST /v1/completions: texts that go on from prompts, as OpenAI had it; and scores of prompts, as evaluations ask for them. */
import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import { StreamDecoder } from '../text/tokenizers/tokenizer.ts';
import { MARK_TEXTS } from '../text/windows/fillInMiddle.ts';
import { LINE_END, tokensBefore } from '../train/samples.ts';
import { type Asked, answer, type Dialect, openAi } from './answers.ts';
import { readBody } from './body.ts';
import { ApiError } from './errors.ts';
import {
  type Begin,
  characters,
  nothing,
  type Piece,
  type PlacedToken,
  patiently,
  requireFit,
  requireId,
  settingsOf,
  stopsOf,
  write,
} from './generation.ts';
import { promptOfHole } from './infill.ts';
import type { Metrics } from './metrics.ts';
import type { Models, TextModel } from './models.ts';
import { CompletionRequest } from './requests.ts';
import { completionLogprobs } from './tokenLogprobs.ts';

/** Sequences of one request at most: prompts times choices. */
const MOST_SEQUENCES = 2048;

/**
 * A prompt as text and as ids, and how many tokens may be written after it. What the model begins with when the prompt is empty, or a line of
 * its own, is no part of the text.
 */
interface Prompt {
  readonly text: string;
  readonly ids: readonly number[];
  /** Of the ids, those before the text. */
  readonly opening: number;
  /** Between text and what is told of as written; it should be written first. */
  readonly space?: string;
  readonly tokens: number;
}

/** Answers POST /v1/completions. */
export async function completions(c: Context, models: Models, metrics: Metrics): Promise<Response> {
  const request = await readBody(c, CompletionRequest);
  const model = request.suffix ? models.findFilling(request.model) : models.find(request.model, 'text');
  refuseUnknown(request);
  const prompts = promptsOf(request, model);
  if (prompts.length * request.n > MOST_SEQUENCES) {
    throw new ApiError(400, `A request may ask for ${MOST_SEQUENCES} sequences at most: prompts times n.`, null, 'n');
  }
  const settings = settingsOf(request, model);
  const asked: Asked = {
    begins: (signal) => beginsOf(model, request, prompts, settings, signal),
    promptTokens: prompts.reduce((sum, { ids }) => sum + ids.length, 0),
    stream: request.stream,
  };
  return answer(c, openAi(dialectOf(model, request), request.stream_options.include_usage), asked, metrics);
}

/** @throws ApiError for what is asked for and not done */
function refuseUnknown({ best_of, n, suffix, echo, max_tokens }: CompletionRequest): void {
  if (best_of !== undefined && best_of !== n) {
    throw new ApiError(400, `best_of must be n, ${n}, or be left out: choices are not ranked.`, null, 'best_of');
  }
  if (suffix && echo) throw new ApiError(400, 'echo and suffix exclude one another.', null, 'suffix');
  if (max_tokens === 0 && !echo) throw new ApiError(400, 'max_tokens may be 0 only with echo.', null, 'max_tokens');
}

function promptsOf({ prompt, suffix, max_tokens: tokens }: CompletionRequest, model: TextModel): Prompt[] {
  const isIds = (list: readonly unknown[]): list is number[] => typeof list[0] === 'number';
  const all = typeof prompt === 'string' || isIds(prompt) ? [prompt] : prompt;
  const texts = all.map((one) => (typeof one === 'string' ? textPrompt(one, model) : idPrompt(one, model)));
  if (suffix)
    return texts.map(({ text }) => ({
      ...{ text, opening: 0 },
      ...promptOfHole({ prefix: text, suffix }, tokens, model, 'suffix'),
    }));
  for (const { ids } of texts) requireFit(ids, model, 'prompt');
  return texts.map((one) => ({ ...one, tokens }));
}

type Text = Omit<Prompt, 'tokens'>;

function textPrompt(text: string, { tokenizer, wholeLines }: TextModel): Text {
  const before = tokensBefore(tokenizer, text, { wholeLines });
  return { text, ids: [...before, ...tokenizer.encode(text)], opening: before.length };
}

function idPrompt(ids: readonly number[], { tokenizer }: TextModel): Text {
  for (const id of ids) requireId(id, tokenizer.vocabSize, 'prompt');
  return { text: tokenizer.decode(ids), ids, opening: 0 };
}

/** Each prompt's choices, prompt by prompt. */
function beginsOf(
  model: TextModel,
  request: CompletionRequest,
  prompts: readonly Prompt[],
  settings: ReturnType<typeof settingsOf>,
  signal: AbortSignal,
): Begin[] {
  const { logprobs, echo, n, suffix } = request;
  const ends = stopsOf(request);
  const lineEnd = model.wholeLines && ends.length === 0 ? [LINE_END] : [];
  const stops = [...ends, ...lineEnd, ...(suffix ? MARK_TEXTS : [])];
  return prompts.flatMap((prompt) =>
    Array.from({ length: n }, (_, choice): Begin => {
      const sequence = { ...settings, prompt: prompt.ids, tokens: prompt.tokens, logprobs, choice };
      const begin = (): AsyncGenerator<Piece> =>
        sequence.tokens === 0 ? nothing() : write(model, sequence, stops, signal, prompt.space);
      return echo ? () => echoed(model, prompt, logprobs, () => patiently(begin, signal)) : begin;
    }),
  );
}

/** The prompt, scored where log-probabilities are asked for, and then what is written behind it. */
async function* echoed(
  { scheduler, tokenizer }: TextModel,
  { text, ids: all, opening }: Prompt,
  logprobs: number | undefined,
  begin: () => Promise<AsyncGenerator<Piece>>,
): AsyncGenerator<Piece> {
  const scored = logprobs === undefined || text === '' ? [] : (await scheduler.score(all, logprobs)).slice(opening);
  const ids = all.slice(opening);
  const places = new StreamDecoder(tokenizer);
  let offset = 0;
  const tokens = scored.map((token, i): PlacedToken => {
    const placed = { ...(token ?? { id: ids[i] }), offset };
    offset += characters(places.push(ids[i]));
    return placed;
  });
  yield { text, tokens, generated: 0 };
  const shift = characters(text);
  for await (const piece of await begin()) {
    yield { ...piece, tokens: piece.tokens.map((token) => ({ ...token, offset: token.offset + shift })) };
  }
}

/** How completions are told. */
function dialectOf({ name, tokenizer }: TextModel, { logprobs }: CompletionRequest): Dialect {
  const told = (tokens: readonly PlacedToken[]) =>
    logprobs === undefined ? null : completionLogprobs(tokenizer, tokens);
  return {
    head: { id: `cmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: name },
    objects: { whole: 'text_completion', event: 'text_completion' },
    choice: (index, { text, tokens, finish }) => ({ text, index, logprobs: told(tokens), finish_reason: finish }),
    event: (index, { text, tokens, finish = null }) => ({ text, index, logprobs: told(tokens), finish_reason: finish }),
  };
}
