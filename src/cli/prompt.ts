import { randomInt } from 'node:crypto';
import type { Command } from 'commander';
import { mean } from 'simple-statistics';
import { UsageError } from '../errors.ts';
import { NO_FILTERS } from '../kernels/sampling/settings.ts';
import { count } from '../report/format.ts';
import { openShots } from '../tasks/classify/data.ts';
import { readPrompt } from '../tasks/data.ts';
import { evaluatePrompting, type PromptingReport } from '../tasks/prompt/prompt.ts';
import { asksForLabel, parseLabelTemplate, parseTextTemplate, verbalizer } from '../tasks/prompt/template.ts';
import { TextGenerator } from '../tasks/text/generate.ts';
import { unescapeTemplate } from '../text/chat/escapes.ts';
import { countLabels } from '../text/labels/labelled.ts';
import { subsample } from '../text/labels/splits.ts';
import { openRun } from './engine.ts';
import {
  addQuotes,
  addRunOptions,
  argumentOr,
  examples,
  number,
  type RunFlags,
  seedNumber,
  stopOption,
} from './options.ts';
import { promptingTables } from './terminal/metricTables.ts';
import { print, printJson, printText, say } from './terminal/output.ts';

interface PromptOptions extends RunFlags {
  template: string;
  text: string;
  label: string;
  quotes?: boolean;
  verbalize?: string[];
  shots: number;
  calibrate?: boolean;
  perToken?: boolean;
  seeds: number;
  limit: number;
  tokens: number;
  temperature: number;
  stop?: string[];
  seed?: number;
}

const whole = (least: number) => number({ least, whole: true });

/** `dawnlm prompt`. */
export function addPrompt(program: Command): void {
  const verb = program
    .command('prompt')
    .description('use a model by prompting alone: label texts after some shots, or complete a template')
    .argument('[input]', 'with {label} in the template: a table, or a known data set; else the text, or -');
  addQuotes(addRunOptions(verb))
    .requiredOption('--template <text>', String.raw`such as "{text}\nClass: {label}\n"; \n is a new line`)
    .option('--text <column>', 'column of the texts', 'text')
    .option('--label <column>', 'column of the labels', 'label')
    .option('--verbalize <label=word...>', 'what labels are called in the prompt (default: the labels themselves)')
    .option('--shots <k>', 'solved examples before each question', whole(0), 0)
    .option('--calibrate', 'contextual calibration: divide by what the prompt favours for a text without content')
    .option('--per-token', 'compare words by their mean log-likelihood a token, not by the sum')
    .option('--seeds <n>', 'draws and orders of the shots', number({ least: 1, most: 100, whole: true }), 3)
    .option('--limit <n>', 'texts to ask about at most, stratified', whole(1), 200)
    .option('--tokens <n>', 'completion: tokens to write', whole(1), 64)
    .option('--temperature <t>', 'completion: 0 takes the likeliest token', number({ least: 0 }), 0)
    .addOption(stopOption('completion: end before any of these texts'))
    .option('--seed <n>', 'completion: of the random numbers (default: a new one)', seedNumber)
    .addHelpText(
      'after',
      examples(
        String.raw`dawnlm prompt --run runs/english --template "{text}\nClass: {label}\n" --shots 8 --calibrate wordnet-glosses`,
        'dawnlm prompt --run runs/english --template "{text}: a kind of" --tokens 16 whale',
      ),
    )
    .action(promptVerb);
}

async function promptVerb(input: string | undefined, options: PromptOptions): Promise<void> {
  const template = unescapeTemplate(options.template);
  await (asksForLabel(template) ? labelTexts(input, template, options) : complete(input, template, options));
}

async function labelTexts(given: string | undefined, source: string, options: PromptOptions): Promise<void> {
  const template = parseLabelTemplate(source);
  const input = argumentOr(given, options.verbalize, (pair) => pair.includes('='));
  if (input === undefined) {
    throw new UsageError(
      'the template asks for {label}: give a .csv, .tsv or .jsonl file of labelled texts, or a known data set',
    );
  }
  const { shots, calibrate = false, perToken = false, text, label, quotes, run, limit } = options;
  const { card, parts } = await openShots(input, { text, label, quotes }, shots, say);
  const { train: pool, test: all } = parts;
  const classes = [...countLabels([...pool, ...all]).keys()].sort();
  const words = verbalizer(classes, options.verbalize);
  const tested = subsample(all, limit, 0);
  const { model, tokenizer } = await openRun(options);
  say(`asking about ${count(tested.length)} of ${count(all.length)} texts of ${card.name}`);
  const seeds = Array.from({ length: options.seeds }, (_, i) => i);
  const report = await evaluatePrompting({
    ...{ model, tokenizer, template, verbalizer: words, pool, tested },
    ...{ shots, seeds, calibrate, perToken, onProgress: progress() },
  });
  sayWhatWasCut(report, tested.length, model.config.blockSize);
  if (options.json) printJson({ run, data: card.name, dataCard: card, template: source, perToken, ...report });
  else print(promptingTables(report, card.name));
}

/** A line at each tenth of a long seed's work. */
function progress(): (seed: number, done: number, total: number) => void {
  let said = 0;
  return (seed, done, total) => {
    const tenth = Math.floor((10 * done) / total);
    if (total >= 100 && tenth !== said) say(`seed ${seed}: ${10 * tenth}%`);
    said = tenth;
  };
}

function sayWhatWasCut({ shots, runs }: PromptingReport, tested: number, blockSize: number): void {
  const shown = mean(runs.map(({ meanShots }) => meanShots));
  if (shown < shots) {
    say(
      `the context of ${blockSize} tokens has room for ${shown.toFixed(1)} of the ${shots} shots on average: the first ones were left out`,
    );
  }
  const [{ shortened }] = runs;
  if (shortened > 0)
    say(`${count(shortened)} of ${count(tested)} texts do not fit into ${blockSize} tokens and lost their ends`);
}

/** Writes the prompt and what the model puts behind it, token by token. */
async function complete(input: string | undefined, source: string, options: PromptOptions): Promise<void> {
  const { before, after, takesText } = parseTextTemplate(source);
  if (takesText !== (input !== undefined)) {
    throw new UsageError(
      takesText
        ? `the template has a place {text}: give the text that goes there${options.stop ? ', before --stop, which takes all that follows it,' : ','} or - to read it from standard input`
        : 'the template has no place {text} for the text that was given; put {text} into it',
    );
  }
  const text = input === '-' ? await readPrompt('-') : (input ?? '');
  const { run, temperature, tokens, stop, seed = randomInt(2 ** 32), json } = options;
  const { model, tokenizer } = await openRun(options);
  const settings = { ...NO_FILTERS, temperature, tokens, stop, seed, say };
  const prompt = `${before}${text}${after}`;
  const steps = new TextGenerator({ model, tokenizer }, settings).generate(prompt);
  if (!json) printText(prompt);
  let written = { text: '', tokens: 0 };
  for await (const { texts, samples } of steps) {
    if (!json) printText(texts[0]);
    [written] = samples;
  }
  if (json) printJson({ run, prompt, text: written.text, tokens: written.tokens, temperature, seed });
  else printText('\n');
}
