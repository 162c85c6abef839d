import type { Command } from 'commander';
import { UserError } from '../errors.ts';
import { count } from '../report/format.ts';
import { shellWord } from '../shellWord.ts';
import { evaluateText, type TextScore } from '../tasks/text/evaluate.ts';
import type { WeightFormat } from '../tensor/operands/packing.ts';
import { encodeStream, type Tokens } from '../text/windows/dataset.ts';
import { utf8Chunks } from '../text/windows/stream.ts';
import type { SavedRun } from '../train/savedRun.ts';
import { datasetOf, openCorpus } from './corpus.ts';
import { openRun } from './engine.ts';
import { addRunOptions, examples, type RunFlags, weightsOption } from './options.ts';
import { print, printJson, say, table } from './terminal/output.ts';

/** `dawnlm eval`. */
export function addEval(program: Command): void {
  const verb = program
    .command('eval')
    .description('score a text with a trained model: nats a token, perplexity, bits a byte')
    .argument('[file]', "a text file, a folder of them, or - (default: the run's own held-out text)");
  addRunOptions(verb)
    .addOption(weightsOption())
    .addHelpText('after', examples('dawnlm eval --run runs/moby-dick', 'dawnlm eval --run runs/x other.txt --json'))
    .action(evalVerb);
}

async function evalVerb(file: string | undefined, options: RunFlags & { weights: WeightFormat }): Promise<void> {
  const run = await openRun(options);
  const { name, tokens } = file === undefined ? await heldOut(run, options.run) : await encodeFile(run, file);
  if (tokens.length < 2)
    throw new UserError(`${name} holds ${tokens.length} tokens, but 2 or more are needed: give a longer text.`);
  say(`scoring ${count(tokens.length - 1)} tokens of ${name}`);
  const score = await evaluateText(run, tokens, run.config.batchSize);
  if (options.json) printJson({ run: options.run, text: name, ...score });
  else print(table(rows(name, score)));
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

async function encodeFile({ tokenizer }: SavedRun, file: string): Promise<Text> {
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
