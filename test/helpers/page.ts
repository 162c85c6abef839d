/** Looks at HTML pages without a browser. */
import { expect } from 'vitest';

const VOID = new Set(['!doctype', 'meta', 'link', 'br', 'img', 'hr']);

/** The page without its style and script, which hold no markup of ours. */
export const bodyOf = (page: string): string => page.replace(/<(style|script)>[\s\S]*?<\/\1>/g, '<$1></$1>');

/** Fails unless every element is closed, in order. */
export function expectWellFormed(page: string): void {
  const open: string[] = [];
  for (const [, slash, name, rest] of bodyOf(page).matchAll(/<(\/?)([a-zA-Z!][\w]*)([^>]*)>/g)) {
    if (slash) expect(open.pop()).toBe(name);
    else if (!VOID.has(name) && !rest.endsWith('/')) open.push(name);
  }
  expect(open).toEqual([]);
}
