import type { Command } from 'commander';
import { Option } from 'commander';
import { UsageError } from '../../errors.ts';
import { POOLINGS } from '../../model/heads.ts';
import { count } from '../../report/format.ts';
import {
  type ClassifyEvent,
  LEAST_TO_CALIBRATE,
  type TunedClassifier,
  tuneClassifier,
} from '../../tasks/classify/classify.ts';
import { type ClassifyData, keptTexts } from '../../tasks/classify/data.ts';
import type { ClassifyWishes } from '../../tasks/classify/settings.ts';
import { type TunedCard, writeTuned } from '../../tasks/folder.ts';
import { TuneCheckpoint } from '../../tasks/tuneCheckpoint.ts';
import type { BaseLink } from '../../train/runFolder.ts';
import { linkTo, loadRun } from '../../train/savedRun.ts';
import { METHODS } from '../../train/trainable.ts';
import { corpusName } from '../corpus.ts';
import { type OpenedEngine, openEngine } from '../engine.ts';
import { LABELLED_ARGUMENT, openLabelled } from '../labelledData.ts';
import { adapterOption, checkpointOption, examples, jsonOption, number, runOption, shellWord } from '../options.ts';
import { classificationTables } from '../terminal/metricTables.ts';
import { print, printJson, say } from '../terminal/output.ts';
import { INTERRUPTED, stopSignal } from '../terminal/stopSignal.ts';
import { addLoraOptions } from './loraOptions.ts';
import { refuseOccupied, tunedFolder } from './tunedFolder.ts';

interface Flags extends Omit<ClassifyWishes, 'evalEvery' | 'baseRate'> {
  run: string;
  checkpoint: 'best' | 'last';
  text: string;
  label: string;
  out?: string;
  force?: boolean;
  resume?: boolean;
  labels?: number;
  adapter?: string;
  json?: boolean;
}

const whole = (least: number) => number({ least, whole: true });

/** `dawnlm finetune classify`. */
export function addFinetuneClassify(finetune: Command): void {
  const verb = finetune
    .command('classify')
    .description('tune a trained model to the labels of whole texts; Ctrl-C keeps the best weights so far')
    .argument('<data>', LABELLED_ARGUMENT)
    .addOption(runOption().makeOptionMandatory())
    .addOption(checkpointOption())
    .option('--text <column>', 'column of the table that holds the text', 'text')
    .option('--label <column>', 'column that holds the label', 'label')
    .option('--out <folder>', 'where the tuned model is kept (default: <run>-<data>)')
    .option('--force', 'write over what was tuned into that folder before')
    .option('--resume', 'go on where the same command was stopped')
    .addOption(new Option('--method <name>', 'what is trained beside the new head').choices(METHODS).default('full'));
  addLoraOptions(verb)
    .option(
      '--epochs <n>',
      'how often each text is shown (default: 10, in 100 to 1,500 steps)',
      number({ least: 0.01 }),
    )
    .option('--steps <n>', 'optimizer steps, in place of epochs', whole(1))
    .option('--batch-size <n>', 'texts in a batch (default: 16)', whole(1))
    .option('--learning-rate <rate>', 'largest learning rate of the head (default: by method)', number({ least: 0 }))
    .option('--dropout <share>', 'share of activations dropped (default: 0.1)', number({ least: 0, most: 0.9 }))
    .option('--patience <n>', 'validations without a lower loss that end it (default: 6)', whole(1))
    .option('--class-weights', 'every class counts for the same, however few examples it has')
    .addOption(
      new Option('--pooling <how>', 'where the state of a text is taken from (default: mean)').choices(POOLINGS),
    )
    .option(
      '--max-tokens <n>',
      'read no more of each text, from its beginning (default: what the context holds)',
      whole(1),
    )
    .option('--labels <n>', 'train on n of the texts only, and validate on no more', whole(2))
    .option('--random-start', 'begin with random weights, to see what pretraining was worth')
    .option(
      '--seed <n>',
      'seed of the head, the order of the texts and the choice of --labels (default: 1337)',
      number({ least: 0, most: 2 ** 32 - 1, whole: true }),
    )
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        'dawnlm finetune classify mails.csv --run runs/english --text body --label folder --out runs/mails',
        'dawnlm finetune classify wordnet-glosses --run runs/english --labels 64 --method lora',
      ),
    )
    .action(finetuneClassify);
}

async function finetuneClassify(given: string, flags: Flags): Promise<void> {
  const { run, checkpoint: which, text, label, out, force, resume = false, labels, adapter, json, ...wishes } = flags;
  if (wishes.epochs !== undefined && wishes.steps !== undefined) {
    throw new UsageError('--epochs and --steps both say how long to train: give one of them');
  }
  const folder = tunedFolder(run, corpusName(given), out);
  if (!resume) refuseOccupied(folder, run, force);
  const data = await openLabelled(given, { text, label });
  const opened = await openEngine(adapter);
  const base = await loadRun(opened.engine, run, which);
  const startedAt = new Date().toISOString();
  const link = await linkTo(run, folder, which);
  const identity = { task: 'classify', base: link.sha256, data: data.card.sha256, text, label, labels, ...wishes };
  const checkpoint = new TuneCheckpoint(folder, identity, resume);
  const tuned = await tuneClassifier({
    ...{ base, parts: data.parts, name: given, wishes, labels, signal: stopSignal(), checkpoint },
    onEvent: (event) => tell(event, json),
  });
  const card = cardOf(tuned, { data, base: link, startedAt, ...opened });
  await writeTuned(folder, card, { ...tuned.classifier.parts, adapters: tuned.adapters }, keptTexts(tuned.parts));
  printTuned(tuned, folder, json);
  if (tuned.status !== 'stopped') return checkpoint.remove();
  say('the same command with --resume goes on');
  process.exitCode = INTERRUPTED;
}

interface Surroundings extends OpenedEngine {
  data: ClassifyData;
  base: BaseLink;
  startedAt: string;
}

function cardOf(tuned: TunedClassifier, { data, base, startedAt, adapter }: Surroundings): Omit<TunedCard, 'splits'> {
  const { settings, classifier, report, status, best, history } = tuned;
  const { classes, temperature } = classifier.parts;
  return {
    ...{ version: 1, task: 'classify', labels: classes, method: settings.method },
    ...{
      base,
      dataCard: data.card,
      adapter,
      startedAt,
    },
    settings: { ...settings, temperature, status, best, history },
    ...(report && { report }),
  };
}

function tell(event: ClassifyEvent, json = false): void {
  if (json) printJson(event);
  if (event.type === 'plan') {
    const { settings, examples: parts, trained, total, cut } = event;
    const pieces =
      cut > 0 ? `; ${count(cut)} texts are longer than the context, of which only the beginning is read` : '';
    say(
      `tuning: ${settings.method}${settings.randomStart ? ' from random weights' : ''}, ${count(trained)} numbers trained, ${count(total)} in the model and head; ${count(parts.train)} texts to train on, ${count(parts.validation)} to validate, at most ${count(settings.steps)} steps${pieces}`,
    );
    return;
  }
  const { step, loss, validationLoss, accuracy, best } = event;
  say(
    `step ${step}: loss ${loss.toFixed(3)}, validation loss ${validationLoss.toFixed(3)}, ${(100 * accuracy).toFixed(1)}% right${best ? ' (best so far)' : ''}`,
  );
}

const ENDED = { finished: 'finished', early: 'ended early, nothing was better', stopped: 'stopped' } as const;

function printTuned(tuned: TunedClassifier, folder: string, json = false): void {
  const { status, best, report, uncalibratedError, settings, parts, trained, total, classifier } = tuned;
  const { temperature } = classifier.parts;
  if (json) {
    printJson({
      type: 'result',
      status,
      folder,
      best,
      trained,
      total,
      temperature,
      uncalibratedError,
      report,
      settings,
    });
    return;
  }
  print(
    `\n${ENDED[status]}; kept: the weights of step ${best.step}, validation loss ${best.evaluation.loss.toFixed(3)}\n`,
  );
  if (report) {
    const calibration =
      parts.validation.length < LEAST_TO_CALIBRATE
        ? `not calibrated: fewer than ${LEAST_TO_CALIBRATE} texts to fit a temperature on`
        : `temperature ${temperature.toFixed(2)}, fitted on the validation part (calibration error without it ${(100 * uncalibratedError!).toFixed(1)}%)`;
    print(`\nOn the test part:\n${classificationTables(report)}\n${calibration}\n`);
  }
  print(`tuned model: ${folder}\ntry it: npx dawnlm classify --run ${shellWord(folder)} "a text of your own"\n`);
}
