/** Real paragraphs, and copies of them that were edited. */
import { corpora } from '../../../data/corpora.ts';
import { corpusFile } from '../../../data/prepare.ts';
import { readTextStream } from '../../../src/node/files.ts';
import { mix } from '../../../src/text/windows/permutation.ts';
import { type Document, type DocumentSource, textDocuments } from '../../../src/trust/data/documents.ts';

/** A known text as documents. */
export async function known(name: string): Promise<DocumentSource> {
  const corpus = corpora.find((one) => one.name === name)!;
  const path = await corpusFile(corpus, () => {});
  return textDocuments({ ...corpus, bytes: () => readTextStream(path) });
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** A number below `below`, another one for each index and seed. */
export const draw = (index: number, below: number, seed = 0): number => mix(index, seed) % below;

/** Texts as a source of one part or several: `parts` has the part of each. */
export function sourceOf(texts: readonly string[], parts?: readonly string[]): DocumentSource {
  const names = [...new Set(parts ?? ['it'])];
  return {
    name: 'made',
    parts: names.map((name) => ({ name, source: 'made', licence: 'none' })),
    async *documents() {
      for (const [i, text] of texts.entries()) yield placed(text, i, parts?.[i]);
    },
  };
}

/** The line tells which one it is: its index and 1. */
export const placed = (text: string, i: number, part = 'it'): Document => ({ part, line: i + 1, text, end: '\n\n' });

/** A text in which so many words, drawn by the seed, are replaced, left out or written twice. */
export function edited(text: string, edits: number, seed: number): string {
  const words = text.split(/\s+/);
  for (let i = 0; i < edits; i++) {
    const at = draw(i, words.length, 3 * seed);
    const put = [['whatever'], [], [words[at], words[at]]][draw(i, 3, 3 * seed + 1)];
    words.splice(at, 1, ...put);
  }
  return words.join(' ');
}

/** The words of a text and their runs of five, written out: what MinHash estimates, without any hash. */
export function runsOfFive(text: string): Set<string> {
  const words = text.toLowerCase().match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
  return new Set(words.slice(4).map((_, i) => words.slice(i, i + 5).join(' ')));
}

/** Of each text the greatest Jaccard similarity with one before it, and that one: from the lists of texts that each run stands in, exact. */
export function nearestBefore(runs: readonly ReadonlySet<string>[]): { similarity: number; index: number }[] {
  const standsIn = new Map<string, number[]>();
  return runs.map((run, i) => {
    const shared = new Map<number, number>();
    for (const one of run) {
      const list = standsIn.get(one) ?? [];
      for (const j of list) shared.set(j, (shared.get(j) ?? 0) + 1);
      standsIn.set(one, [...list, i]);
    }
    let nearest = { similarity: 0, index: -1 };
    for (const [index, both] of shared) {
      const similarity = both / (run.size + runs[index].size - both);
      if (similarity > nearest.similarity) nearest = { similarity, index };
    }
    return nearest;
  });
}
