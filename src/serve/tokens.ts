/** Texts as tokens and back, as vLLM's clients (lm-evaluation-harness among them) and those of llama.cpp ask for it. */
import type { Context } from 'hono';
import { openingTokens } from '../train/samples.ts';
import { readBody } from './body.ts';
import { chatPrompt } from './chat.ts';
import { ApiError } from './errors.ts';
import { requireId } from './generation.ts';
import { contextOf, type Models, tokenizerOf } from './models.ts';
import { DetokenizeRequest, TokenizeRequest } from './requests.ts';
import { tokenName } from './tokenLogprobs.ts';

/** POST /tokenize. Of special tokens there are none, so that asking for them changes nothing. */
export async function tokenize(c: Context, models: Models): Promise<Response> {
  const { model: name, prompt, content, messages, with_pieces } = await readBody(c, TokenizeRequest);
  const served = models.any(name);
  const tokenizer = tokenizerOf(served);
  const text = messages ? chatPrompt(messages, models.find(name, 'text')) : (prompt ?? content);
  if (text === undefined) {
    throw new ApiError(
      400,
      'prompt (or content, or messages) is missing: there is nothing to tokenize.',
      null,
      'prompt',
    );
  }
  const ids = tokenizer.encode(text);
  const tokens = with_pieces ? ids.map((id) => ({ id, piece: tokenName(tokenizer, id) })) : ids;
  return c.json({ tokens, count: ids.length, max_model_len: contextOf(served) });
}

/** POST /detokenize: the text under both names. */
export async function detokenize(c: Context, models: Models): Promise<Response> {
  const { model, tokens } = await readBody(c, DetokenizeRequest);
  const tokenizer = tokenizerOf(models.any(model));
  for (const id of tokens) requireId(id, tokenizer.vocabSize, 'tokens');
  const text = tokenizer.decode(tokens);
  return c.json({ prompt: text, content: text });
}

/**
 * GET /tokenizer_info. What a text begins with (where evaluations need something before its first token) is what the model is
 * given when there is no prompt.
 */
export function tokenizerInfo(c: Context, models: Models): Response {
  const served = models.any(c.req.query('model'));
  const tokenizer = tokenizerOf(served);
  const { eos } = tokenizer;
  return c.json({
    ...{ tokenizer_class: 'dawnlm', kind: tokenizer.kind, vocab_size: tokenizer.vocabSize },
    ...{ model_max_length: contextOf(served), bos_token: tokenizer.decode(openingTokens(tokenizer)) },
    ...{ eos_token: eos === undefined ? null : tokenizer.decode([eos]), pad_token: null, unk_token: null },
    chat_template: served.task === 'text' ? jinjaOf(served.template) : null,
  });
}

/** The template as Hugging Face's programs read one. */
function jinjaOf({ before, between }: { readonly before: string; readonly between: string }): string {
  const said =
    "{% for message in messages %}{{ message['content'] }}{% if not loop.last %}{{ newline }}{% endif %}{% endfor %}";
  const text = (literal: string): string => `{{ ${JSON.stringify(literal)} }}`;
  return `${text(before)}${said.replace('newline', JSON.stringify('\n'))}${text(between)}`;
}
