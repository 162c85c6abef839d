import type { Command } from 'commander';
import { UserError } from '../errors.ts';
import { largest } from '../numbers.ts';
import { count } from '../report/format.ts';
import type { Classifier } from '../tasks/classify/classifier.ts';
import { requireKnown } from '../tasks/classify/data.ts';
import { readText, textOf } from '../tasks/data.ts';
import { openClassifier } from '../tasks/finetune.ts';
import { readTunedCard } from '../tasks/folder.ts';
import { argmax, classificationReport } from '../tasks/metrics/classification.ts';
import { readTable, readTexts, tableFormat } from '../text/labels/labelled.ts';
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

/** Texts that are read, classified and answered at once: enough to have like lengths together. */
const AT_ONCE = 1024;

async function classify(given: string, flags: Flags): Promise<void> {
  const card = await readTunedCard(flags.run, 'classify');
  const { label: labelled } = flags;
  const inputs = labelled === undefined ? inputsOf(given, flags) : labelledInputs(given, labelled, flags);
  const truth: number[] = [];
  const all: Float64Array[] = [];
  let classifier: Classifier | undefined;
  const cut = { texts: 0, of: 0 };
  for await (const batch of inBatches(inputs)) {
    if (labelled !== undefined) requireKnown(batch as Required<Input>[], card.labels, given);
    classifier ??= await openClassifier((await openEngine(flags.adapter)).engine, flags.run, card);
    const texts = encodeAll(classifier, batch);
    const probabilities = await classifier.score(texts);
    cut.texts += texts.filter((text) => text.cut).length;
    cut.of += texts.length;
    if (labelled === undefined) {
      printAnswers(batch, texts, probabilities, card.labels, flags);
      continue;
    }
    for (const [i, { label }] of batch.entries()) truth.push(card.labels.indexOf(label!)) && all.push(probabilities[i]);
  }
  if (!classifier)
    throw new UserError(`${given === '-' ? 'Standard input' : given} holds no text; give one text a line.`);
  sayWhatWasCut(cut, classifier.context);
  if (labelled === undefined) return;
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

const isTable = (given: string): boolean => /\.(csv|tsv|jsonl)$/i.test(given);

/** The texts of a table, the lines of any other file as they are read, or what was given itself. */
async function* inputsOf(given: string, { text, quotes, literal }: Flags): AsyncGenerator<Input> {
  if (!(await namesFile(given, literal))) {
    if (isTable(given) && !literal) throw noTable(given);
    if (given.trim() === '') throw new UserError('the text is empty: there is nothing to classify; give some words');
    yield { text: given };
  } else if (isTable(given)) {
    const texts = readTexts(await readText(given), tableFormat(given), { text, quotes }, given);
    for (const [i, one] of texts.entries()) yield { text: one, where: `${given}, text ${i + 1}: ` };
  } else {
    let line = 0;
    for await (const one of linesOf(textOf(given))) {
      line++;
      if (one.trim() !== '') yield { text: one, where: `${given === '-' ? 'standard input' : given}, line ${line}: ` };
    }
  }
}

const noTable = (given: string): UserError =>
  new UserError(`There is no file ${given}. Give a .csv, .tsv or .jsonl file, or a text.`);

/** The rows of a table with true labels. */
async function* labelledInputs(given: string, label: string, flags: Flags): AsyncGenerator<Input> {
  if (!isTable(given)) {
    throw new UserError(
      `--label needs a table with true labels: give a .csv, .tsv or .jsonl file in place of "${given}"`,
    );
  }
  if (!(await namesFile(given, flags.literal))) throw noTable(given);
  yield* readTable(await readText(given), tableFormat(given), { ...flags, label }, given);
}

async function* inBatches(inputs: AsyncIterable<Input>): AsyncGenerator<Input[]> {
  let batch: Input[] = [];
  for await (const input of inputs) {
    batch.push(input);
    if (batch.length < AT_ONCE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
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
