import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import { quote } from '../../quote.ts';
import { unescapeTemplate } from './escapes.ts';

/** How a prompt and its answer become one text. A model that was tuned with one is prompted with the same. */
export const ChatTemplate = z.object({
  before: z.string(),
  between: z.string().min(1),
  /** What ends an answer: a model that was tuned writes it, and then is done. */
  after: z.string().min(1),
});
export type ChatTemplate = z.infer<typeof ChatTemplate>;

/** Prompt and answer on lines of their own, and an empty one. */
export const DEFAULT_TEMPLATE = '{prompt}\n{answer}\n\n';

/** Reads '{prompt}' and '{answer}' with text around them, in which `unescapeTemplate` finds its signs. @throws UsageError when it is none */
export function parseTemplate(template: string): ChatTemplate {
  const parts = unescapeTemplate(template).split(/\{(prompt|answer)\}/);
  const [before, first, between, second, after] = parts;
  if (parts.length === 5 && first === 'prompt' && second === 'answer' && between !== '' && after !== '') {
    return { before, between, after };
  }
  throw new UsageError(
    `a template holds {prompt}, then {answer}, each once, and text between and after them; got ${quote(template)}, and ${quote(DEFAULT_TEMPLATE)} would do`,
  );
}

/** What a model is given to answer. */
export const promptText = ({ before, between }: ChatTemplate, prompt: string): string => before + prompt + between;
