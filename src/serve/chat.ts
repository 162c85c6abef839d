/** POST /v1/chat/completions: what was said, put to the model as it was tuned to be asked. */
import { randomUUID } from 'node:crypto';
import type { Context } from 'hono';
import { promptText } from '../text/chat/chatTemplate.ts';
import { type Asked, answer, type Dialect, openAi } from './answers.ts';
import { readBody } from './body.ts';
import { ApiError } from './errors.ts';
import { type Begin, type PlacedToken, requireFit, settingsOf, stopsOf, write } from './generation.ts';
import type { Metrics } from './metrics.ts';
import type { Models, TextModel } from './models.ts';
import { ChatRequest } from './requests.ts';
import { chatLogprobs } from './tokenLogprobs.ts';

/**
 * What was said as the prompt that the model answers: all of it, a message a line, as fine-tuning reads conversations, in the
 * template that the run was tuned with (or the one that tuning takes when it is told none).
 */
export function chatPrompt(messages: ChatRequest['messages'], { template }: TextModel): string {
  const texts = messages.map(({ content }) =>
    typeof content === 'string' ? content : content.map((part) => part.text).join(''),
  );
  return promptText(template, texts.join('\n'));
}

/** Answers POST /v1/chat/completions. */
export async function chat(c: Context, models: Models, metrics: Metrics): Promise<Response> {
  const request = await readBody(c, ChatRequest);
  const model = models.find(request.model, 'text');
  refuseUnknown(request);
  const prompt = model.tokenizer.encode(chatPrompt(request.messages, model));
  requireFit(prompt, model, 'messages');
  const { logprobs, top_logprobs: top, n, max_completion_tokens, max_tokens } = request;
  const tokens = max_completion_tokens ?? max_tokens ?? model.model.config.blockSize;
  const sequence = { ...settingsOf(request, model), prompt, tokens, logprobs: logprobs ? top : undefined };
  const stops = [...stopsOf(request), model.template.after];
  const asked: Asked = {
    begins: (signal) =>
      Array.from(
        { length: n },
        (_, choice): Begin =>
          () =>
            write(model, { ...sequence, choice }, stops, signal),
      ),
    ...{ promptTokens: prompt.length, stream: request.stream },
  };
  return answer(c, openAi(dialectOf(model, logprobs), request.stream_options.include_usage), asked, metrics);
}

/** @throws ApiError for what is asked for and not done */
function refuseUnknown({ tools, functions, response_format, ...request }: ChatRequest): void {
  if (tools.length > 0 || functions.length > 0) {
    throw new ApiError(400, 'tools are not supported: the model answers with text alone.', null, 'tools');
  }
  if (response_format.type !== 'text') {
    throw new ApiError(400, 'response_format must be of the type text.', null, 'response_format');
  }
  for (const field of ['max_completion_tokens', 'max_tokens'] as const) {
    if (request[field] === 0) throw new ApiError(400, `${field} must be 1 or more.`, null, field);
  }
  if (request.top_logprobs > 0 && !request.logprobs) {
    throw new ApiError(400, 'top_logprobs must come with logprobs: true.', null, 'top_logprobs');
  }
}

/** How chats are told. */
function dialectOf({ name, tokenizer }: TextModel, logprobs: boolean): Dialect {
  const told = (tokens: readonly PlacedToken[]) => (logprobs ? chatLogprobs(tokenizer, tokens) : null);
  return {
    head: { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: name },
    objects: { whole: 'chat.completion', event: 'chat.completion.chunk' },
    choice: (index, { text, tokens, finish }) => ({
      ...{ index, message: { role: 'assistant', content: text, refusal: null } },
      ...{ logprobs: told(tokens), finish_reason: finish },
    }),
    opening: (index) => ({
      ...{ index, delta: { role: 'assistant', content: '', refusal: null }, logprobs: null, finish_reason: null },
    }),
    event: (index, { text, tokens, finish = null }) => ({
      ...{ index, delta: text === '' ? {} : { content: text }, logprobs: told(tokens), finish_reason: finish },
    }),
  };
}
