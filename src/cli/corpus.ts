import { existsSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { corpora, findCorpus } from '../../data/corpora.ts';
import { corpusFile } from '../../data/prepare.ts';
import { UserError } from '../errors.ts';
import { readTextStream, textFiles } from '../node/files.ts';
import type { DataCard } from '../text/windows/dataset.ts';
import { say } from './terminal/output.ts';

/** A text, and where it comes from. */
export interface CorpusSource {
  /** Short, fit for a folder's name. */
  name: string;
  source: string;
  licence: string;
  /** A fresh stream of the same bytes each time. */
  bytes: () => AsyncIterable<Uint8Array>;
}

/** What commander shows for the argument that `openCorpus` takes. */
export const CORPUS_ARGUMENT = `${corpora.map(({ name }) => name).join(', ')}, a text file, a folder of .txt and .md files, or - for standard input`;

/** What a run that read `-` says of where its text came from. */
export const STANDARD_INPUT = 'standard input';

/** The name that a corpus goes by, fit for a folder: the known one, or that of its file. */
export function corpusName(given: string): string {
  if (findCorpus(given)) return given;
  return given === '-' ? 'stdin' : basename(resolve(given), extname(given)) || 'text';
}

/** What to give to `openCorpus` to have the text of a run again. */
export const givenOf = ({ name, source }: DataCard): string => (findCorpus(name)?.source === source ? name : source);

/** The corpus of that name; else the file or folder; `-` is standard input. @throws UserError when there is none */
export async function openCorpus(given: string): Promise<CorpusSource> {
  const name = corpusName(given);
  const known = findCorpus(given);
  if (known) {
    const path = await corpusFile(known, say);
    return { name, source: known.source, licence: known.licence, bytes: () => readTextStream(path) };
  }
  const licence = "unknown: the user's own text";
  if (given === '-') return { name, source: STANDARD_INPUT, licence, bytes: await standardInput() };
  if (!existsSync(given)) {
    const names = corpora.map((corpus) => corpus.name).join(', ');
    throw new UserError(
      `There is no corpus, file or folder called "${given}". Known corpora: ${names}. Else give the path of a text file, a folder of .txt and .md files, or - for standard input.`,
    );
  }
  await textFiles(given);
  return { name, source: given, licence, bytes: () => readTextStream(given) };
}

/** Standard input comes once, and training reads a text several times: it is kept in memory. */
async function standardInput(): Promise<() => AsyncIterable<Uint8Array>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readTextStream('-')) chunks.push(chunk);
  return async function* () {
    yield* chunks;
  };
}
