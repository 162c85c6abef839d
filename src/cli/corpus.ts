import { existsSync } from 'node:fs';
import { basename, extname, relative, resolve } from 'node:path';
import { corpora, findCorpus } from '../../data/corpora.ts';
import { corpusFile } from '../../data/prepare.ts';
import { UserError } from '../errors.ts';
import { isPipe, readTextStream, sha256, textFiles } from '../node/files.ts';
import { wentInWords } from '../report/dataCard.ts';
import { cleanRules } from '../text/windows/cleaning.ts';
import { buildDataset, type DataCard, type Dataset } from '../text/windows/dataset.ts';
import { utf8Chunks } from '../text/windows/stream.ts';
import type { TrainConfig } from '../train/config.ts';
import type { CorpusSource } from '../train/run/material.ts';
import type { SavedRun } from '../train/savedRun.ts';
import { cleanedCorpus } from '../trust/data/clean.ts';
import { withCanaries } from '../trust/memory/canaries.ts';
import { say } from './terminal/output.ts';

/** What commander shows for the argument that `openCorpus` takes. */
export const CORPUS_ARGUMENT = `${corpora.map(({ name }) => name).join(', ')}, a text file, a folder of .txt and .md files, or - for standard input`;

/** What a run that read `-` says of where its text came from. */
export const STANDARD_INPUT = 'standard input';

/** The name that a corpus goes by, fit for a folder: the known one, or that of its file. */
export function corpusName(given: string): string {
  if (findCorpus(given)) return given;
  return given === '-' ? 'stdin' : basename(resolve(given), extname(given)) || 'text';
}

/**
 * What to give to `openCorpus` to have the text of the run in `folder` again, from wherever.
 * @throws UserError that says what is missing, and the advice
 */
export function givenOf({ name, source, path }: DataCard, folder: string, advice: string): string {
  if (findCorpus(name)?.source === source) return name;
  const named = source === STANDARD_INPUT ? [] : [resolve(source)];
  const places = path === undefined ? named : [resolve(folder, path), ...named];
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return relative('.', found) || '.';
  const where = places.length > 0 ? `: there is no ${places[0]}` : '';
  throw new UserError(`The text that ${folder} was trained on (${source}) cannot be read again${where}. ${advice}`);
}

/**
 * The text of a run as its tokens.
 * @param again where it is by now, for `openCorpus`: where it was unless told
 * @throws UserError with the advice when it cannot be had, or is another
 */
export const datasetOf = async (run: SavedRun, folder: string, advice: string, again?: string): Promise<Dataset> =>
  (await textOfRun(run, folder, advice, again)).dataset;

/** The text of a run itself and as its tokens: see `datasetOf`. */
export async function textOfRun(
  run: SavedRun,
  folder: string,
  advice: string,
  again?: string,
): Promise<{ corpus: CorpusSource; dataset: Dataset }> {
  const { tokenizer, config, dataCard, importedFrom } = run;
  if (importedFrom) throw new UserError(`${folder} was imported, without the text that it was trained on. ${advice}`);
  const given = again ?? givenOf(dataCard, folder, advice);
  const corpus = await asTrained(await openCorpus(given), config);
  if ((await sha256(corpus.bytes())) !== dataCard.sha256) {
    const other = again
      ? `is not the text that ${folder} was trained on`
      : `has changed since ${folder} was trained on it`;
    throw new UserError(`${given} ${other}. ${advice}`);
  }
  const { blockSize, validationFraction } = config;
  const options = { name: dataCard.name, blockSize, validationFraction };
  const dataset = await buildDataset(() => utf8Chunks(corpus.bytes(), dataCard.name), tokenizer, options);
  return { corpus, dataset };
}

/**
 * A text as a run with such settings reads it: with canaries planted in its training part, and then without what it is to be freed of,
 * their copies included. All that reads the text of a run goes through here, so that it is the same for all of them.
 * @throws UserError for a text of which nothing stays
 */
export async function asTrained(corpus: CorpusSource, config: TrainConfig): Promise<CorpusSource> {
  const planted = withCanaries(corpus, config);
  const rules = cleanRules(config.clean);
  if (rules.length === 0) return planted;
  say(`freeing ${corpus.name} of ${rules.join(', ')}`);
  const left = await cleanedCorpus(planted, rules);
  say(`  ${wentInWords(left.clean!)}`);
  return left;
}

/** The corpus of that name; else the file or folder; `-` is standard input. @throws UserError when there is none */
export async function openCorpus(given: string): Promise<CorpusSource> {
  const name = corpusName(given);
  const known = findCorpus(given);
  if (known) {
    if (existsSync(given)) say(`${given} is the known text of that name; what lies here is called ./${given}`);
    const path = await corpusFile(known, say);
    return { name, source: known.source, licence: known.licence, bytes: () => readTextStream(path) };
  }
  const licence = "unknown: the user's own text";
  if (given !== '-' && !existsSync(given)) {
    const names = corpora.map((corpus) => corpus.name).join(', ');
    throw new UserError(
      `There is no corpus, file or folder called "${given}". Known corpora: ${names}. Else give the path of a text file, a folder of .txt and .md files, or - for standard input.`,
    );
  }
  if (given === '-' || (await isPipe(given))) {
    return { name, source: given === '-' ? STANDARD_INPUT : given, licence, bytes: await kept(readTextStream(given)) };
  }
  await textFiles(given);
  return { name, source: given, path: resolve(given), licence, bytes: () => readTextStream(given) };
}

/** What comes once, and is to be read several times, as training does: it is kept in memory. */
async function kept<T>(stream: AsyncIterable<T>): Promise<() => AsyncIterable<T>> {
  const chunks: T[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return async function* () {
    yield* chunks;
  };
}
