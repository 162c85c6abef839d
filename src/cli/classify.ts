import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { UserError } from '../errors.ts';
import { Classifier, type ClassifierParts } from '../tasks/classify/classifier.ts';
import { requireKnown } from '../tasks/classify/data.ts';
import { readTuned, readTunedCard } from '../tasks/folder.ts';
import { argmax, classificationReport } from '../tasks/metrics/classification.ts';
import { type LabelledText, readTable, readTexts, tableFormat } from '../text/labels/labelled.ts';
import { openEngine } from './engine.ts';
import { adapterOption, examples, jsonOption, number, runOption } from './options.ts';
import { readText } from './terminal/input.ts';
import { classificationTables } from './terminal/metricTables.ts';
import { print, printJson, table } from './terminal/output.ts';

interface Flags {
  run: string;
  text: string;
  label?: string;
  threshold: number;
  adapter?: string;
  json?: boolean;
}

/** `dawnlm classify`. */
export function addClassify(program: Command): void {
  program
    .command('classify')
    .description('say the label of texts with a model that finetune classify has tuned')
    .argument('[text]', 'a text, a file of one text a line, a .csv, .tsv or .jsonl file, or - for standard input', '-')
    .addOption(runOption().makeOptionMandatory())
    .option(
      '--threshold <p>',
      'say "?" where the most probable label is less probable than that',
      number({ least: 0, most: 1 }),
      0,
    )
    .option('--text <column>', 'column of a table that holds the text', 'text')
    .option('--label <column>', 'column of a table that holds the true label: how well is it done?')
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        'dawnlm classify --run runs/mails "Your invoice is attached."',
        'dawnlm classify --run runs/mails new.csv --text body --json',
      ),
    )
    .action(classify);
}

async function classify(given: string, flags: Flags): Promise<void> {
  const card = await readTunedCard(flags.run, 'classify');
  const asked = await readAsked(given, flags);
  const labelled = asked.filter((one): one is LabelledText => one.label !== undefined);
  requireKnown(labelled, card.labels, given);
  const { engine } = await openEngine(flags.adapter);
  const { pooling, temperature, maxTokens } = card.settings as Pick<
    ClassifierParts,
    'pooling' | 'temperature' | 'maxTokens'
  >;
  const classifier = new Classifier({
    ...(await readTuned(engine, flags.run, card)),
    ...{ classes: card.labels, pooling, temperature, maxTokens },
  });
  const probabilities = await classifier.probabilities(asked.map(({ text }) => text));
  if (flags.label === undefined) answer(asked, probabilities, card.labels, flags);
  else judge(labelled, probabilities, card.labels, flags);
}

interface Asked {
  text: string;
  label?: string;
}

/** The texts of a table, the lines of any other file, or what was given itself. */
async function readAsked(given: string, { text, label }: Flags): Promise<Asked[]> {
  const isTable = /\.(csv|tsv|jsonl)$/i.test(given);
  if (label !== undefined && !isTable) {
    throw new UserError(
      `--label needs a table with true labels: give a .csv, .tsv or .jsonl file in place of "${given}"`,
    );
  }
  if (given !== '-' && !existsSync(given)) {
    if (isTable) throw new UserError(`There is no file ${given}. Give a .csv, .tsv or .jsonl file, or a text.`);
    if (given.trim() === '') throw new UserError('the text is empty: there is nothing to classify; give some words');
    return [{ text: given }];
  }
  if (!isTable) return linesOf(given);
  const content = await readText(given);
  const format = tableFormat(given);
  if (label !== undefined) return readTable(content, format, { text, label }, given);
  return readTexts(content, format, text, given).map((one) => ({ text: one }));
}

async function linesOf(path: string): Promise<Asked[]> {
  const content = await readText(path);
  const lines = content.split(/\r\n|\r|\n/).filter((line) => line.trim() !== '');
  if (lines.length === 0)
    throw new UserError(`${path === '-' ? 'Standard input' : path} holds no text; give one text a line.`);
  return lines.map((text) => ({ text }));
}

const LONGEST = 60;

function answer(
  asked: readonly Asked[],
  probabilities: readonly Float64Array[],
  labels: readonly string[],
  flags: Flags,
): void {
  const rows = asked.map(({ text }, i) => {
    const best = argmax(probabilities[i]);
    const probability = probabilities[i][best];
    const label = probability >= flags.threshold ? labels[best] : null;
    if (flags.json) {
      const all = Object.fromEntries(labels.map((name, c) => [name, probabilities[i][c]]));
      printJson({ text, label, probability, probabilities: all });
    }
    const line = text.replace(/\s+/g, ' ').trim();
    return [label ?? '?', probability.toFixed(3), line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line];
  });
  // the texts are a column that begins at the left: written behind the table's two
  if (flags.json) return;
  const lines = table(rows.map(([label, probability]) => [label, probability]))
    .trimEnd()
    .split('\n');
  print(lines.map((line, i) => `${line}  ${rows[i][2]}\n`).join(''));
}

function judge(
  asked: readonly LabelledText[],
  probabilities: readonly Float64Array[],
  labels: readonly string[],
  { json, run }: Flags,
): void {
  const truth = asked.map(({ label }) => labels.indexOf(label));
  const report = classificationReport(labels, truth, probabilities);
  if (json) printJson({ run, ...report });
  else print(classificationTables(report));
}
