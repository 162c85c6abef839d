import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import { count } from '../../report/format.ts';
import { type ClassifyEvent, LEAST_TO_CALIBRATE, type TunedClassifier } from '../../tasks/classify/classify.ts';
import { openTexts } from '../../tasks/classify/data.ts';
import { type ClassifyOverrides, ClassifySettings } from '../../tasks/classify/settings.ts';
import { setsFor } from '../../tasks/data.ts';
import { finetuneClassifier } from '../../tasks/finetune.ts';
import { addQuotes, examples, number } from '../options.ts';
import { classificationTables, percent } from '../terminal/metricTables.ts';
import { say } from '../terminal/output.ts';
import { withCards } from '../withCards.ts';
import { type LabelFlags, openTuning, printTuned, tell } from './labels.ts';
import { addTuningOptions, dataOf } from './options.ts';

interface Flags extends LabelFlags, Omit<ClassifyOverrides, 'evalEvery' | 'baseRate'> {
  text: string;
  label: string;
  quotes?: boolean;
}

/** `dawnlm finetune classify`. */
export function addFinetuneClassify(finetune: Command): void {
  const verb = finetune
    .command('classify')
    .description('tune a trained model to the labels of whole texts; Ctrl-C stops it with everything saved')
    .argument('[data]', `a .csv, .tsv or .jsonl file, or a known set: ${setsFor('classify')}`);
  addTuningOptions(verb, ClassifySettings, ['classWeights', 'pooling', 'maxTokens'], { examples: 'texts', least: 2 })
    .option('--epochs <n>', 'how often each text is shown, in place of steps (default: 10)', number({ least: 0.01 }))
    .option('--text <column>', 'column of the table that holds the text', 'text')
    .option('--label <column>', 'column that holds the label', 'label');
  addQuotes(verb)
    .addHelpText(
      'after',
      examples(
        'dawnlm finetune classify mails.csv --run runs/english --text body --label folder --out runs/mails',
        'dawnlm finetune classify wordnet-glosses --run runs/english --labels 64 --method lora',
      ),
    )
    .action(finetuneClassify);
}

async function finetuneClassify(data: string | undefined, flags: Flags): Promise<void> {
  const given = dataOf(data, flags);
  const { run, checkpoint, out, force, resume, labels, adapter, json, text, label, quotes, ...rest } = flags;
  const overrides = { method: 'full' as const, ...rest }; // said, as ever: a tuning that was stopped before remembers it
  if (overrides.epochs !== undefined && overrides.steps !== undefined) {
    throw new UsageError('--epochs and --steps both say how long to train: give one of them');
  }
  const opened = await openTuning(given, flags, 'texts', () => openTexts(given, { text, label, quotes }, say));
  const onEvent = (event: ClassifyEvent): void => tell(event, flags, { examples: 'texts', ...eventInWords(event) });
  const options = { ...opened, overrides, identity: { text, label, quotes }, onEvent };
  const tuned = await withCards(opened.lock, () => finetuneClassifier(options));
  const { report, uncalibratedError, classifier } = tuned;
  printTuned(tuned, opened, flags, {
    ...{ task: 'classify', figures: { temperature: classifier.parts.temperature, uncalibratedError, report } },
    tables: report ? { test: `${classificationTables(report)}\n${calibrationInWords(tuned)}` } : {},
  });
}

function eventInWords(event: ClassifyEvent) {
  if (event.type === 'validation') return { score: `${percent(event.accuracy)} right` };
  if (event.cut === 0) return {};
  return { notes: [`${count(event.cut)} texts are longer than the context, of which only the beginning is read`] };
}

const calibrationInWords = ({ classifier, parts, uncalibratedError }: TunedClassifier): string =>
  parts.validation.length < LEAST_TO_CALIBRATE
    ? `not calibrated: fewer than ${LEAST_TO_CALIBRATE} texts to fit a temperature on`
    : `temperature ${classifier.parts.temperature.toFixed(2)}, fitted on the validation part (calibration error without it ${percent(uncalibratedError!)})`;
