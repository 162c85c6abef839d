import { type Command, Option } from 'commander';
import { corpora } from '../../data/corpora.ts';
import { UsageError } from '../errors.ts';
import { count } from '../report/format.ts';
import { tokenFacts, tokenInWords } from '../text/tokenizers/tokenFacts.ts';
import { countBytes, TOKENIZER_SPECS, type Tokenizer, trainTokenizer } from '../text/tokenizers/tokenizer.ts';
import { encodeStream } from '../text/windows/dataset.ts';
import { utf8Chunks } from '../text/windows/stream.ts';
import { readRunCard, readTokenizer } from '../train/runFolder.ts';
import { CORPUS_ARGUMENT, openCorpus } from './corpus.ts';
import { examples, jsonOption, runOption } from './options.ts';
import { print, printJson, say, table } from './terminal/output.ts';

interface TokenizeOptions {
  tokenizer: string;
  run?: string;
  text?: string;
  json?: boolean;
}

/** Tokens of a text that are shown one by one, and rows of the table of the most frequent ones. */
const SHOWN = 48;
const FREQUENT = 16;

export function addTokenize(program: Command): void {
  program
    .command('tokenize')
    .description('show how a tokenizer cuts a text: pieces, ids, counts, bytes a token')
    .argument('[corpus]', `what the tokenizer is fitted to and, without --text, encodes: ${CORPUS_ARGUMENT}`)
    .addOption(new Option('--tokenizer <spec>', TOKENIZER_SPECS).default('bpe'))
    .addOption(runOption().conflicts('tokenizer'))
    .option('--text <text>', 'encode this text instead of the corpus')
    .addOption(jsonOption())
    .addHelpText('after', examples('dawnlm tokenize --tokenizer bpe:512 --text "Call me Ishmael." moby-dick'))
    .action(tokenize);
}

async function tokenize(given: string | undefined, { run, text, json, ...options }: TokenizeOptions): Promise<void> {
  if (run && given === undefined && text === undefined) {
    throw new UsageError("there is nothing to encode with the run's tokenizer: give a text file, or --text");
  }
  const corpus = run && text !== undefined ? undefined : await openCorpus(given ?? corpora[0].name);
  const chunks = (): AsyncIterable<string> => utf8Chunks(corpus!.bytes(), corpus!.name);
  if (!run) say(`fitting the tokenizer ${options.tokenizer} to ${corpus!.name}`);
  const tokenizer = run ? await tokenizerOf(run) : await trainTokenizer(options.tokenizer, chunks);
  const ids = text === undefined ? await encodeStream(chunks(), tokenizer) : tokenizer.encode(text);
  const report = json ? printLines : printTables;
  report(tokenizer, ids, text === undefined ? SHOWN : ids.length);
}

/** The tokenizer of a run, without its weights. @throws UserError when the folder is none of a run */
async function tokenizerOf(run: string): Promise<Tokenizer> {
  await readRunCard(run);
  return readTokenizer(run);
}

/** How often each id occurs, the most frequent first. */
function tally(ids: ArrayLike<number>, vocabSize: number): { id: number; count: number }[] {
  const counts = new Uint32Array(vocabSize);
  for (let i = 0; i < ids.length; i++) counts[ids[i]]++;
  return Array.from(counts, (n, id) => ({ id, count: n }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count);
}

function printLines(tokenizer: Tokenizer, ids: ArrayLike<number>, shown: number): void {
  const { kind, vocabSize } = tokenizer;
  const bytes = countBytes(tokenizer, ids);
  const bytesPerToken = bytes / ids.length;
  printJson({ type: 'summary', tokenizer: kind, vocabularySize: vocabSize, bytes, tokens: ids.length, bytesPerToken });
  printJson({ type: 'start', tokens: start(ids, shown).map((id) => tokenFacts(tokenizer, id)) });
  for (const { id, count } of tally(ids, vocabSize)) printJson({ type: 'token', ...tokenFacts(tokenizer, id), count });
}

const start = (ids: ArrayLike<number>, shown: number): number[] =>
  Array.from({ length: Math.min(shown, ids.length) }, (_, i) => ids[i]);

function printTables(tokenizer: Tokenizer, ids: ArrayLike<number>, shown: number): void {
  const { kind, vocabSize } = tokenizer;
  const bytes = countBytes(tokenizer, ids);
  const counts = tally(ids, vocabSize);
  const first = start(ids, shown);
  const inWords = (id: number): string => tokenInWords(tokenFacts(tokenizer, id));
  print(`${kind} tokenizer, ${count(vocabSize)} tokens, ${count(counts.length)} of them in this text\n`);
  print(`${count(bytes)} bytes are ${count(ids.length)} tokens: ${(bytes / ids.length).toFixed(2)} bytes a token\n\n`);
  print(`${ids.length > first.length ? 'It begins with' : 'Pieces'}: ${first.map(inWords).join(' ')}\n`);
  print(`Ids: ${first.join(' ')}\n\n`);
  const rows = counts.slice(0, FREQUENT).map(({ id, count: n }) => [inWords(id), String(id), count(n)]);
  print(table([['most frequent', 'id', 'count'], ...rows]));
}
