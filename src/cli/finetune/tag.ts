import { type Command, Option } from 'commander';
import { setsFor } from '../../tasks/data.ts';
import { finetuneTagger } from '../../tasks/finetune.ts';
import { openSentences } from '../../tasks/tag/data.ts';
import { STOP_ON, type TagOverrides } from '../../tasks/tag/settings.ts';
import type { TagEvent } from '../../tasks/tag/tag.ts';
import { examples, number } from '../options.ts';
import { percent, spanTables } from '../terminal/metricTables.ts';
import { say } from '../terminal/output.ts';
import { type LabelFlags, openTuning, printTuned, tell } from './labels.ts';
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

async function finetuneTag(given: string, flags: Flags): Promise<void> {
  const { run, checkpoint, out, force, resume, labels, adapter, json, column, ...overrides } = flags;
  const opened = await openTuning(given, flags, 'sentences', () => openSentences(given, column, say));
  const onEvent = (event: TagEvent): void => tell(event, flags, { examples: 'sentences', ...eventInWords(event) });
  const tuned = await finetuneTagger({ ...opened, overrides, identity: { column }, onEvent });
  const { best, report } = tuned;
  printTuned(tuned, opened.folder, flags, {
    ...{ task: 'tag', figures: { step: best.step, validation: best.evaluation.report, reports: report } },
    tables: Object.fromEntries(Object.entries(report).map(([part, scores]) => [part, spanTables(scores)])),
  });
}

function eventInWords(event: TagEvent) {
  if (event.type === 'validation') return { score: `F1 ${percent(event.f1)}` };
  const mask = event.settings.bidirectional ? ', without the causal mask' : '';
  return { notes: [`tags: ${event.tags.join(' ')}${mask}`, ...event.warnings.map((warning) => `mind: ${warning}`)] };
}
