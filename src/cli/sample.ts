import { randomInt } from 'node:crypto';
import { type Command, Option } from 'commander';
import { UserError } from '../errors.ts';
import type { SampleSettings } from '../kernels/sampling/settings.ts';
import { isSmallWork } from '../model/decodeStep.ts';
import { list } from '../report/format.ts';
import { readPrompt } from '../tasks/data.ts';
import { domainOf, drawableDomain } from '../tasks/domain.ts';
import { blockFor, readBlocked } from '../tasks/text/blocked.ts';
import { type Choice, TextGenerator, type TextStep } from '../tasks/text/generate.ts';
import type { WeightFormat } from '../tensor/operands/packing.ts';
import { readModelConfig } from '../train/runFolder.ts';
import type { SavedRun } from '../train/savedRun.ts';
import { openRun } from './engine.ts';
import { addRunOptions, examples, number, type RunFlags, seedNumber, stopOption, weightsOption } from './options.ts';
import { converse } from './terminal/interactive.ts';
import { print, printJson, printText, say } from './terminal/output.ts';
import { drawChoice } from './terminal/probabilities.ts';

interface SampleOptions extends SampleSettings, RunFlags {
  prompt?: string;
  tokens: number;
  stop?: string[];
  seed?: number;
  count: number;
  interactive?: boolean;
  showProbabilities?: boolean;
  weights: WeightFormat;
  block?: string;
  draw?: string;
}

const share = number({ least: 0, most: 1 });
const penalty = number({ least: -100, most: 100 });

/** `dawnlm sample`. */
export function addSample(program: Command): void {
  const verb = program.command('sample').description('let a trained model write');
  addRunOptions(verb)
    .option(
      '--prompt <text>',
      'what the text begins with; - reads it from standard input (default: nothing; of a domain, what anything of its begins with)',
    )
    .option('--tokens <n>', 'tokens to write', number({ least: 1, whole: true }), 200)
    .option('--temperature <t>', '0 takes the likeliest token; 1 draws as the model says', number({ least: 0 }), 0.8)
    .option('--top-k <k>', 'draw from the k likeliest tokens; 0 for all', number({ least: 0, whole: true }), 0)
    .option('--top-p <p>', 'draw from the likeliest tokens with this share of the probability', share, 1)
    .option('--min-p <p>', "leave out what is below this share of the likeliest one's probability", share, 0)
    .option('--repetition-penalty <x>', 'above 1: tokens that came before are less likely', number({ least: 0.01 }), 1)
    .option('--presence-penalty <x>', 'taken off the logits of tokens that were written before', penalty, 0)
    .option('--frequency-penalty <x>', 'taken off for each time that they were', penalty, 0)
    .addOption(stopOption('end before any of these texts'))
    .addOption(
      new Option('--block <file>', 'words and phrases that no sample may hold, one a line, in any case').conflicts(
        'showProbabilities',
      ),
    )
    .option('--seed <n>', 'of the random numbers (default: a new one)', seedNumber)
    .addOption(weightsOption())
    .option('--count <n>', 'how many samples', number({ least: 1, most: 256, whole: true }), 1)
    .option(
      '--draw <file>',
      "also draw the samples, as the run's domain draws things: molecules as .svg, pictures as .png",
    )
    .addOption(
      new Option('--interactive', 'ask for one prompt after the other').conflicts(['prompt', 'count', 'json', 'draw']),
    )
    .addOption(new Option('--show-probabilities', 'show what each token was drawn from').conflicts('count'))
    .addHelpText(
      'after',
      examples(
        'dawnlm sample --run runs/moby-dick --prompt "Call me" --tokens 300',
        'dawnlm sample --run runs/moby-dick --prompt "The whale" --show-probabilities --tokens 10',
        'dawnlm sample --run runs/molecules --count 16 --draw sheet.svg',
      ),
    )
    .action(sampleVerb);
}

async function sampleVerb(options: SampleOptions): Promise<void> {
  const blocked = options.block === undefined ? undefined : await readBlocked(options.block);
  const smallWork = isSmallWork(await readModelConfig(options.run), options.count);
  const run = await openRun(options, { smallWork });
  const draw = options.draw === undefined ? undefined : drawingOf(run, options.run, options.draw);
  say(`${options.run}: ${options.checkpoint} weights${run.state ? `, after ${run.state.step} steps` : ''}`);
  const { seed = randomInt(2 ** 32), interactive, count, json } = options;
  const block = blocked && blockFor(blocked, run.tokenizer, say);
  const generator = new TextGenerator({ ...run, chat: run.tunedFrom?.chat }, { ...options, block, seed, say });
  say(`seed ${seed}`);
  if (interactive)
    return converse(async (prompt, stopped) => void (await writeOne(generator, prompt, options, stopped)));
  const prompt = options.prompt === '-' ? await readPrompt('-') : (options.prompt ?? domainOf(run)?.prompt('') ?? '');
  const texts = await (count > 1 || json ? writeAll : writeOne)(generator, prompt, options);
  if (!draw) return;
  await draw(texts.map((text) => prompt + text));
  say(`drawn: ${options.draw}`);
}

/** How the things that a run writes are drawn into a file. @throws UserError for a run of no domain that says how */
const drawingOf = (run: Pick<SavedRun, 'dataCard'>, folder: string, file: string) =>
  drawableDomain(run, file, (known) => {
    const why = `it was not trained on one of ${list(known)}`;
    return new UserError(`What ${folder} writes cannot be drawn: ${why}. Leave out --draw.`);
  }).draw;

/** One sample, as it is written; with probabilities, step by step. */
async function writeOne(
  generator: TextGenerator,
  prompt: string,
  { showProbabilities }: SampleOptions,
  interrupted?: () => boolean,
): Promise<string[]> {
  const steps = generator.generate(prompt, interrupted);
  const shown = generator.shown(prompt);
  if (!showProbabilities) printText(shown);
  let written = '';
  for await (const { texts, choice, samples } of steps) {
    if (!showProbabilities) printText(texts[0]);
    else if (choice) print(drawChoice(samples[0].tokens, choice));
    written = samples[0].text;
  }
  printText(showProbabilities ? `\n${shown}${written}\n` : '\n');
  return [written];
}

/** All samples at once, each shown whole. */
async function writeAll(
  generator: TextGenerator,
  prompt: string,
  { json, ...options }: SampleOptions,
): Promise<string[]> {
  const { seed } = generator;
  const { temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty } = options;
  const penalties = { repetitionPenalty, presencePenalty, frequencyPenalty };
  const settings = { temperature, topK, topP, minP, ...penalties };
  const steps: Choice[] = [];
  let samples: TextStep['samples'] = [];
  for await (const step of generator.generate(prompt)) {
    samples = step.samples;
    if (step.choice) steps.push(step.choice);
  }
  for (const [i, { text, tokens }] of samples.entries()) {
    const facts = { prompt, text, tokens, seed, settings };
    if (json) printJson(options.showProbabilities ? { ...facts, steps } : facts);
    else printText(`${i > 0 ? SEPARATOR : ''}${generator.shown(prompt)}${text}\n`);
  }
  return samples.map(({ text }) => text);
}

const SEPARATOR = `${'-'.repeat(40)}\n`;
