/** What stays of a text when it is cleaned, as files: written as it was read, with a card of what went. */
import { join } from 'node:path';
import { writeAtomic } from '../../node/files.ts';
import type { CleanCard, CleanRule } from '../../text/windows/cleaning.ts';
import { cleaned } from './clean.ts';
import { type Document, type DocumentSource, runsOf, writtenOf } from './documents.ts';

/** What was written. */
export interface WrittenClean {
  readonly files: readonly string[];
  readonly card: CleanCard;
}

/** Characters that are encoded at once. */
const PIECE = 1 << 16;

/**
 * Writes what stays of a source by the rules to `out`: a file of one part, else a folder with a file of each, and `cardFile` last: where it
 * stands, all does. Tables are written as tables. Bytes that were no UTF-8 are U+FFFD then.
 * @param ending of the files of a set's parts, whose names have none
 * @throws UserError where it cannot be written; no file is ever there in part
 */
export async function writeCleaned(
  source: DocumentSource,
  rules: readonly CleanRule[],
  out: string,
  ending = '',
): Promise<WrittenClean> {
  const { documents, card } = cleaned(source, rules, () => undefined);
  const files: string[] = [];
  for await (const { key: part, items } of runsOf(documents, (document) => document.part)) {
    const file = source.parts.length > 1 ? join(out, part + ending) : out;
    await writeAtomic(file, encoded(items));
    files.push(file);
  }
  const file = cardFile(source, out);
  await writeAtomic(file, `${JSON.stringify({ name: source.name, ...card() }, undefined, 2)}\n`);
  return { files: [...files, file], card: card() };
}

/** Where the card of a cleaned source is written: beside its file, or in its folder. */
export const cardFile = ({ parts }: DocumentSource, out: string): string =>
  parts.length > 1 ? join(out, 'cleaned.json') : `${out}.json`;

/** Documents as they are written, encoded some at a time. */
async function* encoded(documents: AsyncIterable<Document>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let waiting = '';
  for await (const document of documents) {
    waiting += writtenOf(document) ?? '';
    if (waiting.length < PIECE) continue;
    yield encoder.encode(waiting);
    waiting = '';
  }
  yield encoder.encode(waiting);
}
