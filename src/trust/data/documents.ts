/**
 * A text, a folder of them, a table or a known set as one stream of documents: what an audit looks at and what a filter keeps or drops.
 * Nothing here holds more than a document, so that a file of any size, or of one line, is walked in the same memory.
 */
import { relative } from 'node:path';
import { findCorpus } from '../../../data/corpora.ts';
import { textFiles } from '../../node/files.ts';
import { utf8Chunks } from '../../text/windows/stream.ts';
import type { CorpusSource } from '../../train/run/material.ts';
import { lenientChunks, type OnFault } from './lenient.ts';
import { paragraphs } from './paragraphs.ts';

/** A passage that is looked at, kept or dropped as one: a row of a table, else a paragraph (up to a blank line) of 64 Ki characters at most. */
export interface Document {
  /** Which part it is of: a file of a folder, train | validation | test of a set, ... */
  readonly part: string;
  /** Line it begins in, from 1, within its file. */
  readonly line: number;
  /** '' where a part begins with something that is no document: blank lines, a table's line of column names. */
  readonly text: string;
  /** What stands between it and the next, so that what is kept can be written as it was. */
  readonly end: string;
  /**
   * Of a row, the whole row as it is written in its file with `text` in place of its own; undefined where that cannot be, as in columns
   * of words and tags that no longer go together. Absent of paragraphs, which are written as they are.
   */
  readonly written?: (text: string) => string | undefined;
}

/** Where a part of a source comes from, as far as it is known. */
export interface PartOrigin {
  readonly name: string;
  readonly source: string;
  readonly licence: string;
  readonly sha256?: string;
}

/** What is walked over. */
export interface DocumentSource {
  readonly name: string;
  /** Origin by part, as far as it is known; in the order in which documents come. */
  readonly parts: readonly PartOrigin[];
  /**
   * A fresh walk at each call. Parts come one after the other.
   * @param onFault called for bytes that are no UTF-8, which are read as U+FFFD; without it they are refused with a UserError, as
   *   training does
   */
  documents(onFault?: OnFault): AsyncIterable<Document>;
}

/** A document as it is written. Undefined where it cannot be: see `Document.written`. */
export const writtenOf = ({ text, end, written }: Document): string | undefined => {
  const body = written ? written(text) : text;
  return body === undefined ? undefined : body + end;
};

/** A text, or the text files of a folder, each of which is a part. @throws UserError when nothing is there */
export async function textDocuments(corpus: CorpusSource): Promise<DocumentSource> {
  const { name, source, licence } = corpus;
  const files = corpus.path === undefined ? [] : await textFiles(corpus.path);
  const isFolder = corpus.path !== undefined && files[0] !== corpus.path;
  const partOf = (file?: string): string => (isFolder && file !== undefined ? relative(source, file) : name);
  const known = findCorpus(name);
  const origin = { source, licence, ...(known?.source === source && { sha256: known.sha256 }) };
  return {
    name,
    parts: (isFolder ? files.map((file) => relative(corpus.path!, file)) : [name]).map((part) => ({
      name: part,
      ...origin,
    })),
    async *documents(onFault) {
      for await (const { key: file, items } of runsOf(corpus.bytes(), (chunk) => chunk.file)) {
        const part = partOf(file);
        const chunks = onFault
          ? lenientChunks(items, (fault) => onFault({ part, ...fault }))
          : utf8Chunks(items, file ?? name);
        for await (const paragraph of paragraphs(chunks)) yield { part, ...paragraph };
      }
    },
  };
}

/** The runs of a stream's items that have the same key, each as a stream; one must be read before the next is asked for. */
export async function* runsOf<Item, Key>(
  stream: AsyncIterable<Item>,
  keyOf: (item: Item) => Key,
): AsyncGenerator<{ key: Key; items: AsyncIterable<Item> }> {
  const all = stream[Symbol.asyncIterator]();
  try {
    let next = await all.next();
    while (!next.done) {
      const key = keyOf(next.value);
      async function* itemsOf(): AsyncGenerator<Item> {
        for (; !next.done && keyOf(next.value) === key; next = await all.next()) yield next.value;
      }
      yield { key, items: itemsOf() };
    }
  } finally {
    await all.return?.();
  }
}
