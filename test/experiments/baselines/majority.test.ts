import { expect, it } from 'vitest';
import { Majority } from '../../../experiments/baselines/majority.ts';
import { UserError } from '../../../src/errors.ts';

const examples = ['b', 'a', 'b', 'b'].map((label) => ({ text: `text of ${label}`, label }));

it('says how frequent each class was, whatever the text', () => {
  expect([...new Majority(examples, ['a', 'b', 'c']).probabilities()]).toEqual([0.25, 0.75, 0]);
});

it('refuses no examples and labels that are no class', () => {
  expect(() => new Majority([], ['a'])).toThrow(UserError);
  expect(() => new Majority(examples, ['a'])).toThrow(/"b" is not among the classes a/);
});
