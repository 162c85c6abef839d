import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { domainParts } from '../../data/prepare.ts';
import { UserError } from '../errors.ts';
import { writeAtomic } from '../node/files.ts';
import { count } from '../report/format.ts';
import { baselinesInWords, DOMAIN_FILES, DomainCard, scoreInWords } from '../report/judged.ts';
import { shellWord } from '../shellWord.ts';
import { askedModel, domainOf } from '../tasks/domain.ts';
import { evaluateText, type TextScore } from '../tasks/text/evaluate.ts';
import type { WeightFormat } from '../tensor/operands/packing.ts';
import { encodeStream, type Tokens } from '../text/windows/dataset.ts';
import { utf8Chunks } from '../text/windows/stream.ts';
import type { SavedRun } from '../train/savedRun.ts';
import { datasetOf, openCorpus } from './corpus.ts';
import { openRun } from './engine.ts';
import { addRunOptions, examples, type RunFlags, seedNumber, weightsOption } from './options.ts';
import { print, printJson, say, table } from './terminal/output.ts';
import { stopSignal } from './terminal/stopSignal.ts';

/** `dawnlm eval`. */
export function addEval(program: Command): void {
  const verb = program
    .command('eval')
    .description(
      'score a text with a trained model: nats a token, perplexity, bits a byte; of a domain its own scores too',
    )
    .argument('[file]', "a text file, a folder of them, or - (default: the run's own held-out text)");
  addRunOptions(verb)
    .addOption(weightsOption())
    .option('--quick', 'of a domain: a judgement from fewer samples, in seconds')
    .option('--seed <n>', 'of the samples that a domain judges', seedNumber, 0)
    .addHelpText('after', examples('dawnlm eval --run runs/moby-dick', 'dawnlm eval --run runs/x other.txt --json'))
    .action(evalVerb);
}

interface EvalFlags extends RunFlags {
  weights: WeightFormat;
  quick?: boolean;
  seed: number;
}

async function evalVerb(file: string | undefined, options: EvalFlags): Promise<void> {
  const run = await openRun(options);
  const { name, tokens } = file === undefined ? await heldOut(run, options.run) : await encodeFile(run, file);
  if (tokens.length < 2)
    throw new UserError(`${name} holds ${tokens.length} tokens, but 2 or more are needed: give a longer text.`);
  say(`scoring ${count(tokens.length - 1)} tokens of ${name}`);
  const score = await evaluateText(run, tokens, run.config);
  if (options.json) printJson({ run: options.run, text: name, ...score });
  else print(table(rows(name, score)));
  if (file === undefined) await judge(run, options);
}

/** Scores of the run's domain, if it has one: printed, and kept in the run's folder. */
async function judge(run: SavedRun, { run: folder, checkpoint, seed, quick = false, json }: EvalFlags): Promise<void> {
  const domain = domainOf(run);
  if (!domain) return;
  const signal = stopSignal('Stopping.');
  const asked = askedModel(run, { parts: await domainParts(domain, say), seed, quick, signal, say });
  const judged = await domain.judge(asked).catch((error) => {
    if (!signal.aborted) throw error;
  });
  if (!judged) {
    process.exitCode = signal.reason;
    return;
  }
  const { scores, notes } = judged;
  const card = DomainCard.parse({ version: 1, domain: domain.name, checkpoint, seed, quick, scores, notes });
  await writeAtomic(join(folder, DOMAIN_FILES.card), `${JSON.stringify(card, undefined, 2)}\n`);
  const { renderJudged } = await import('../report/judgedPage.ts'); // takes a second, for the charts of other pages
  await writeAtomic(join(folder, DOMAIN_FILES.page), renderJudged(basename(resolve(folder)), domain, judged, card));
  if (json) return void printJson(card);
  const lines = scores.map((score) => [score.name, scoreInWords(score), baselinesInWords(score)]);
  print(
    `\n${table([['', 'model', 'beside it'], ...lines], 2)}${notes.map((note) => `${note}\n`).join('')}page: ${join(folder, DOMAIN_FILES.page)}\n`,
  );
}

const rows = (name: string, { loss, perplexity, bitsPerByte }: TextScore): string[][] => [
  [`loss on ${name}, nats a token`, loss.toFixed(4)],
  ['perplexity', perplexity.toFixed(3)],
  ['bits a byte (comparable across tokenizers)', bitsPerByte.toFixed(4)],
];

interface Text {
  name: string;
  tokens: Tokens;
}

async function encodeFile(run: SavedRun, file: string): Promise<Text> {
  const { tokenizer } = run;
  const text = await domainOf(run)?.read?.(file);
  if (text !== undefined) return { name: file, tokens: Uint32Array.from(tokenizer.encode(text)) };
  const { name, bytes } = await openCorpus(file);
  return { name, tokens: await encodeStream(utf8Chunks(bytes(), name), tokenizer) };
}

/** The validation text of the run, if its corpus is still what it was. */
async function heldOut(run: SavedRun, folder: string): Promise<Text> {
  if (run.tunedFrom?.chat)
    throw new UserError(
      `${folder} was tuned on prompts and answers, which are no text to score. Give one: npx dawnlm eval --run ${shellWord(folder)} file.txt`,
    );
  const advice = `Give a text: npx dawnlm eval --run ${shellWord(folder)} file.txt`;
  const { validation } = await datasetOf(run, folder, advice);
  return { name: `the held-out part of ${run.dataCard.name}`, tokens: validation };
}
