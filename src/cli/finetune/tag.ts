import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { findTaskSet } from '../../../data/corpora.ts';
import { prepareTask } from '../../../data/prepare.ts';
import { UsageError, UserError } from '../../errors.ts';
import { count } from '../../report/format.ts';
import { type TunedCard, writeTuned } from '../../tasks/folder.ts';
import { keptSentences, splitTagFile, type TagData } from '../../tasks/tag/data.ts';
import { STOP_ON, type TagSettings } from '../../tasks/tag/settings.ts';
import { type TagEvent, type TunedTagger, tuneTagger } from '../../tasks/tag/tag.ts';
import { TuneCheckpoint } from '../../tasks/tuneCheckpoint.ts';
import { linkTo, loadRun } from '../../train/savedRun.ts';
import { METHODS } from '../../train/trainable.ts';
import { corpusName } from '../corpus.ts';
import { openEngine } from '../engine.ts';
import { setsFor } from '../labelledData.ts';
import { adapterOption, checkpointOption, examples, jsonOption, number, runOption, shellWord } from '../options.ts';
import { readText } from '../terminal/input.ts';
import { spanTables } from '../terminal/metricTables.ts';
import { print, printJson, say } from '../terminal/output.ts';
import { INTERRUPTED, stopSignal } from '../terminal/stopSignal.ts';
import { addLoraOptions } from './loraOptions.ts';
import { refuseOccupied, tunedFolder } from './tunedFolder.ts';

interface FinetuneTagOptions extends Partial<TagSettings> {
  run: string;
  column?: number;
  labels?: number;
  out?: string;
  force?: boolean;
  resume?: boolean;
  checkpoint: 'best' | 'last';
  adapter?: string;
  json?: boolean;
}

const whole = number({ least: 1, whole: true });
const above = number({ least: 1e-9 });

/** `dawnlm finetune tag`. */
export function addFinetuneTag(finetune: Command): void {
  const verb = finetune
    .command('tag')
    .description('tune a trained model to find names and other spans in text')
    .argument(
      '<data>',
      `a file of CoNLL columns (a word and its tag a line, in BIO or IOB1), or a known set: ${setsFor('tag')}`,
    )
    .addOption(runOption().makeOptionMandatory())
    .option('--column <n>', 'the column of the tags, counted from 0 (default: the last)', whole)
    .addOption(
      new Option(
        '--method <which>',
        'what is trained beside the new head: all, adapters, the last block, nothing',
      ).choices(METHODS),
    );
  addLoraOptions(verb)
    .option('--bidirectional', 'let each word see those behind it: lifts the causal mask')
    .option('--random-start', 'begin with random weights, to compare with')
    .option('--labels <n>', 'train on so many sentences only', whole)
    .option('--out <folder>', 'where the tuned model is kept (default: <run>-<data>)')
    .option('--force', 'write over what was tuned into that folder before')
    .option('--resume', 'go on where the same command was stopped')
    .option('--steps <n>', 'optimizer steps at most', whole)
    .option('--batch-size <n>', 'sentences a step', whole)
    .option('--learning-rate <rate>', 'largest learning rate, of the head and of adapters', above)
    .option('--base-rate <factor>', "learning rate of the model's own weights, in units of that", above)
    .option('--dropout <share>', 'share of activations dropped (default: 0.1)', number({ least: 0, most: 0.9 }))
    .option('--patience <n>', 'validations without a better one after which it ends', whole)
    .addOption(
      new Option('--stop-on <score>', 'what validations are judged by: entity F1, or the loss').choices(STOP_ON),
    )
    .option(
      '--seed <n>',
      'of the head, the order and the choice of --labels (default: 1337)',
      number({ least: 0, most: 2 ** 32 - 1, whole: true }),
    )
    .addOption(checkpointOption())
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        'dawnlm finetune tag --run runs/english synthetic-names --labels 500 --out runs/names',
        'dawnlm finetune tag --run runs/english ner.conll --column 3 --method lora --bidirectional',
      ),
    )
    .action(finetuneTag);
}

async function finetuneTag(given: string, options: FinetuneTagOptions): Promise<void> {
  const {
    run,
    column,
    labels,
    out,
    force,
    resume = false,
    checkpoint: which,
    adapter: choice,
    json,
    ...wishes
  } = options;
  const folder = tunedFolder(run, corpusName(given), out);
  if (!resume) refuseOccupied(folder, run, force);
  const startedAt = new Date().toISOString();
  const data = await readData(given, column);
  const { engine, adapter } = await openEngine(choice);
  const base = await loadRun(engine, run, which);
  if (json) printJson({ type: 'data', card: data.card });
  else sayData(data);
  const onEvent = (event: TagEvent): void => {
    if (json) printJson(event);
    sayEvent(event);
  };
  const link = await linkTo(run, folder, which);
  const identity = { task: 'tag', base: link.sha256, data: data.card.sha256, column, labels, ...wishes };
  const checkpoint = new TuneCheckpoint(folder, identity, resume);
  const tuned = await tuneTagger({
    ...{ base, parts: data.parts, wishes, labels, signal: stopSignal(), checkpoint, onEvent },
  });
  const { tagger, adapters, settings, status, best, history } = tuned;
  const card: Omit<TunedCard, 'splits'> = {
    ...{ version: 1, task: 'tag', labels: tagger.parts.tags, method: settings.method, startedAt, adapter },
    ...{ base: link, settings: { ...settings, status, best, history }, dataCard: data.card },
    report: tuned.reports,
  };
  await writeTuned(folder, card, { ...tagger.parts, adapters }, keptSentences(tuned.parts));
  report(tuned, folder, json);
  if (status !== 'stopped') return checkpoint.remove();
  say('the same command with --resume goes on');
  process.exitCode = INTERRUPTED;
}

/** A known set by its name, or the user's own file. */
async function readData(given: string, column: number | undefined): Promise<TagData> {
  const set = findTaskSet(given);
  if (!set && !existsSync(given)) {
    throw new UserError(
      `There is no data set or file called "${given}". Known data sets: ${setsFor('tag')}. Else give a file of CoNLL columns.`,
    );
  }
  if (!set) return splitTagFile(await readText(given), { path: given, column });
  if (set.task !== 'tag') {
    throw new UsageError(`${given} has a class for each text: npx dawnlm finetune classify --run ... ${given}`);
  }
  if (column !== undefined) throw new UsageError(`--column is for files of your own; ${given} has its tags already`);
  return (await prepareTask(set, say)) as TagData;
}

function sayData({ card }: TagData): void {
  const parts = Object.entries(card.parts).map(([part, { examples }]) => `${count(examples)} ${part}`);
  const { within, across } = card.duplicates;
  say(`data: ${card.name}, sentences: ${parts.join(', ')}; ${count(within + across)} duplicates removed`);
  say(`licence: ${card.licence}. ${card.note}`);
}

function sayEvent(event: TagEvent): void {
  if (event.type === 'plan') {
    const { settings, tags, trained, total, examples: parts, warnings } = event;
    const mask = settings.bidirectional ? ', without the causal mask' : '';
    say(`tags: ${tags.join(' ')}`);
    say(
      `${settings.method}${mask}: ${count(trained)} of ${count(total)} parameters are trained on ${count(parts.train)} sentences, chosen by ${count(parts.validation)}`,
    );
    for (const warning of warnings) say(`mind: ${warning}`);
  } else {
    const { step, loss, validationLoss, f1, best } = event;
    const scores = `loss ${loss.toFixed(3)}  val ${validationLoss.toFixed(3)}  F1 ${(100 * f1).toFixed(1)}%`;
    say(`step ${step}  ${scores}${best ? '  best so far' : ''}`);
  }
}

function report({ status, best, reports }: TunedTagger, folder: string, json: boolean | undefined): void {
  if (json)
    return void printJson({
      type: 'result',
      status,
      folder,
      step: best.step,
      validation: best.evaluation.report,
      reports,
    });
  const ends = { finished: 'finished', early: 'nothing got better any more', stopped: 'stopped' };
  say(`${ends[status]}; the weights are those of step ${best.step}`);
  for (const [part, scores] of Object.entries(reports)) print(`\n${part}\n${spanTables(scores)}`);
  say(`\nin ${folder}; tag a text: npx dawnlm tag --run ${shellWord(folder)} "..."`);
}
