import { UserError } from '../errors.ts';
import { NO_FILTERS } from '../kernels/sampling/settings.ts';
import { Generator } from '../model/generate.ts';
import type { GPT } from '../model/gpt.ts';
import type { Sample } from '../report/data.ts';
import type { Tokenizer } from '../text/tokenizers/tokenizer.ts';

/** How many are drawn at the end of a run, and how long each is. */
export const SAMPLES = { count: 3, tokens: 240 } as const;
const SETTINGS = { ...NO_FILTERS, temperature: 0.8 };

/**
 * What a model is given to begin with when nobody says anything: the token with which texts begin, or that ends the one before;
 * a new line where there is neither; and where the tokenizer has none of it, its first token.
 */
export function openingTokens(tokenizer: Tokenizer): number[] {
  const begin = tokenizer.bos ?? tokenizer.eos;
  if (begin !== undefined) return [begin];
  try {
    return tokenizer.encode('\n');
  } catch (error) {
    if (error instanceof UserError) return [0];
    throw error;
  }
}

/** Ends what a model of whole lines writes. */
export const LINE_END = '\n';

/**
 * What a model reads before a prompt: what it begins with where the prompt is empty, and of a model of whole lines, which predicts a line from
 * the end of the one before, that end.
 */
export function tokensBefore(
  tokenizer: Tokenizer,
  prompt: string,
  { wholeLines = false }: { readonly wholeLines?: boolean } = {},
): number[] {
  const opened = prompt === '' || (wholeLines && !prompt.startsWith(LINE_END));
  return opened ? openingTokens(tokenizer) : [];
}

/** Some samples of a model at the end of its training. */
export async function drawSamples(model: GPT, tokenizer: Tokenizer, seed: number): Promise<Sample[]> {
  const prompt = openingTokens(tokenizer);
  const sequences: number[][] = Array.from({ length: SAMPLES.count }, () => []);
  const generator = new Generator(model, SAMPLES.count);
  const prompts = sequences.map(() => prompt);
  for await (const { tokens } of generator.generate(prompts, { ...SETTINGS, tokens: SAMPLES.tokens, seed })) {
    tokens.forEach((token, b) => {
      sequences[b].push(token);
    });
  }
  const settings = { temperature: SETTINGS.temperature, tokens: SAMPLES.tokens, seed };
  return sequences.map((ids) => ({ prompt: tokenizer.decode(prompt), text: tokenizer.decode(ids), settings }));
}
