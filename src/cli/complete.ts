import { type Command, Option } from 'commander';
import { UsageError, UserError } from '../errors.ts';
import { isSmallWork } from '../model/decodeStep.ts';
import { count } from '../report/format.ts';
import { readText } from '../tasks/data.ts';
import { domainOf } from '../tasks/domain.ts';
import { FILLING, fill, holeAt, LEAST_READ, type Place } from '../tasks/text/fill.ts';
import { readModelConfig, readRunCard } from '../train/runFolder.ts';
import { openRun } from './engine.ts';
import { addRunOptions, examples, number, type RunFlags, seedNumber, weightsOption } from './options.ts';
import { print, printJson } from './terminal/output.ts';

interface CompleteFlags extends RunFlags, Place {
  tokens?: number;
  lines: number;
  candidates: number;
  temperature: number;
  seed: number;
}

const place = number({ least: 1, whole: true });

/** `dawnlm complete`. */
export function addComplete(program: Command): void {
  const verb = program
    .command('complete')
    .description(
      'write a line of a file from what stands before it and after it, with a model trained with --fill-in-middle',
    )
    .argument('<file>', 'a text file, such as src/index.ts');
  addRunOptions(verb)
    .requiredOption('--line <n>', 'the line to be written, from 1; what stands there is set aside', place)
    .option(
      '--column <n>',
      'write from this character of the line on, from 1, and leave what is there behind it',
      place,
    )
    .option('--lines <n>', 'lines that may be written', number({ least: 1, whole: true }), 1)
    .option(
      '--tokens <n>',
      'tokens that may be written (default: a quarter of the context)',
      number({ least: 1, whole: true }),
    )
    .option(
      '--candidates <n>',
      'completions that are written, of which the one is kept that what comes after it goes on from best',
      number({ least: 1, whole: true }),
      FILLING.candidates,
    )
    .option(
      '--temperature <t>',
      '0 takes the likeliest token, and writes a single completion',
      number({ least: 0 }),
      FILLING.temperature,
    )
    .addOption(new Option('--seed <n>', 'of the random numbers').argParser(seedNumber).default(0))
    .addOption(weightsOption())
    .addHelpText(
      'after',
      examples(
        'dawnlm complete --run runs/typescript src/index.ts --line 40',
        'dawnlm complete --run runs/typescript src/index.ts --line 40 --column 12 --lines 3',
      ),
    )
    .action(completeVerb);
}

async function completeVerb(file: string, flags: CompleteFlags): Promise<void> {
  const { run: folder, line, column, lines, candidates, temperature, seed, json } = flags;
  const card = await readRunCard(folder);
  if (card.config.fillInMiddle === 0) {
    const train = 'npx dawnlm train file.txt --tokenizer bpe --fill-in-middle 0.5';
    throw new UserError(`${folder} was not trained to write between texts. Train a model for that, as with: ${train}`);
  }
  const { blockSize } = card.config;
  const { tokens = Math.max(1, Math.floor(blockSize / 4)) } = flags;
  if (tokens > blockSize - LEAST_READ) {
    const context = `the context of ${count(blockSize)} tokens holds what is read as well`;
    throw new UsageError(`--tokens may be ${blockSize - LEAST_READ} at most: ${context}`);
  }
  await domainOf(card)?.read?.(file); // which refuses what is not of the kind that the model knows
  const hole = holeAt((await readText(file)).replaceAll('\r\n', '\n'), flags, file);
  const run = await openRun(flags, { smallWork: isSmallWork(await readModelConfig(folder), candidates) });
  const stop = lines === 1 ? '\n' : undefined;
  const [written] = await fill(run, [hole], { tokens, candidates, temperature, seed, stop });
  const text = written.split('\n').slice(0, lines).join('\n');
  if (json) printJson({ run: folder, file, line, column, text, temperature, seed });
  else print(`${text}\n`);
}
