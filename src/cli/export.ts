import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { UserError } from '../errors.ts';
import { type ExportFormat, exportRun, FORMATS, holds, TYPES, type WeightType } from '../tasks/text/export.ts';
import { isRunFolder } from '../train/runFolder.ts';
import { openRun } from './engine.ts';
import { holdFolder } from './holdFolder.ts';
import { adapterOption, checkpointOption, examples, outOption, runOption } from './options.ts';
import { print, say } from './terminal/output.ts';

interface ExportFlags {
  run: string;
  checkpoint: 'best' | 'last';
  to: readonly (ExportFormat | 'all')[];
  type: WeightType;
  out?: string;
  adapter?: string;
}

/** `dawnlm export`. */
export function addExport(program: Command): void {
  program
    .command('export')
    .description('write a run for other programs: transformers, llama.cpp, Ollama, transformers.js')
    .addOption(runOption().makeOptionMandatory())
    .addOption(checkpointOption())
    .addOption(
      new Option('--to <formats...>', 'hf (transformers), gguf (llama.cpp), ollama, onnx (transformers.js), all')
        .choices([...FORMATS, 'all'])
        .makeOptionMandatory(),
    )
    .addOption(new Option('--type <type>', "the weights' numbers").choices(TYPES).default('f32'))
    .addOption(outOption('where they are written, each format in a folder of its name (default: <run>/export)'))
    .addOption(adapterOption())
    .addHelpText(
      'after',
      examples('dawnlm export --run runs/moby-dick-quick --to gguf --type q8_0', 'dawnlm export --run runs/x --to all'),
    )
    .action(exportVerb);
}

async function exportVerb({ to, type, out, ...flags }: ExportFlags): Promise<void> {
  const run = await openRun(flags);
  const all = to.includes('all');
  for (const format of all ? FORMATS : (to as ExportFormat[])) {
    const folder = join(out ?? join(flags.run, 'export'), format);
    const own = all && !holds(format, type) ? 'f32' : type;
    if (own !== type) say(`note: ${format} has no ${type}: its weights are f32`);
    if (isRunFolder(folder)) throw new UserError(`${folder} holds a run: choose another folder with --out.`);
    await holdFolder(folder);
    const { files, load, notes } = await exportRun(run, format, folder, own);
    for (const note of notes) say(`note: ${note}`);
    print(`${format}: ${files.map((file) => join(folder, file)).join(' ')}\n  ${load}\n`);
  }
}
