import { randomInt } from 'node:crypto';
import { type Command, Option } from 'commander';
import { mean } from 'simple-statistics';
import { UsageError } from '../errors.ts';
import { Generator } from '../model/generate.ts';
import { count } from '../report/format.ts';
import { evaluatePrompting, type PromptingReport, type Spread } from '../tasks/prompt/prompt.ts';
import { asksForLabel, parseLabelTemplate, parseTextTemplate, verbalizer } from '../tasks/prompt/template.ts';
import { unescapeTemplate } from '../text/chat/escapes.ts';
import { countLabels } from '../text/labels/labelled.ts';
import { subsample } from '../text/labels/splits.ts';
import type { TaskCard } from '../text/labels/taskCard.ts';
import { openingTokens } from '../train/samples.ts';
import { loadRun, type SavedRun } from '../train/savedRun.ts';
import { openEngine } from './engine.ts';
import { openShots } from './labelledData.ts';
import { adapterOption, checkpointOption, examples, jsonOption, number, runOption } from './options.ts';
import { Continuation } from './terminal/continuation.ts';
import { readText } from './terminal/input.ts';
import { classificationTables } from './terminal/metricTables.ts';
import { print, printJson, say, table } from './terminal/output.ts';

interface PromptOptions {
  run: string;
  template: string;
  text: string;
  label: string;
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
  checkpoint: 'best' | 'last';
  adapter?: string;
  json?: boolean;
}

const whole = (least: number) => number({ least, whole: true });

/** `dawnlm prompt`. */
export function addPrompt(program: Command): void {
  program
    .command('prompt')
    .description('use a model by prompting alone: label texts after some shots, or complete a template')
    .argument(
      '[input]',
      'with {label} in the template: a .csv, .tsv or .jsonl file, or a known data set; else the text, or -',
    )
    .addOption(runOption().makeOptionMandatory())
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
    .option('--stop <text...>', 'completion: end before any of these texts')
    .addOption(
      new Option('--seed <n>', 'completion: of the random numbers (default: a new one)').argParser(
        number({ least: 0, most: 2 ** 32 - 1, whole: true }),
      ),
    )
    .addOption(checkpointOption())
    .addOption(adapterOption())
    .addOption(jsonOption())
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

async function labelTexts(input: string | undefined, source: string, options: PromptOptions): Promise<void> {
  const template = parseLabelTemplate(source);
  if (input === undefined) {
    throw new UsageError(
      'the template asks for {label}: give a .csv, .tsv or .jsonl file of labelled texts, or a known data set',
    );
  }
  const data = await openShots(input, { text: options.text, label: options.label }, options.shots);
  const classes = [...countLabels([...data.pool, ...data.tested]).keys()].sort();
  const words = verbalizer(classes, options.verbalize);
  const tested = subsample(data.tested, options.limit, 0);
  const { engine } = await openEngine(options.adapter);
  const { model, tokenizer } = await loadRun(engine, options.run, options.checkpoint);
  const { shots, calibrate = false, perToken = false } = options;
  say(`asking about ${count(tested.length)} of ${count(data.tested.length)} texts of ${data.card.name}`);
  const seeds = Array.from({ length: options.seeds }, (_, i) => i);
  const onProgress = progress();
  const report = await evaluatePrompting({
    ...{ model, tokenizer, template, verbalizer: words, pool: data.pool, tested },
    ...{ shots, seeds, calibrate, perToken, onProgress },
  });
  sayWhatWasCut(report, tested.length, model.config.blockSize);
  if (options.json) {
    const { card } = data;
    printJson({ run: options.run, data: card.name, dataCard: card, template: source, perToken, ...report });
  } else print(reportTables(report, data.card));
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

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

/** Scores seed by seed and over all; of a single seed, everything. */
function reportTables(
  { classes, contentFree, runs, shots, majority, ...scores }: PromptingReport,
  { name }: TaskCard,
): string {
  const [first] = runs;
  const calibration = contentFree === null ? 'no calibration' : `calibrated on ${JSON.stringify(contentFree)}`;
  const facts = `${name}, ${shots} shots, ${calibration}; always the commonest class: ${percent(majority)}, a guess: ${percent(1 / classes.length)}\n\n`;
  if (runs.length === 1) return facts + classificationTables(first.report);
  const row = (
    title: string,
    shown: string,
    of: (score: 'accuracy' | 'macroF1' | 'calibrationError') => string,
  ): string[] => [...[title, shown], ...(['accuracy', 'macroF1', 'calibrationError'] as const).map(of)];
  const spread = (text: (spread: Spread) => string) => (score: 'accuracy' | 'macroF1' | 'calibrationError') =>
    text(scores[score]);
  return (
    facts +
    table([
      ['seed', 'shots shown', 'accuracy', 'macro F1', 'calibration error'],
      ...runs.map(({ seed, meanShots, report }) =>
        row(String(seed), meanShots.toFixed(1), (score) => percent(report[score])),
      ),
      row(
        'mean',
        '',
        spread((one) => percent(one.mean)),
      ),
      row(
        'deviation',
        '',
        spread((one) => percent(one.deviation)),
      ),
      row(
        'range',
        '',
        spread(({ low, high }) => `${percent(low)} to ${percent(high)}`),
      ),
    ])
  );
}

async function complete(input: string | undefined, source: string, options: PromptOptions): Promise<void> {
  const { before, after, takesText } = parseTextTemplate(source);
  if (takesText !== (input !== undefined)) {
    throw new UsageError(
      takesText
        ? 'the template has a place {text}: give the text that goes there, or - to read it from standard input'
        : 'the template has no place {text} for the text that was given; put {text} into it',
    );
  }
  const text = input === '-' ? (await readText('-')).trimEnd() : (input ?? '');
  const { engine } = await openEngine(options.adapter);
  const run = await loadRun(engine, options.run, options.checkpoint);
  await write(run, `${before}${text}${after}`, options);
}

/** Writes the prompt and what the model puts behind it, token by token. */
async function write({ model, tokenizer }: SavedRun, prompt: string, options: PromptOptions): Promise<void> {
  const { tokens, temperature, seed = randomInt(2 ** 32), json } = options;
  const ids = prompt === '' ? openingTokens(tokenizer) : tokenizer.encode(prompt);
  const written = new Continuation(tokenizer, options.stop ?? []);
  const settings = { temperature, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 };
  if (!json) print(prompt);
  for await (const step of new Generator(model).generate([ids], { ...settings, tokens, seed })) {
    const text = written.push(step.tokens[0]);
    if (!json) print(text);
    if (written.stopped) break;
  }
  const rest = written.end();
  if (json) printJson({ run: options.run, prompt, text: written.text, tokens: written.tokens, temperature, seed });
  else print(`${rest}\n`);
}
