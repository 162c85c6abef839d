/** The files that a run's data lies in, as a Croissant description needs them: address, bytes and hash, true at the time of writing. */
import { createHash, type Hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { readTextStream, textFiles } from '../../node/files.ts';
import type { DataCard } from '../../text/windows/dataset.ts';
import { type CardFacts, type LabelFacts, packagesOf, type TextFacts } from './facts.ts';

export interface DataFile {
  /** Of the description alone. */
  readonly id: string;
  readonly name: string;
  /** As seen from the run's folder, or a package's address. */
  readonly contentUrl: string;
  readonly encodingFormat: string;
  readonly sha256: string;
  readonly sizeBytes?: number;
  readonly description?: string;
}

/** Files of a folder that are described one by one at most: a description of more would be longer than many a text. */
const MOST_FILES = 1000;

/** @throws UserError when a file that is there cannot be read */
export const dataFiles = (facts: CardFacts): Promise<DataFile[]> =>
  facts.task === 'text' ? textFilesOf(facts) : partFilesOf(facts);

/** The parts that are kept with a run that was tuned to labels. */
const partFilesOf = ({ folder, card }: LabelFacts): Promise<DataFile[]> =>
  Promise.all(
    Object.entries(card.splits).map(async ([part, { file, sha256 }]): Promise<DataFile> => {
      const path = file.replaceAll('\\', '/');
      const encodingFormat = path.endsWith('.csv') ? 'text/csv' : 'text/plain';
      const { size } = await stat(join(folder, path));
      const id = `file-${part}`;
      return { id, name: basename(path), contentUrl: address(path), encodingFormat, sha256, sizeBytes: size };
    }),
  );

/** The text where it lies and is still what it was, file by file; else what was learned from, by its hash. */
async function textFilesOf(facts: TextFacts): Promise<DataFile[]> {
  const { dataCard } = facts.card;
  const { sha256, bytes, path } = dataCard;
  const format = facts.card.tunedFrom?.chat ? 'application/jsonl' : 'text/plain';
  const learned = { id: 'text', name: facts.data.name, encodingFormat: format, sha256, sizeBytes: bytes };
  const altered = isAltered(dataCard);
  const [source] = packagesOf(facts);
  if (source) {
    const made = source.file === undefined ? { description: `Made of the packages of ${facts.data.source}.` } : {};
    const before = altered && facts.known ? { sha256: facts.known.sha256, sizeBytes: undefined } : {};
    return [{ ...learned, ...made, ...before, contentUrl: packageUrl(source) }];
  }
  const place = path === undefined ? undefined : resolve(facts.folder, path);
  const files = place !== undefined && existsSync(place) ? await measured(place, facts.folder, format) : undefined;
  if (files && (altered || files.sha256 === sha256)) return files.files;
  const description =
    path === undefined ? undefined : 'As it was when the model was trained: it has changed or moved since.';
  return [{ ...learned, contentUrl: hashUrl(sha256), ...(description && { description }) }];
}

/** Whether a text was changed before it was learned from: the file is then another one than the hash of the run is of. */
export const isAltered = ({ canaries, clean }: Pick<DataCard, 'canaries' | 'clean'>): boolean =>
  (canaries ?? clean) !== undefined;

/** Each file by itself, and a hash over all; undefined of more files than are described. */
async function measured(place: string, folder: string, encodingFormat: string) {
  if ((await textFiles(place)).length > MOST_FILES) return undefined;
  const whole = createHash('sha256');
  const found = new Map<string, { hash: Hash; sizeBytes: number }>();
  for await (const chunk of readTextStream(place)) {
    const one = found.get(chunk.file ?? place) ?? { hash: createHash('sha256'), sizeBytes: 0 };
    found.set(chunk.file ?? place, { hash: one.hash.update(chunk), sizeBytes: one.sizeBytes + chunk.length });
    whole.update(chunk);
  }
  const files = [...found].map(([path, { hash, sizeBytes }], i): DataFile => {
    const contentUrl = address(relative(resolve(folder), resolve(path)).replaceAll('\\', '/'));
    return { id: `file-${i}`, name: basename(path), contentUrl, encodingFormat, sha256: hash.digest('hex'), sizeBytes };
  });
  return { sha256: whole.digest('hex'), files };
}

/** A file as it is named where the description has left its folder: by what is in it, unless it has an address of its own. */
export const withoutPlaces = (file: DataFile): DataFile =>
  /^[a-z]+:/.test(file.contentUrl) ? file : { ...file, contentUrl: hashUrl(file.sha256) };

/** A path as a relative address. */
const address = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/** A file of a package, as package URLs name it (https://github.com/package-url/purl-spec). */
const packageUrl = ({ name, version, file }: { name: string; version: string; file?: string }): string =>
  `pkg:npm/${name.replace('@', '%40')}@${version}${file ? `#${address(file)}` : ''}`;

/** A name for bytes that have no address (RFC 6920). */
export const hashUrl = (sha256: string): string => `ni:///sha-256;${Buffer.from(sha256, 'hex').toString('base64url')}`;
