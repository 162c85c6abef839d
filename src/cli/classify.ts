import type { Command } from 'commander';
import { UserError } from '../errors.ts';
import { largest } from '../numbers.ts';
import { count } from '../report/format.ts';
import type { Classifier } from '../tasks/classify/classifier.ts';
import { requireKnown } from '../tasks/classify/data.ts';
import { inWords, readText, textOf } from '../tasks/data.ts';
import { openClassifier } from '../tasks/finetune.ts';
import { readTunedCard } from '../tasks/folder.ts';
import { argmax, classificationReport } from '../tasks/metrics/classification.ts';
import { type LabelledText, readTable, readTexts, tableFormat } from '../text/labels/labelled.ts';
import type { EncodedText } from '../text/labels/labelledBatches.ts';
import { linesOf } from '../text/windows/stream.ts';
import { openEngine } from './engine.ts';
import { adapterOption, addQuotes, examples, jsonOption, number, runOption } from './options.ts';
import { classificationTables } from './terminal/metricTables.ts';
import { print, printJson, say } from './terminal/output.ts';
import { addTextArgument, namesFile } from './textOrFile.ts';

interface Flags {
  run: string;
  text: string;
  label?: string;
  literal?: boolean;
  quotes?: boolean;
  threshold: number;
  adapter?: string;
  json?: boolean;
}

/** `dawnlm classify`. */
export function addClassify(program: Command): void {
  const verb = program
    .command('classify')
    .description('say the label of texts with a model that finetune classify has tuned')
    .addOption(runOption().makeOptionMandatory());
  addTextArgument(verb, 'a file of one text a line, a .csv, .tsv or .jsonl file')
    .option('--threshold <p>', 'say "?" where no label is as probable as that', number({ least: 0, most: 1 }), 0)
    .option('--text <column>', 'column of a table that holds the text', 'text')
    .option('--label <column>', 'column of a table that holds the true label: how well is it done?');
  addQuotes(verb)
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
  const truth: number[] = [];
  const all: Float64Array[] = [];
  const cut = { texts: 0, of: 0 };
  let classifier: Classifier | undefined;
  for await (const inputs of flags.label === undefined ? inputsOf(given, flags) : labelledInputs(given, flags)) {
    requireKnown(inputs.filter(isLabelled), card.labels, given);
    classifier ??= await openClassifier((await openEngine(flags.adapter)).engine, flags.run, card);
    const texts = encodeAll(classifier, inputs);
    const probabilities = await classifier.score(texts);
    cut.texts += texts.filter((text) => text.cut).length;
    cut.of += texts.length;
    if (flags.label === undefined) printAnswers(inputs, texts, probabilities, card.labels, flags);
    for (const [i, { label }] of inputs.filter(isLabelled).entries()) {
      truth.push(card.labels.indexOf(label));
      all.push(probabilities[i]);
    }
  }
  if (!classifier) throw new UserError(`${inWords(given)} holds no text; give one text a line.`);
  sayWhatWasCut(cut, classifier.context);
  if (flags.label === undefined) return;
  const report = classificationReport(card.labels, truth, all);
  if (flags.json) printJson({ run: flags.run, ...report });
  else print(classificationTables(report));
}

/** A text, where it stands, and its true label where there is one. */
interface Input {
  readonly text: string;
  readonly where?: string;
  readonly label?: string;
}

const isLabelled = (input: Input): input is LabelledText => input.label !== undefined;
const isTable = (given: string): boolean => /\.(csv|tsv|jsonl)$/i.test(given);

/** Rows of a table that are answered at once: enough to have like lengths together. */
const AT_ONCE = 1024;

/** The texts of a table, the lines of any other file as they come, or what was given itself; some at a time. */
async function* inputsOf(given: string, { text, quotes, literal }: Flags): AsyncGenerator<Input[]> {
  if (!(await namesFile(given, literal))) {
    if (isTable(given) && !literal) throw noTable(given);
    if (given.trim() === '') throw new UserError('the text is empty: there is nothing to classify; give some words');
    yield [{ text: given }];
  } else if (isTable(given)) {
    const texts = readTexts(await readText(given), tableFormat(given), { text, quotes }, given);
    const rows = texts.map((one, i) => ({ text: one, where: `${given}, text ${i + 1}: ` }));
    for (let i = 0; i < rows.length; i += AT_ONCE) yield rows.slice(i, i + AT_ONCE);
  } else {
    let line = 0;
    for await (const lines of linesOf(textOf(given))) {
      const inputs = lines.map((one) => ({ text: one, where: `${inWords(given)}, line ${++line}: ` }));
      const filled = inputs.filter(({ text }) => text.trim() !== '');
      if (filled.length > 0) yield filled;
    }
  }
}

const noTable = (given: string): UserError =>
  new UserError(`There is no file ${given}. Give a .csv, .tsv or .jsonl file, or a text.`);

/** The rows of a table with true labels. */
async function* labelledInputs(given: string, { text, label, quotes, literal }: Flags): AsyncGenerator<Input[]> {
  if (!isTable(given)) {
    throw new UserError(
      `--label needs a table with true labels: give a .csv, .tsv or .jsonl file in place of "${given}"`,
    );
  }
  if (!(await namesFile(given, literal))) throw noTable(given);
  yield readTable(await readText(given), tableFormat(given), { text, label: label!, quotes }, given);
}

/** @throws UserError that says where the text stands that cannot be read */
function encodeAll(classifier: Classifier, inputs: readonly Input[]): EncodedText[] {
  return inputs.map(({ text, where = '' }) => {
    try {
      return classifier.encode(text);
    } catch (error) {
      throw error instanceof UserError ? new UserError(where + error.message) : error;
    }
  });
}

function sayWhatWasCut({ texts, of }: { texts: number; of: number }, context: number): void {
  if (texts === 0) return;
  const which = of === 1 ? 'the text is' : `${count(texts)} of ${count(of)} texts are`;
  say(`${which} longer than the ${count(context)} tokens that are read: the rest was not`);
}

const LONGEST = 60;

function printAnswers(
  inputs: readonly Input[],
  encoded: readonly EncodedText[],
  probabilities: readonly Float64Array[],
  labels: readonly string[],
  { threshold, json }: Flags,
): void {
  const width = largest(labels.map((label) => label.length));
  for (const [i, { text }] of inputs.entries()) {
    const best = argmax(probabilities[i]);
    const probability = probabilities[i][best];
    const label = probability >= threshold ? labels[best] : null;
    if (json) {
      const all = Object.fromEntries(labels.map((name, c) => [name, probabilities[i][c]]));
      printJson({ text, label, probability, probabilities: all, cut: encoded[i].cut });
      continue;
    }
    const line = text.replace(/\s+/g, ' ').trim();
    const shown = line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line;
    print(`${(label ?? '?').padEnd(width)}  ${probability.toFixed(3)}  ${shown}\n`);
  }
}
