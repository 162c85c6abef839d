import type { Command } from 'commander';
import { setsFor } from '../../tasks/data.ts';
import { finetuneTagger } from '../../tasks/finetune.ts';
import { openSentences } from '../../tasks/tag/data.ts';
import { type TagOverrides, TagSettings } from '../../tasks/tag/settings.ts';
import type { TagEvent } from '../../tasks/tag/tag.ts';
import type { ConllColumns } from '../../text/labels/conll.ts';
import { examples, number } from '../options.ts';
import { percent, spanTables } from '../terminal/metricTables.ts';
import { say } from '../terminal/output.ts';
import { withCards } from '../withCards.ts';
import { type LabelFlags, openTuning, printTuned, tell } from './labels.ts';
import { addTuningOptions, dataOf } from './options.ts';

interface Flags extends LabelFlags, TagOverrides, ConllColumns {}

/** `dawnlm finetune tag`. */
export function addFinetuneTag(finetune: Command): void {
  const verb = finetune
    .command('tag')
    .description('tune a trained model to find names and other spans in text; Ctrl-C stops it with everything saved')
    .argument('[data]', `a file of CoNLL columns, a word and its tag a line, or a known set: ${setsFor('tag')}`);
  addTuningOptions(verb, TagSettings, ['baseRate', 'bidirectional', 'stopOn'], { examples: 'sentences', least: 1 })
    .option('--column <n>', 'the column of the tags, from 0 (default: the last)', number({ least: 0, whole: true }))
    .option(
      '--words-column <n>',
      'the column of the words, from 0 (default: the first that does not number them)',
      number({ least: 0, whole: true }),
    )
    .addHelpText(
      'after',
      examples(
        'dawnlm finetune tag --run runs/english synthetic-names --labels 500 --out runs/names',
        'dawnlm finetune tag --run runs/english ner.conll --column 3 --method lora --bidirectional',
      ),
    )
    .action(finetuneTag);
}

async function finetuneTag(data: string | undefined, flags: Flags): Promise<void> {
  const given = dataOf(data, flags);
  const { run, checkpoint, out, force, resume, labels, adapter, json, column, wordsColumn, ...overrides } = flags;
  const opened = await openTuning(given, flags, 'sentences', () => openSentences(given, { column, wordsColumn }, say));
  const onEvent = (event: TagEvent): void => tell(event, flags, { examples: 'sentences', ...eventInWords(event) });
  const options = { ...opened, overrides, identity: { column, wordsColumn }, onEvent };
  const tuned = await withCards(opened.lock, () => finetuneTagger(options));
  const { best, report } = tuned;
  printTuned(tuned, opened, flags, {
    ...{ task: 'tag', figures: { step: best.step, validation: best.evaluation.report, reports: report } },
    tables: Object.fromEntries(Object.entries(report).map(([part, scores]) => [part, spanTables(scores)])),
  });
}

function eventInWords(event: TagEvent) {
  if (event.type === 'validation') return { score: `F1 ${percent(event.f1)}` };
  const mask = event.settings.bidirectional ? ', without the causal mask' : '';
  return { notes: [`tags: ${event.tags.join(' ')}${mask}`, ...event.warnings.map((warning) => `mind: ${warning}`)] };
}
