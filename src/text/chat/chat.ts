/** Prompts with the answers that are wanted, from JSON lines. */
import { UserError } from '../../errors.ts';
import { quote } from '../../quote.ts';
import { jsonLines } from '../labels/labelled.ts';

/** What is given, and what the model should say then; neither is empty. */
export interface PromptAnswer {
  readonly prompt: string;
  readonly answer: string;
}

const EXPECTED =
  'expected {"prompt": "...", "answer": "..."} or {"messages": [{"role": "user", "content": "..."}, ...]}';

/**
 * Reads JSON lines of prompt and answer, or of a conversation in `messages`: each of its answers (role assistant) becomes an
 * example whose prompt is all that was said before it, a message a line. Spaces are kept as they are.
 * @param name what errors call the file
 * @throws UserError naming the line that is broken, empty, or of another shape
 */
export function readChat(content: string, name = 'the file'): PromptAnswer[] {
  const examples = jsonLines(content.replace(/^\uFEFF/, ''), name).flatMap(({ fields, line }) =>
    examplesOf(fields, `${name}, line ${line}`),
  );
  if (examples.length === 0) throw new UserError(`${name} holds no prompts and answers; ${EXPECTED} a line`);
  return examples;
}

function examplesOf(fields: Readonly<Record<string, unknown>>, where: string): PromptAnswer[] {
  if (Array.isArray(fields.messages)) return conversation(fields.messages, where);
  return [{ prompt: filled(fields.prompt, 'prompt', where), answer: filled(fields.answer, 'answer', where) }];
}

function filled(value: unknown, field: string, where: string): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  const what = value === undefined ? 'is missing' : typeof value === 'string' ? 'is empty' : 'is no text';
  throw new UserError(`${where}: "${field}" ${what}; ${EXPECTED}`);
}

function conversation(messages: readonly unknown[], where: string): PromptAnswer[] {
  const said: string[] = [];
  const examples: PromptAnswer[] = [];
  for (const message of messages) {
    const { role, content } = (message ?? {}) as { role?: unknown; content?: unknown };
    if (role !== 'system' && role !== 'user' && role !== 'assistant') {
      throw new UserError(`${where}: a message must have the role system, user or assistant, got ${quote(role)}`);
    }
    const text = filled(content, 'content', where);
    if (role === 'assistant') {
      if (said.length === 0)
        throw new UserError(`${where}: the conversation begins with an answer; a prompt must come first`);
      examples.push({ prompt: said.join('\n'), answer: text });
    }
    said.push(text);
  }
  if (examples.length === 0)
    throw new UserError(`${where}: the conversation has no answer (a message of the role assistant)`);
  return examples;
}
