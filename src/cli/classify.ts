import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { UserError } from '../errors.ts';
import { requireKnown } from '../tasks/classify/data.ts';
import { readText } from '../tasks/data.ts';
import { openClassifier } from '../tasks/finetune.ts';
import { readTunedCard } from '../tasks/folder.ts';
import { argmax, classificationReport } from '../tasks/metrics/classification.ts';
import { type LabelledText, readTable, readTexts, tableFormat } from '../text/labels/labelled.ts';
import { openEngine } from './engine.ts';
import { adapterOption, addQuotes, examples, jsonOption, number, runOption } from './options.ts';
import { classificationTables } from './terminal/metricTables.ts';
import { print, printJson, table } from './terminal/output.ts';

interface Flags {
  run: string;
  text: string;
  label?: string;
  quotes?: boolean;
  threshold: number;
  adapter?: string;
  json?: boolean;
}

/** `dawnlm classify`. */
export function addClassify(program: Command): void {
  addQuotes(program.command('classify'))
    .description('say the label of texts with a model that finetune classify has tuned')
    .argument('[text]', 'a text, a file of one text a line, a .csv, .tsv or .jsonl file, or - for standard input', '-')
    .addOption(runOption().makeOptionMandatory())
    .option('--threshold <p>', 'say "?" where no label is as probable as that', number({ least: 0, most: 1 }), 0)
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
  const inputs = await readInputs(given, flags);
  const labelled = inputs.filter((one): one is LabelledText => one.label !== undefined);
  requireKnown(labelled, card.labels, given);
  const { engine } = await openEngine(flags.adapter);
  const classifier = await openClassifier(engine, flags.run, card);
  const probabilities = await classifier.probabilities(inputs.map(({ text }) => text));
  if (flags.label === undefined) return printPredictions(inputs, probabilities, card.labels, flags);
  const truth = labelled.map(({ label }) => card.labels.indexOf(label));
  const report = classificationReport(card.labels, truth, probabilities);
  if (flags.json) printJson({ run: flags.run, ...report });
  else print(classificationTables(report));
}

/** A text, and its true label where there is one. */
interface Input {
  readonly text: string;
  readonly label?: string;
}

/** The texts of a table, the lines of any other file, or what was given itself. */
async function readInputs(given: string, { text, label, quotes }: Flags): Promise<Input[]> {
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
  const content = await readText(given);
  if (isTable && label !== undefined) return readTable(content, tableFormat(given), { text, label, quotes }, given);
  const texts = isTable
    ? readTexts(content, tableFormat(given), { text, quotes }, given)
    : content.split(/\r\n|\r|\n/).filter((line) => line.trim() !== '');
  if (texts.length > 0 || isTable) return texts.map((one) => ({ text: one }));
  throw new UserError(`${given === '-' ? 'Standard input' : given} holds no text; give one text a line.`);
}

const LONGEST = 60;

function printPredictions(
  inputs: readonly Input[],
  probabilities: readonly Float64Array[],
  labels: readonly string[],
  { threshold, json }: Flags,
): void {
  const rows = inputs.map(({ text }, i) => {
    const best = argmax(probabilities[i]);
    const probability = probabilities[i][best];
    const label = probability >= threshold ? labels[best] : null;
    if (json) {
      const all = Object.fromEntries(labels.map((name, c) => [name, probabilities[i][c]]));
      printJson({ text, label, probability, probabilities: all });
    }
    const line = text.replace(/\s+/g, ' ').trim();
    return [label ?? '?', probability.toFixed(3), line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line];
  });
  if (!json) print(table(rows, 3));
}
