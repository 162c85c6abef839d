import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UsageError, UserError } from '../errors.ts';
import { writeAtomic } from '../node/files.ts';
import { TRUST_FILE, TRUST_PARTS, TrustCard, type TrustPart } from '../report/trust/card.ts';
import { memoryInWords } from '../report/trust/memoryWords.ts';
import { saidInWords } from '../report/trust/saidWords.ts';
import { checkJson, damaged } from '../schema.ts';
import { shellWord } from '../shellWord.ts';
import { readText } from '../tasks/data.ts';
import { type TunedTask, tunedTaskOf } from '../tasks/folder.ts';
import { readBlocked, readPrompts } from '../tasks/text/blocked.ts';
import { writeJson } from '../train/runFolder.ts';
import { loadRun } from '../train/savedRun.ts';
import { askBias, type BiasQuestions } from '../trust/bias/bias.ts';
import { readOwnPairs } from '../trust/bias/ownPairs.ts';
import { writeCards } from '../trust/cards/cards.ts';
import { askMemory } from '../trust/memory/memory.ts';
import type { QuestionedRun } from '../trust/questioned.ts';
import { askSaid, type SaidOptions } from '../trust/said/said.ts';
import { textOfRun } from './corpus.ts';
import { openRun } from './engine.ts';
import { addRunOptions, examples, number, path, type RunFlags, seedNumber } from './options.ts';
import { biasTables } from './terminal/biasTables.ts';
import { print, printJson } from './terminal/output.ts';
import { Progress, watchWork } from './terminal/progress.ts';
import { stopSignal } from './terminal/stopSignal.ts';
import { type LabelBiasFlags, labelBias } from './trustLabels.ts';

interface TrustFlags extends RunFlags, Omit<LabelBiasFlags, keyof RunFlags> {
  only?: TrustPart[];
  text?: string;
  pairs?: string;
  own?: BiasQuestions['own'];
  prompts?: string;
  block?: string;
  said?: Omit<SaidOptions, 'checkpoint'>;
  samples: number;
  reference?: string;
  seed: number;
}

/** How a part is asked: what it yields is kept as it comes, each time more of it; and its findings in words. */
interface Asked<Part extends TrustPart> {
  ask(run: QuestionedRun, flags: TrustFlags): AsyncIterable<NonNullable<TrustCard[Part]>>;
  words(findings: NonNullable<TrustCard[Part]>): string;
}

const PARTS: { readonly [Part in TrustPart]: Asked<Part> } = {
  memory: { ask: askMemoryOf, words: (findings) => `By heart\n${memoryInWords(findings).map(item).join('')}` },
  bias: { ask: (run, { own, checkpoint }) => askBias(run, { own, checkpoint }), words: biasTables },
  said: {
    ask: (run, { checkpoint, said }) => askSaid(run, { checkpoint, ...said }),
    words: (findings) => `What it says\n${saidInWords(findings).map(item).join('')}`,
  },
};

async function* askMemoryOf(run: QuestionedRun, { checkpoint, reference: folder }: TrustFlags) {
  const other = folder === undefined ? undefined : await loadRun(run.engine, folder);
  yield* askMemory(run, { checkpoint, ...(folder && other && { reference: { ...other, name: basename(folder) } }) });
}

/** A sentence in a list. */
const item = (sentence: string): string => `  ${sentence}\n`;

/** `dawnlm trust`. */
export function addTrust(program: Command): void {
  const verb = program
    .command('trust')
    .description(
      'can a run be trusted? what it has by heart, where that stands in its text, and what it says; Ctrl-C keeps what is done',
    );
  addRunOptions(verb)
    .addOption(new Option('--only <parts>', `some of ${TRUST_PARTS.join(',')} (default: all)`).argParser(partsOf))
    .option('--text <file>', 'its text, if that has moved (it must be the same one)')
    .addOption(
      new Option(
        '--reference <folder>',
        'a run that did not see this text: its loss tells hard passages from unknown ones',
      ).argParser(path),
    )
    .option(
      '--pairs <table>',
      'pairs of sentences of your own to compare: columns more and less, and group if you like',
    )
    .option('--data <table>', 'of a classifier: labelled rows to ask it about')
    .option('--group <column>', 'of --data: what groups are compared by')
    .option('--text-column <name>', 'of --data', 'text')
    .option('--label-column <name>', 'of --data', 'label')
    .option(
      '--samples <n>',
      'texts, passages or windows that are drawn',
      number({ least: 10, most: 1e5, whole: true }),
      1000,
    )
    .option('--prompts <file>', 'said: prompts to go on with too, one a line')
    .option('--block <file>', 'said: what is blocked, as of sample (default: toxic words that are found)')
    .option('--seed <n>', 'of every draw', seedNumber, 1337)
    .addHelpText(
      'after',
      examples(
        'dawnlm trust --run runs/moby-dick',
        'dawnlm trust --run runs/x --only memory --samples 200',
        'dawnlm trust --run runs/x --only bias --pairs pairs.csv',
        'dawnlm trust --run runs/mails --data test.csv --group sex',
      ),
    )
    .action(trustVerb);
}

/** "memory,said" */
function partsOf(text: string): TrustPart[] {
  const parts = text.split(',').map((part) => part.trim());
  const isPart = (part: string): part is TrustPart => TRUST_PARTS.some((known) => known === part);
  if (parts.every(isPart)) return TRUST_PARTS.filter((part) => parts.includes(part));
  throw new InvalidArgumentError(`It must be some of ${TRUST_PARTS.join(', ')}, with commas between them.`);
}

async function trustVerb(flags: TrustFlags): Promise<void> {
  const { run: folder, only = TRUST_PARTS, json, pairs, prompts, block, data, group } = flags;
  const before = await readTrust(folder);
  const task = await tunedTaskOf(folder);
  if (task !== undefined) return tunedVerb(before, task, flags);
  if ((data ?? group) !== undefined) {
    throw new UsageError(
      `--data and --group are for classifiers, and ${folder} holds a model that was not tuned to labels`,
    );
  }
  if (pairs !== undefined) flags.own = { file: pairs, ...readOwnPairs(await readText(pairs), pairs) };
  flags.said = {
    ...(prompts !== undefined && { prompts: await readPrompts(prompts) }),
    ...(block !== undefined && { block: await readBlocked(block) }),
  };
  const questioned = await questionedRun(flags);
  const signal = stopSignal('Stopping; what was found is kept. Ctrl-C again ends at once.');
  const progress = new Progress();
  const watched = { ...questioned, signal, onProgress: watchWork(progress) };
  let card: TrustCard = before;
  for (const part of only) card = await askPart(part, card, watched, flags);
  progress.end();
  const page = await writePage(folder, card);
  if (json) printJson({ run: folder, ...card, page });
  else print(`${only.map((part) => inWords(part, card)).join('\n')}\npage: ${page}\n`);
  if (signal.aborted) process.exitCode = Number(signal.reason);
}

/** Of a model that was tuned to labels: what its labels hang on. */
async function tunedVerb(before: TrustCard, task: TunedTask, flags: TrustFlags): Promise<void> {
  const { run: folder, json } = flags;
  const signal = stopSignal('Stopping. Ctrl-C again ends at once.');
  const progress = new Progress();
  const labels = await labelBias(flags, task, { signal, onProgress: watchWork(progress) }).catch((error) => {
    if (!signal.aborted) throw error;
  });
  progress.end();
  if (!labels) {
    process.exitCode = Number(signal.reason);
    return;
  }
  const card = { ...before, bias: { ...before.bias, labels } };
  await writeJson(folder, TRUST_FILE, card);
  const page = await writePage(folder, card);
  if (json) printJson({ run: folder, ...card, page });
  else print(`${biasTables(card.bias)}\npage: ${page}\n`);
}

const PAGE = 'trust.html';

/** The page, and the cards of the run, which say what was found as well. */
async function writePage(folder: string, card: TrustCard): Promise<string> {
  const { renderTrust } = await import('../report/trust/trustPage.ts'); // takes a second, for its charts
  const page = join(folder, PAGE);
  await writeAtomic(page, renderTrust(basename(resolve(folder)), card));
  await writeCards(folder);
  return page;
}

/** What was found before, to which parts are added. @throws UserError when it is damaged */
async function readTrust(folder: string): Promise<TrustCard> {
  const file = join(folder, TRUST_FILE);
  if (!existsSync(file)) return { version: 1 };
  return checkJson(TrustCard, await readFile(file, 'utf8'), damaged(file, 'Remove it: it is written anew.'));
}

/** @throws UserError for what cannot be questioned: no run, a classifier, one without its text */
async function questionedRun(flags: TrustFlags): Promise<QuestionedRun> {
  const { run: folder, text, seed, samples } = flags;
  const run = await openRun(flags);
  const advice = `Give it: npx dawnlm trust --run ${shellWord(folder)} --text file.txt`;
  if (run.importedFrom) {
    throw new UserError(
      `${folder} was imported, without the text that it was trained on: what it has of that cannot be told.`,
    );
  }
  if (run.tunedFrom?.chat) {
    throw new UserError(`${folder} was tuned on prompts and answers: question the run that it was tuned from.`);
  }
  return { engine: run.model.engine, folder, run, ...(await textOfRun(run, folder, advice, text)), seed, samples };
}

/** Asks one part and keeps what it finds, piece by piece; when the user stops it, what was found until then. */
async function askPart<Part extends TrustPart>(
  part: Part,
  before: TrustCard,
  run: QuestionedRun,
  flags: TrustFlags,
): Promise<TrustCard> {
  let card = before;
  try {
    if (run.signal?.aborted) return card;
    for await (const findings of PARTS[part].ask(run, flags)) {
      card = { ...card, [part]: findings };
      await writeJson(run.folder, TRUST_FILE, card);
    }
  } catch (error) {
    if (!run.signal?.aborted) throw error;
  }
  return card;
}

function inWords<Part extends TrustPart>(part: Part, card: TrustCard): string {
  const findings = card[part];
  return findings ? PARTS[part].words(findings) : `${part}: not asked`;
}
