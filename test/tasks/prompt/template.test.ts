import { describe, expect, it } from 'vitest';
import {
  parseLabelTemplate,
  parseTextTemplate,
  renderQuery,
  renderShot,
  verbalizer,
} from '../../../src/tasks/prompt/template.ts';
import { unescapeTemplate } from '../../../src/text/chat/escapes.ts';

describe('a template for labels', () => {
  it('gives shots and questions', () => {
    const template = parseLabelTemplate(unescapeTemplate(String.raw`Text: {text}\nClass: {label}\n\n`));
    const words = verbalizer(['a', 'b'], ['b=bee']);
    expect(renderShot(template, { text: 'one {label}', label: 'b' }, words)).toBe('Text: one {label}\nClass: bee\n\n');
    expect(renderQuery(template, 'two {text}')).toBe('Text: two {text}\nClass: ');
  });

  it('keeps what \\\\n stands for', () => {
    expect(unescapeTemplate(String.raw`a\\nb\tc\q`)).toBe('a\\nb\tc\\q');
  });

  it.each([
    ['{label}: {text}', /must hold \{text\} and behind it \{label\}.*its places are \{label\}, \{text\}/],
    ['{text}', /its places are \{text\}/],
    ['nothing', /its places are none/],
    ['{text} {text} is {label}', /its places are \{text\}, \{text\}, \{label\}/],
    ['{text}{label}', /nothing between/],
    ['{text} is {class}', /a place \{class\}, but only \{text\} and \{label\}/],
  ])('refuses %s', (source, sentence) => {
    expect(() => parseLabelTemplate(source)).toThrow(sentence);
  });
});

it('a template for text may have a place or none', () => {
  expect(parseTextTemplate('Dear {text},')).toEqual({ before: 'Dear ', after: ',', takesText: true });
  expect(parseTextTemplate('Dear all,')).toEqual({ before: 'Dear all,', after: '', takesText: false });
  expect(() => parseTextTemplate('{text} and {text}')).toThrow(/once at most/);
});

describe('words of labels', () => {
  it('are the labels unless others are given; a label may hold =', () => {
    expect([...verbalizer(['x', 'a=b'], ['a=b=c'])]).toEqual([
      ['x', 'x'],
      ['a=b', 'c'],
    ]);
  });

  it.each([
    [['z=word'], /names no label; .* the labels are x, y/],
    [['x='], /label x has no word/],
    [['x=y'], /labels x and y have the same word "y"/],
  ])('%j are refused', (given, sentence) => {
    expect(() => verbalizer(['x', 'y'], given)).toThrow(sentence);
  });
});
