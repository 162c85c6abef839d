/** Builds known corpora and data sets from their packages, once: the result is kept in the cache folder, and checked. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../src/errors.ts';
import { cacheFolder, packageFile, writeAtomic } from '../src/node/files.ts';
import { isFetched, type Say } from '../src/node/npm.ts';
import { checkJson, damaged } from '../src/schema.ts';
import { readConll, type TaggedSentence, writeConll } from '../src/text/labels/conll.ts';
import { type LabelledText, readTable, writeTable } from '../src/text/labels/labelled.ts';
import { countSentences, countTexts, type Parts, TaskCard } from '../src/text/labels/taskCard.ts';
import { trainedOf, unitsOf, VALIDATION_FRACTION } from '../src/text/windows/dataset.ts';
import type { Corpus } from './corpora.ts';
import type { Domain, DomainParts } from './domain.ts';
import { openPackages } from './files.ts';
import type { Described, TaskSet } from './recipe.ts';

/** A data set that is ready to be learned from, with its card. */
export type PreparedTask =
  | { readonly task: 'classify'; readonly card: TaskCard; readonly parts: Parts<LabelledText> }
  | { readonly task: 'tag'; readonly card: TaskCard; readonly parts: Parts<TaggedSentence> };

/** Where what was built lies: a changed recipe has another hash, and so another place. */
const place = ({ name, sha256 }: Described): string => join(cacheFolder(), 'data', `${name}-${sha256.slice(0, 12)}`);

/** Where a set's card lies. It is written last: where it stands, everything does. */
const cardPlace = (set: TaskSet): string => join(place(set), 'card.json');

/** Whether a corpus or set was built before, or needs no building. */
export const isPrepared = (set: Corpus | TaskSet): boolean =>
  'npmPackage' in set || existsSync('task' in set ? cardPlace(set) : 'judge' in set ? corpusPlace(set) : place(set));

/** The text of a domain, which is written last, and what is kept aside from it. */
const corpusPlace = (domain: Domain): string => join(place(domain), 'corpus.txt');
const testPlace = (domain: Domain): string => join(place(domain), 'test.txt');

/** Path of a corpus's text. @throws UserError when its packages cannot be had */
export async function corpusFile(corpus: Corpus, say: Say): Promise<string> {
  if ('npmPackage' in corpus) return packageFile(corpus.npmPackage, corpus.file);
  if ('judge' in corpus) {
    await domainParts(corpus, say);
    return corpusPlace(corpus);
  }
  const path = place(corpus);
  if (existsSync(path)) return path;
  const files = await openPackages(corpus.packages, say);
  say(`building ${corpus.name}`);
  const text = await corpus.build(files);
  check(corpus, createHash('sha256').update(text).digest('hex'));
  await writeAtomic(path, text);
  return path;
}

/** A domain's parts, built where they are not in the cache folder yet. @throws UserError when its packages cannot be had, or give something else */
export async function domainParts(domain: Domain, say: Say): Promise<DomainParts> {
  if (!existsSync(corpusPlace(domain))) {
    const files = await openPackages(domain.packages, say);
    say(`building ${domain.name}`);
    const parts = await domain.build(files);
    checkParts(domain, parts);
    await writeAtomic(testPlace(domain), parts.test);
    await writeAtomic(corpusPlace(domain), parts.train + parts.validation);
  }
  const corpus = await readFile(corpusPlace(domain), 'utf8');
  const { validationFraction = VALIDATION_FRACTION } = domain.settings;
  const cut = unitsOf(corpus, trainedOf(countCharacters(corpus), validationFraction)).unit;
  const test = await readFile(testPlace(domain), 'utf8');
  return { train: corpus.slice(0, cut), validation: corpus.slice(cut), test };
}

/** The files of a known text, to look at or to go on with elsewhere: of a domain its parts, as `partFiles` gives those of a set. */
export async function corpusFiles(corpus: Corpus, say: Say): Promise<{ file: string; content: string }[]> {
  if ('judge' in corpus) {
    const parts = Object.entries(await domainParts(corpus, say));
    return parts.map(([part, content]) => ({ file: `${part}.txt`, content }));
  }
  return [{ file: `${corpus.name}.txt`, content: await readFile(await corpusFile(corpus, say), 'utf8') }];
}

/** Code points of a text. */
const countCharacters = (text: string): number => unitsOf(text, Number.POSITIVE_INFINITY).codePoints;

/** @throws UserError for parts that are not those of the recipe, or that its settings cut elsewhere than where validation begins */
function checkParts(domain: Domain, { train, validation, test }: DomainParts): void {
  const [trained, heldOut] = [train, validation].map(countCharacters);
  const whole = trained + heldOut;
  const { validationFraction = VALIDATION_FRACTION } = domain.settings;
  if (trainedOf(whole, validationFraction) !== trained) {
    const right = (heldOut - 0.5) / whole; // half a character away from where rounding would move it
    throw new UserError(
      `${domain.name} is cut at another place than where its validation part begins: its validationFraction must be ${right}`,
    );
  }
  check(
    domain,
    createHash('sha256')
      .update(train + validation + test)
      .digest('hex'),
  );
}

/** The file of each part of a data set: CSV of text and label, or CoNLL columns of word and tag. */
export const partFiles = (prepared: PreparedTask): { file: string; content: string }[] =>
  prepared.task === 'classify'
    ? Object.entries(prepared.parts).map(([part, examples]) => ({ file: `${part}.csv`, content: writeTable(examples) }))
    : Object.entries(prepared.parts).map(([part, sentences]) => ({
        file: `${part}.conll`,
        content: writeConll(sentences),
      }));

/**
 * A data set's parts and card, built where they are not in the cache folder yet.
 * @param ask whether somebody named this set in order to have it, which is what sets with a narrow licence wait for
 * @throws UserError when its packages cannot be had, or what they give is not what the recipe expects
 */
export async function prepareTask(set: TaskSet, say: Say, ask = false): Promise<PreparedTask> {
  return (await readPrepared(set)) ?? buildTask(set, say, ask);
}

async function buildTask(set: TaskSet, say: Say, ask: boolean): Promise<PreparedTask> {
  if (set.onRequest && !ask && !set.packages.every(isFetched)) {
    throw new UserError(
      `The data set ${set.name} is not there, and is not fetched by itself because of its licence (${set.licence}). If that suits you, run: npx dawnlm data prepare ${set.name}`,
    );
  }
  const files = await openPackages(set.packages, say);
  say(`building ${set.name}`);
  const { duplicates, ...built } =
    set.task === 'classify'
      ? { task: set.task, ...(await set.build(files)) }
      : { task: set.task, ...(await set.build(files)) };
  const counts = built.task === 'classify' ? countTexts(built.parts) : countSentences(built.parts);
  const prepared = { ...built, card: { ...described(set), parts: counts, duplicates } };
  check(set, hashOf(prepared));
  await keep(set, prepared);
  return prepared;
}

/** What a card says whatever was built: always in the words of the recipe, which may be newer than what was kept. */
const described = ({ name, task, source, licence, note, sha256 }: TaskSet) => ({
  name,
  task,
  source,
  licence,
  note,
  sha256,
});

function hashOf(prepared: PreparedTask): string {
  const hash = createHash('sha256');
  for (const { content } of partFiles(prepared)) hash.update(content);
  return hash.digest('hex');
}

function check(set: Described, sha256: string): void {
  if (sha256 === set.sha256) return;
  throw new UserError(
    `${set.name} was built, but it is not what its recipe expects (SHA-256 ${sha256}, expected ${set.sha256}). Use the version of the program that you had, or report this.`,
  );
}

async function keep(set: TaskSet, prepared: PreparedTask): Promise<void> {
  for (const { file, content } of partFiles(prepared)) await writeAtomic(join(place(set), file), content);
  await writeAtomic(cardPlace(set), `${JSON.stringify(prepared.card, undefined, 2)}\n`);
}

/**
 * What was kept, or undefined where there is nothing or it was damaged: then it is built again, over what there is, since
 * another process may be at work there too and writes the same.
 */
async function readPrepared(set: TaskSet): Promise<PreparedTask | undefined> {
  if (!existsSync(cardPlace(set))) return undefined;
  try {
    const kept = checkJson(TaskCard, await readFile(cardPlace(set), 'utf8'), damaged(cardPlace(set)));
    const prepared = await readParts({ ...kept, ...described(set) }, place(set));
    return hashOf(prepared) === set.sha256 ? prepared : undefined;
  } catch {
    return undefined;
  }
}

async function readParts(card: TaskCard, folder: string): Promise<PreparedTask> {
  const read = async <T>(ending: string, parse: (content: string) => T[]): Promise<Parts<T>> => {
    const names = Object.keys(card.parts);
    const contents = await Promise.all(names.map((name) => readFile(join(folder, `${name}.${ending}`), 'utf8')));
    return Object.fromEntries(names.map((name, i) => [name, parse(contents[i])])) as unknown as Parts<T>;
  };
  if (card.task === 'tag') {
    return {
      task: 'tag',
      card,
      parts: await read('conll', (content) => readConll(content, { wordsColumn: 0 }).sentences),
    };
  }
  const columns = { text: 'text', label: 'label' };
  return { task: 'classify', card, parts: await read('csv', (content) => readTable(content, 'csv', columns)) };
}
