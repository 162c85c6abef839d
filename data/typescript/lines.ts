/** Lines that are taken out of files to be written anew, and what writes them that is no such model. */

import { shuffled } from '../../src/text/labels/labelled.ts';
import type { KneserNey } from '../../src/text/ngrams/kneserNey.ts';
import type { Tokenizer } from '../../src/text/tokenizers/tokenizer.ts';
import type { SourceFile } from './files.ts';

/** A line of code that is missing from a file. */
export interface MissingLine {
  readonly file: SourceFile;
  /** What stands before the line and after it; the suffix begins with the line's end. */
  readonly prefix: string;
  readonly suffix: string;
  /** Without the spaces around it. */
  readonly truth: string;
  /** The line before, as it is. */
  readonly before: string;
}

/** Of the choice of lines: the same for every model. */
const SEED = 40;
/** Of a line: enough of it to be worth writing, so that brackets alone are none, and no comment. */
const isCode = (line: string): boolean => /^(?!\/\/|\/\*|\*).*[A-Za-z].{2}/.test(line.trim());

/** Some lines of code of some files, drawn at random, each line as likely as any other. */
export function missingLines(files: readonly SourceFile[], count: number): MissingLine[] {
  const places = files.flatMap((file) =>
    file.text.split('\n').flatMap((line, at) => (isCode(line) ? [{ file, at }] : [])),
  );
  return shuffled(places, SEED)
    .slice(0, count)
    .map(({ file, at }) => withoutLine(file, at));
}

function withoutLine(file: SourceFile, at: number): MissingLine {
  const lines = file.text.split('\n');
  const prefix = lines.slice(0, at).map((line) => `${line}\n`);
  const suffix = lines.slice(at + 1).map((line) => `\n${line}`);
  return {
    ...{ file, prefix: prefix.join(''), suffix: suffix.join('') },
    ...{ truth: lines[at].trim(), before: lines[at - 1] ?? '' },
  };
}

/** What copies lines: the commonest one, the one before, and the one that followed the one before most often. */
export function copying(train: readonly SourceFile[]) {
  const all = new Map<string, number>();
  const after = new Map<string, Map<string, number>>();
  for (const { text } of train) {
    let before = '';
    for (const line of text.split('\n')) {
      if (isCode(line)) {
        tally(all, line);
        if (!after.has(before)) after.set(before, new Map());
        tally(after.get(before)!, line);
      }
      before = line.trim();
    }
  }
  const commonest = most(all);
  return {
    commonest: (): string => commonest,
    before: ({ before }: MissingLine): string => before,
    afterTheSame: ({ before }: MissingLine): string => most(after.get(before.trim()) ?? all),
  };
}

const tally = (counts: Map<string, number>, line: string): unknown => counts.set(line, (counts.get(line) ?? 0) + 1);

/** The one that occurs most often; of equals the first. */
const most = (counts: ReadonlyMap<string, number>): string =>
  [...counts].reduce((best, one) => (one[1] > best[1] ? one : best))[0];

/**
 * What is given to who reads from left to right alone, and the line in what is written then. White space before a line is often one token
 * with that behind its end: where it is cut between, nothing goes on as it was learned, so that all of it is left to be written.
 */
export function fromLeft({ prefix }: MissingLine) {
  const prompt = prefix.trimEnd();
  const breaks = prefix.slice(prompt.length).split('\n').length - 1;
  return {
    prompt,
    /** What is written, up to the line's end. */
    upToEnd: (written: string): string => `${written.split('\n', breaks + 1).join('\n')}\n`,
    lineOf: (written: string): string => written.split('\n')[breaks] ?? '',
  };
}

/** Writes lines by the likeliest token each time, of n-grams of the tokens. */
export function ngramWriter(model: KneserNey, tokenizer: Tokenizer, tokens: number): (line: MissingLine) => string {
  const order = model.counts.order;
  return (line) => {
    const { prompt, lineOf } = fromLeft(line);
    const context = tokenizer.encode(prompt.slice(-32 * order)).slice(1 - order);
    const written: number[] = [];
    for (let i = 0; i < tokens; i++) {
      written.push(likeliest(model.distribution(context)));
      context.push(written[i]);
    }
    return lineOf(tokenizer.decode(written));
  };
}

const likeliest = (probabilities: Float64Array): number =>
  probabilities.reduce((best, probability, token) => (probability > probabilities[best] ? token : best), 0);

/** How alike two lines are: 1 less the edits (Levenshtein, 1966) that make one of the other, as a share of the longer one. */
export function similarity(a: string, b: string): number {
  const longest = Math.max(a.length, b.length);
  return longest === 0 ? 1 : 1 - edits(a, b) / longest;
}

function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
