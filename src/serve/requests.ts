/** What requests may hold. Fields that are not here are ignored, as OpenAI's clients expect; null is as good as absent. */
import { z } from 'zod';

const ids = z.array(z.int().min(0)).min(1);

/** Sequences of one request at most. */
export const MOST_CHOICES = 128;
/** Alternatives of a token at most. */
export const MOST_ALTERNATIVES = 20;
/** Tokens of one answer at most: the context moves on, so that there is no other end. */
const MOST_TOKENS = 65_536;

const tokens = z.int().min(0).max(MOST_TOKENS);
const penalty = z.number().min(-2).max(2).default(0);
const alternatives = z.int().min(0).max(MOST_ALTERNATIVES);
const model = z.string().optional();

/** What completions and chat have in common. Fields that OpenAI lacks are called as vLLM and llama.cpp call them. */
const writing = {
  model,
  temperature: z.number().min(0).max(100).default(1),
  top_p: z.number().min(0).max(1).default(1),
  top_k: z.int().min(-1).default(0),
  min_p: z.number().min(0).max(1).default(0),
  repetition_penalty: z.number().min(0.01).max(100).default(1),
  presence_penalty: penalty,
  frequency_penalty: penalty,
  logit_bias: z
    .record(z.string().regex(/^\d{1,10}$/), z.number().min(-100).max(100))
    .default({})
    .meta({ title: 'an object of token ids, each with a number from -100 to 100' }),
  seed: z.int().optional(),
  n: z.int().min(1).max(MOST_CHOICES).default(1),
  stop: z
    .union([z.string(), z.array(z.string()).max(16)])
    .default([])
    .meta({ title: 'a text, or a list of 16 texts at most' }),
  stream: z.boolean().default(false),
  stream_options: z.object({ include_usage: z.boolean().default(false) }).default({ include_usage: false }),
};

/** POST /v1/completions */
export const CompletionRequest = z.object({
  ...writing,
  prompt: z
    .union([z.string(), ids, z.array(z.string()).min(1), z.array(ids).min(1)])
    .default('')
    .meta({ title: 'a text, a list of texts, a list of token ids, or a list of such lists' }),
  max_tokens: tokens.default(16),
  logprobs: alternatives.optional(),
  echo: z.boolean().default(false),
  best_of: z.int().min(1).optional(),
  suffix: z.string().optional(),
});
export type CompletionRequest = z.infer<typeof CompletionRequest>;

const { n: _, stream_options: __, ...alone } = writing;

/** POST /infill, with the names and the defaults of llama.cpp's server: seeds below 0 ask for any, and n_predict of -1 for all that fits. */
export const InfillRequest = z.object({
  ...alone,
  input_prefix: z.string().default(''),
  input_suffix: z.string().default(''),
  input_extra: z.array(z.object({ text: z.string().default('') })).default([]),
  prompt: z.string().default(''),
  n_predict: z.int().min(-1).max(MOST_TOKENS).default(-1),
  temperature: writing.temperature.default(0.8),
  top_k: writing.top_k.default(40),
  top_p: writing.top_p.default(0.95),
  min_p: writing.min_p.default(0.05),
  repeat_penalty: writing.repetition_penalty,
});
export type InfillRequest = z.infer<typeof InfillRequest>;

const Part = z.object({ type: z.literal('text'), text: z.string() });

/** POST /v1/chat/completions */
export const ChatRequest = z.object({
  ...writing,
  messages: z
    .array(
      z.object({
        role: z.enum(['system', 'developer', 'user', 'assistant']),
        content: z.union([z.string(), z.array(Part)]).meta({ title: 'a text, or a list of parts of the type text' }),
      }),
    )
    .min(1),
  max_tokens: tokens.optional(),
  max_completion_tokens: tokens.optional(),
  logprobs: z.boolean().default(false),
  top_logprobs: alternatives.default(0),
  tools: z.array(z.unknown()).default([]),
  functions: z.array(z.unknown()).default([]),
  response_format: z.looseObject({ type: z.string() }).default({ type: 'text' }),
});
export type ChatRequest = z.infer<typeof ChatRequest>;

/** What both kinds of requests ask of the model. */
export type WritingRequest = z.infer<z.ZodObject<typeof writing>>;

/** POST /tokenize: `prompt` as vLLM has it, `content` as llama.cpp has it, `messages` for a chat. */
export const TokenizeRequest = z.object({
  model,
  prompt: z.string().optional(),
  content: z.string().optional(),
  messages: ChatRequest.shape.messages.optional(),
  with_pieces: z.boolean().default(false),
});

/** POST /detokenize */
export const DetokenizeRequest = z.object({ model, tokens: z.array(z.int().min(0)) });

/** POST /v1/classify and /v1/tag */
export const LabelRequest = z.object({
  model,
  input: z
    .union([z.string(), z.array(z.string()).min(1).max(1024)])
    .meta({ title: 'a text, or a list of 1 to 1,024 texts' }),
});
