import { type Command, Option } from 'commander';
import { UsageError } from '../../errors.ts';
import { POOLINGS } from '../../model/heads.ts';
import { count } from '../../report/format.ts';
import { LEAST_TO_CALIBRATE, type TunedClassifier } from '../../tasks/classify/classify.ts';
import { classifyFormat } from '../../tasks/classify/data.ts';
import type { ClassifyOverrides } from '../../tasks/classify/settings.ts';
import { setsFor } from '../../tasks/data.ts';
import { finetuneClassifier } from '../../tasks/finetune.ts';
import { examples, number } from '../options.ts';
import { classificationTables, percent } from '../terminal/metricTables.ts';
import { type LabelFlags, tuneToLabels } from './labels.ts';
import { addFolderOptions, addTuningOptions, methodOption, whole } from './options.ts';

interface Flags extends LabelFlags, Omit<ClassifyOverrides, 'evalEvery' | 'baseRate'> {
  text: string;
  label: string;
}

/** `dawnlm finetune classify`. */
export function addFinetuneClassify(finetune: Command): void {
  const verb = finetune
    .command('classify')
    .description('tune a trained model to the labels of whole texts; Ctrl-C keeps the best weights so far')
    .argument('<data>', `a .csv, .tsv or .jsonl file, or a known set: ${setsFor('classify')}`);
  addFolderOptions(verb)
    .option('--text <column>', 'column of the table that holds the text', 'text')
    .option('--label <column>', 'column that holds the label', 'label')
    .addOption(methodOption().default('full'))
    .option('--epochs <n>', 'how often each text is shown, in place of steps (default: 10)', number({ least: 0.01 }))
    .option('--class-weights', 'every class counts for the same, however few examples it has')
    .addOption(new Option('--pooling <how>', 'where the state of a text is from (default: mean)').choices(POOLINGS))
    .option('--max-tokens <n>', 'read no more of each text, from its beginning (default: the context)', whole(1));
  addTuningOptions(verb, 'texts', 2)
    .addHelpText(
      'after',
      examples(
        'dawnlm finetune classify mails.csv --run runs/english --text body --label folder --out runs/mails',
        'dawnlm finetune classify wordnet-glosses --run runs/english --labels 64 --method lora',
      ),
    )
    .action(finetuneClassify);
}

function finetuneClassify(given: string, flags: Flags): Promise<void> {
  const { run, checkpoint, out, force, resume, labels, adapter, json, text, label, ...overrides } = flags;
  if (overrides.epochs !== undefined && overrides.steps !== undefined) {
    throw new UsageError('--epochs and --steps both say how long to train: give one of them');
  }
  return tuneToLabels(given, flags, {
    ...{ task: 'classify', examples: 'texts', format: classifyFormat({ text, label }) },
    ...{ identity: { text, label }, overrides, finetune: finetuneClassifier },
    planNotes: ({ cut }) =>
      cut > 0 ? [`${count(cut)} texts are longer than the context, of which only the beginning is read`] : [],
    scoreInWords: ({ accuracy }) => `${percent(accuracy)} right`,
    figures: ({ classifier, uncalibratedError, report }) => ({
      ...{ temperature: classifier.parts.temperature, uncalibratedError, report },
    }),
    tables: ({ report, ...tuned }): Record<string, string> =>
      report ? { test: `${classificationTables(report)}\n${calibrationInWords(tuned)}` } : {},
  });
}

type Calibration = Pick<TunedClassifier, 'classifier' | 'parts' | 'uncalibratedError'>;

const calibrationInWords = ({ classifier, parts, uncalibratedError }: Calibration): string =>
  parts.validation.length < LEAST_TO_CALIBRATE
    ? `not calibrated: fewer than ${LEAST_TO_CALIBRATE} texts to fit a temperature on`
    : `temperature ${classifier.parts.temperature.toFixed(2)}, fitted on the validation part (calibration error without it ${percent(uncalibratedError!)})`;
