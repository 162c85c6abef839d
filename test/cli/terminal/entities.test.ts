import { expect, it } from 'vitest';
import { markEntities } from '../../../src/cli/terminal/entities.ts';

const text = 'Anna met Bob.';
const entities = [
  { type: 'PER', start: 0, end: 4, text: 'Anna' },
  { type: 'ORG', start: 9, end: 12, text: 'Bob' },
];
const types = ['PER', 'ORG'];

it('puts brackets where there is no terminal', () => {
  expect(markEntities(text, entities, { types, color: false })).toBe('[Anna PER] met [Bob ORG].');
  expect(markEntities(text, [], { types, color: false })).toBe(text);
});

it('colours by type, and changes nothing else', () => {
  const marked = markEntities(text, entities, { types, color: true });
  expect(marked).toContain('\x1b[1;32mAnna\x1b[0m\x1b[2m PER\x1b[0m');
  expect(marked).toContain('\x1b[1;34mBob\x1b[0m');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  expect(marked.replace(/\x1b\[2m.*?\x1b\[0m|\x1b\[[\d;]*m/g, '')).toBe(text);
});

it('colours what a text holds, and shows the control characters in it', () => {
  const steered = [{ type: 'P\x1b[2J', start: 0, end: 3, text: 'A\u009bb' }];
  const marked = markEntities('A\u009bb\x07', steered, { types: ['P\x1b[2J'], color: true });
  expect(marked).toBe('\x1b[1;34mA\\u009bb\x1b[0m\x1b[2m P\\u001b[2J\x1b[0m\\u0007');
});
