import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { UserError } from '../errors.ts';
import { shellWord } from '../shellWord.ts';
import {
  type ExportFormat,
  exportRun,
  FORMATS,
  holds,
  MODEL_FORMATS,
  TYPES,
  type WeightType,
} from '../tasks/text/export.ts';
import { isRunFolder, weightsOf } from '../train/runFolder.ts';
import { writeExportCards } from '../trust/cards/cards.ts';
import { datasetOf } from './corpus.ts';
import { openRun } from './engine.ts';
import { holdFolder } from './holdFolder.ts';
import { adapterOption, checkpointOption, examples, outOption, path, runOption } from './options.ts';
import { print, say } from './terminal/output.ts';

interface ExportFlags {
  run: string;
  checkpoint: 'best' | 'last';
  to: readonly (ExportFormat | 'all')[];
  type: WeightType;
  out?: string;
  text?: string;
  adapter?: string;
}

/** `dawnlm export`. */
export function addExport(program: Command): void {
  program
    .command('export')
    .description('write a run for other programs: transformers, llama.cpp, Ollama, transformers.js, PyTorch')
    .addOption(runOption().makeOptionMandatory())
    .addOption(checkpointOption())
    .addOption(
      new Option(
        '--to <formats...>',
        'hf (transformers), gguf (llama.cpp), ollama, onnx (transformers.js), all of these, torch (goes on training in PyTorch)',
      )
        .choices([...FORMATS, 'all'])
        .makeOptionMandatory(),
    )
    .addOption(new Option('--type <type>', "the weights' numbers").choices(TYPES).default('f32'))
    .addOption(outOption('where they are written, each format in a folder of its name (default: <run>/export)'))
    .addOption(
      new Option(
        '--text <file>',
        'of torch: the text that the run learns from, where it is not where it was',
      ).argParser(path),
    )
    .addOption(adapterOption())
    .addHelpText(
      'after',
      examples(
        'dawnlm export --run runs/moby-dick --to gguf --type q8_0',
        'dawnlm export --run runs/x --to all',
        'dawnlm export --run runs/x --to torch --out ~/cluster',
      ),
    )
    .action(exportVerb);
}

async function exportVerb({ to, type, out, text, ...flags }: ExportFlags): Promise<void> {
  const { run: from } = flags;
  const opened = await openRun(flags);
  const advice = `torch takes the text along. Give it: npx dawnlm export --run ${shellWord(from)} --to torch --text file.txt`;
  const origin = { folder: from, dataset: () => datasetOf(opened, from, advice, text) };
  const run = { ...opened, weights: await weightsOf(opened.model.parameters), origin };
  const all = to.includes('all');
  for (const format of formatsOf(to)) {
    const folder = join(out ?? join(from, 'export'), format);
    const own = all && !holds(format, type) ? 'f32' : type;
    if (own !== type) say(`note: ${format} has no ${type}: its weights are f32`);
    if (isRunFolder(folder)) throw new UserError(`${folder} holds a run: choose another folder with --out.`);
    await holdFolder(folder);
    const { files, load, notes } = await exportRun(run, format, folder, own);
    for (const note of notes) say(`note: ${note}`);
    const written = [...files, ...(await writeExportCards(from, format, folder))];
    print(`${format}: ${written.map((file) => join(folder, file)).join(' ')}\n  ${load}\n`);
  }
}

/** Each format once, all of those that are meant by "all". */
const formatsOf = (to: ExportFlags['to']): Set<ExportFormat> =>
  new Set(to.flatMap((format) => (format === 'all' ? MODEL_FORMATS : [format])));
