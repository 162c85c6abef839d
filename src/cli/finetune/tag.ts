import { type Command, Option } from 'commander';
import { setsFor } from '../../tasks/data.ts';
import { finetuneTagger } from '../../tasks/finetune.ts';
import { tagFormat } from '../../tasks/tag/data.ts';
import { STOP_ON, type TagOverrides } from '../../tasks/tag/settings.ts';
import { examples, number } from '../options.ts';
import { percent, spanTables } from '../terminal/metricTables.ts';
import { type LabelFlags, tuneToLabels } from './labels.ts';
import { addFolderOptions, addTuningOptions, methodOption, whole } from './options.ts';

interface Flags extends LabelFlags, TagOverrides {
  column?: number;
}

/** `dawnlm finetune tag`. */
export function addFinetuneTag(finetune: Command): void {
  const verb = finetune
    .command('tag')
    .description('tune a trained model to find names and other spans in text; Ctrl-C keeps the best weights so far')
    .argument('<data>', `a file of CoNLL columns, a word and its tag a line, or a known set: ${setsFor('tag')}`);
  addFolderOptions(verb)
    .option('--column <n>', 'the column of the tags, counted from 0 (default: the last)', whole(1))
    .addOption(methodOption())
    .option('--bidirectional', 'let each word see those behind it: lifts the causal mask')
    .option('--base-rate <x>', "learning rate of the model's weights, times the head's", number({ least: 1e-9 }))
    .addOption(new Option('--stop-on <score>', 'validations are judged by: entity F1, or the loss').choices(STOP_ON));
  addTuningOptions(verb, 'sentences', 1)
    .addHelpText(
      'after',
      examples(
        'dawnlm finetune tag --run runs/english synthetic-names --labels 500 --out runs/names',
        'dawnlm finetune tag --run runs/english ner.conll --column 3 --method lora --bidirectional',
      ),
    )
    .action(finetuneTag);
}

function finetuneTag(given: string, flags: Flags): Promise<void> {
  const { run, checkpoint, out, force, resume, labels, adapter, json, column, ...overrides } = flags;
  return tuneToLabels(given, flags, {
    ...{ task: 'tag', examples: 'sentences', format: tagFormat(column), identity: { column }, overrides },
    finetune: finetuneTagger,
    planNotes: ({ tags, warnings, settings: { bidirectional } }) => [
      `tags: ${tags.join(' ')}${bidirectional ? ', without the causal mask' : ''}`,
      ...warnings.map((warning) => `mind: ${warning}`),
    ],
    scoreInWords: ({ f1 }) => `F1 ${percent(f1)}`,
    figures: ({ best, reports }) => ({ step: best.step, validation: best.evaluation.report, reports }),
    tables: ({ reports }) =>
      Object.fromEntries(Object.entries(reports).map(([part, report]) => [part, spanTables(report)])),
  });
}
