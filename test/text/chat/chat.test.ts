import { expect, it } from 'vitest';
import { readChat } from '../../../src/text/chat/chat.ts';

const read = (...lines: unknown[]) =>
  readChat(lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'), 'chat.jsonl');

it('prompts and answers are read, their spaces kept', () => {
  expect(read({ prompt: ' Q: ', answer: 'A\n' }, '')).toEqual([{ prompt: ' Q: ', answer: 'A\n' }]);
});

it('a conversation gives an example for each answer', () => {
  const messages = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: 'Hello' },
    { role: 'user', content: 'Bye' },
    { role: 'assistant', content: 'Farewell' },
  ];
  expect(read({ messages })).toEqual([
    { prompt: 'Be brief.\nHi', answer: 'Hello' },
    { prompt: 'Be brief.\nHi\nHello\nBye', answer: 'Farewell' },
  ]);
});

const turn = (role: string, content = 'x') => ({ role, content });
it.each([
  ['a broken line', ['{"prompt": "a", "answer": "b"}', '{'], /chat\.jsonl, line 2: it is not JSON/],
  ['no answer', [{ prompt: 'a' }], /line 1: "answer" is missing; expected \{"prompt"/],
  ['an empty prompt', [{ prompt: ' ', answer: 'a' }], /"prompt" is empty/],
  ['a number', [{ prompt: 'a', answer: 3 }], /"answer" is no text/],
  ['an unknown role', [{ messages: [turn('robot')] }], /role system, user or assistant, got "robot"/],
  ['an answer first', [{ messages: [turn('assistant')] }], /begins with an answer/],
  ['no answer in a conversation', [{ messages: [turn('user')] }], /has no answer/],
  ['nothing', [''], /chat\.jsonl holds no prompts and answers/],
])('%s is refused', (_, lines, sentence) => expect(() => read(...lines)).toThrow(sentence));
