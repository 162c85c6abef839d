/** POST /infill: what stands between two texts, asked for and told as llama.cpp's server does, which editors know. */
import type { Context } from 'hono';
import { type Hole, holePrompt, MARK_TEXTS, spaceBefore } from '../text/windows/fillInMiddle.ts';
import { type Asked, answer, type Telling, type Usage } from './answers.ts';
import { readBody } from './body.ts';
import { ApiError } from './errors.ts';
import { nothing, type Piece, settingsOf, stopsOf, write } from './generation.ts';
import type { Metrics } from './metrics.ts';
import type { Models, TextModel } from './models.ts';
import { InfillRequest } from './requests.ts';

/** Answers POST /infill. */
export async function infill(c: Context, models: Models, metrics: Metrics): Promise<Response> {
  const request = await readBody(c, InfillRequest);
  const model = models.findFilling(request.model);
  const { input_extra, input_prefix, input_suffix: suffix, n_predict, stream } = request;
  // of the order that is read, the suffix first, what stands before is one text
  const prefix = [...input_extra.map(({ text }) => text), input_prefix, request.prompt].join('');
  const wanted = n_predict < 0 ? Number.POSITIVE_INFINITY : n_predict;
  const { ids, tokens, space } = promptOfHole({ prefix, suffix }, wanted, model, 'input_suffix');
  const sequence = { ...settingsOf(writingOf(request), model), prompt: ids, tokens };
  const stops = [...stopsOf(request), ...MARK_TEXTS];
  const asked: Asked = {
    begins: (signal) => [() => (tokens === 0 ? nothing() : write(model, sequence, stops, signal, space))],
    ...{ promptTokens: ids.length, stream },
  };
  return answer(c, tellingOf(model), asked, metrics);
}

/** As other endpoints call the same things. */
function writingOf({ seed = -1, repeat_penalty, repetition_penalty, ...request }: InfillRequest) {
  return {
    ...request,
    seed: seed < 0 ? undefined : seed,
    repetition_penalty: repeat_penalty === 1 ? repetition_penalty : repeat_penalty,
  };
}

/**
 * What is read before the middle of a hole is written, how many tokens that may have, and the white space with which it should
 * begin: what stands around it gives way, what is furthest first, down to half of the context.
 * @throws ApiError for a model that was not trained for it
 */
export function promptOfHole(
  hole: Hole,
  wanted: number,
  { fills, name, tokenizer, model }: TextModel,
  field: string,
): { ids: number[]; tokens: number; space: string } {
  if (!fills) {
    throw new ApiError(400, `${name} writes at the end alone: it was not trained with --fill-in-middle.`, null, field);
  }
  const { blockSize } = model.config;
  const ids = holePrompt(tokenizer, hole, Math.max(blockSize - wanted, Math.ceil(blockSize / 2)));
  return { ids, tokens: Math.min(wanted, blockSize - ids.length), space: spaceBefore(hole) };
}

/** How llama.cpp's server tells what is written: the last event of a stream has the totals, and nothing comes behind it. */
function tellingOf({ name: model }: TextModel): Telling {
  const told = (content: string, end: Pick<Piece, 'finish' | 'stoppedBy'>, usage: Usage): object => ({
    ...{ index: 0, content, stop: end.finish !== undefined, model },
    ...{ tokens_predicted: usage.completion_tokens, tokens_evaluated: usage.prompt_tokens },
    ...(end.finish && endOf(end)),
  });
  return {
    whole: ([{ text, ...end }], usage) => told(text, end, usage),
    event: (_, { text, ...end }, usage) => told(text, end, usage),
    ending: () => [],
  };
}

/** Why a text ends: the model met the suffix, a text came that was to stop it, or it is as long as it may be. */
function endOf({ finish, stoppedBy }: Pick<Piece, 'finish' | 'stoppedBy'>) {
  const isWord = finish === 'stop' && stoppedBy !== undefined && !MARK_TEXTS.includes(stoppedBy);
  if (isWord) return { stop_type: 'word', stopping_word: stoppedBy };
  return { stop_type: finish === 'length' ? 'limit' : 'eos', stopping_word: '' };
}
