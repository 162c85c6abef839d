/** The lines of a part: how they end, how long they are, which of them recur or are no text of anybody's. */
import type { LogBins } from './lengths.ts';

/** Characters of a line that are kept to tell it by. */
const KEPT = 200;
/** Letters without which a line is a rule, a number or a closing bracket. */
const LEAST_LETTERS = 10;
/** Lines between two clearings of what was seen too rarely: lossy counting errs by one in so many. */
const BUCKET = 50_000;
/** Documents that a line stands in before it is said to recur. */
const RECURS = 10;

/** Lines that are no text of an author's, by what they say. Each is tried on a line of 200 characters at most. */
const FORMS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['Project Gutenberg', /project gutenberg|gutenberg\.(?:org|net)/i],
  [
    'licence or copyright',
    /copyright (?:\(c\)|©|\d{4})|©\s?\d{4}|all rights reserved|permission is hereby granted|licensed under|licensed to the|spdx-license-identifier|warranty of any kind|without warrant(?:y|ies)|creative commons/i,
  ],
  [
    'navigation',
    /^\W*(?:skip to (?:main )?content|back to top|(?:next|previous) (?:page|chapter|post)|home|menu|log ?in|sign (?:in|up|out)|read more|click here|table of contents|share (?:this|on \w+)|privacy policy|terms of (?:use|service))\W*$/i,
  ],
  ['cookies', /we use cookies|accept (?:all )?cookies|cookie policy/i],
  ['mailing list', /\bunsubscribe\b|mailing list\W*$|\bmailman\/listinfo\b/i],
  ['markup', /<\/?(?:div|span|td|tr|table|br|p|a|img|font|script|style|html|body|li|ul)(?:\s[^<>]*)?\/?>/i],
];

/** What a line is known as, or undefined where it is none of the forms. */
export const formOf = (line: string): string | undefined => FORMS.find(([, pattern]) => pattern.test(line))?.[0];

/** A line that recurs. */
export interface RecurringLine {
  readonly text: string;
  /** In how many documents: never more than there are, fewer by at most one in 50,000 lines. */
  readonly documents: number;
  /** Where it stood first, as far as that is remembered. */
  readonly part: string;
  readonly line: number;
}

interface Entry {
  documents: number;
  /** How many it may have been seen before it was kept. */
  missed: number;
  /** The document that it was last seen in. */
  last: number;
  part: string;
  line: number;
}

/**
 * Lines that stand in many documents, digits taken as alike: lossy counting (Manku and Motwani, 2002), so that a text of any size is
 * gone through in bounded memory.
 */
export class RecurringLines {
  private readonly entries = new Map<string, Entry>();
  private lines = 0;

  /** A line of the document of that number; `line` is its place in the part. */
  add(text: string, document: number, part: string, line: number): void {
    const key = text.slice(0, KEPT).trim().replace(/\s+/g, ' ').replace(/\d/g, '0');
    if ((key.match(/\p{L}/gu)?.length ?? 0) < LEAST_LETTERS) return;
    const entry = this.entries.get(key);
    if (!entry) {
      const missed = Math.floor(this.lines / BUCKET);
      this.entries.set(key, { documents: 1, missed, last: document, part, line });
    } else if (entry.last !== document) {
      entry.documents++;
      entry.last = document;
    }
    if (++this.lines % BUCKET === 0) this.clear(this.lines / BUCKET);
  }

  /** Lines that are kept by now. */
  get size(): number {
    return this.entries.size;
  }

  private clear(bucket: number): void {
    for (const [key, { documents, missed }] of this.entries) if (documents + missed <= bucket) this.entries.delete(key);
  }

  /** The lines that recur in ten documents or more, those with the most text first. */
  result(): RecurringLine[] {
    const size = ({ text, documents }: RecurringLine): number => text.length * documents;
    return [...this.entries]
      .filter(([, { documents }]) => documents >= RECURS)
      .map(([text, { documents, part, line }]) => ({ text, documents, part, line }))
      .sort((a, b) => size(b) - size(a));
  }
}

/** Ends of lines, by system. */
export interface LineEnds {
  lf: number;
  crlf: number;
  cr: number;
}

/** Lines of one part as they stream by, whole or in pieces. */
export class LineLengths {
  lines = 0;
  readonly ends: LineEnds = { lf: 0, crlf: 0, cr: 0 };
  private length = 0;
  private open = false;

  constructor(private readonly bins: LogBins) {}

  /** A piece of the part, which may end anywhere but within a line end of two characters. */
  add(text: string): void {
    let begin = 0;
    for (const { 0: end, index } of text.matchAll(/\r\n|\r|\n/g)) {
      this.length += index - begin;
      this.ends[end === '\n' ? 'lf' : end === '\r' ? 'cr' : 'crlf']++;
      this.end();
      begin = index + end.length;
    }
    this.length += text.length - begin;
    this.open ||= begin < text.length;
  }

  /** At the end of the part: the line that nothing ended. */
  end(): void {
    this.lines++;
    if (this.length > 0) this.bins.add(this.length);
    this.length = 0;
    this.open = false;
  }

  /** Ends a last line that has no end of its own. */
  close(): void {
    if (this.open) this.end();
  }
}
