import type { Command } from 'commander';
import { UserError } from '../errors.ts';
import { readText } from '../tasks/data.ts';
import { openTagger } from '../tasks/finetune.ts';
import { readTunedCard } from '../tasks/folder.ts';
import { typesOf } from '../tasks/tag/data.ts';
import { splitSentences } from '../text/labels/words.ts';
import { openEngine } from './engine.ts';
import { adapterOption, examples, jsonOption } from './options.ts';
import { markEntities } from './terminal/entities.ts';
import { printJson, printPainted, printText } from './terminal/output.ts';
import { terminalOf } from './terminal/terminal.ts';
import { addTextArgument, namesFile } from './textOrFile.ts';

interface TagOptions {
  run: string;
  literal?: boolean;
  adapter?: string;
  json?: boolean;
}

export function addTag(program: Command): void {
  const verb = program.command('tag').description('find names and other spans in a text with a tuned model');
  addTextArgument(verb, 'a file')
    .requiredOption('--run <folder>', 'folder that dawnlm finetune tag has written')
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `\nWith --json: {"text", "entities": [{"type", "start", "end", "text"}]}, offsets in UTF-16 units of the text.`,
    )
    .addHelpText(
      'after',
      examples('dawnlm tag --run runs/names "Anna Smith flew to Oslo."', 'dawnlm tag --run runs/names letter.txt'),
    )
    .action(tagVerb);
}

async function tagVerb(given: string, { run, literal, adapter, json }: TagOptions): Promise<void> {
  const card = await readTunedCard(run, 'tag');
  const text = (await namesFile(given, literal)) ? await readText(given) : given;
  const sentences = splitSentences(text);
  if (sentences.length === 0) throw new UserError('the text is empty: there is nothing to tag; give some words');
  const { engine } = await openEngine(adapter);
  const tagger = await openTagger(engine, run, card, sentences.length);
  const entities = await tagger.entities(text, sentences);
  if (json) return void printJson({ text, entities });
  const { color } = terminalOf(process.stdout);
  const marked = markEntities(text, entities, { types: typesOf(card.labels), color });
  (color ? printPainted : printText)(marked.endsWith('\n') ? marked : `${marked}\n`);
}
