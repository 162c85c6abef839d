import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { UserError } from '../errors.ts';
import { bytes, count } from '../report/format.ts';
import { shellWord } from '../shellWord.ts';
import { type Imported, importModel, type OnProgress } from '../tasks/text/import.ts';
import { isOccupied } from '../train/place.ts';
import { holdFolder } from './holdFolder.ts';
import { examples, jsonOption, outOption, path } from './options.ts';
import { print, printJson, say } from './terminal/output.ts';
import { withCards } from './withCards.ts';

interface ImportFlags {
  out?: string;
  json?: boolean;
}

/** `dawnlm import`. */
export function addImport(program: Command): void {
  program
    .command('import')
    .description("make a run of a GPT-2 or Llama model of Hugging Face's, to sample from, score, tune and export")
    .argument(
      '<model>',
      'its folder (config.json, tokenizer.json, model.safetensors), or the .safetensors file in it',
      path,
    )
    .addOption(outOption('folder of the run (default: runs/<name of the model>)'))
    .addOption(jsonOption())
    .addHelpText('after', examples('dawnlm import ~/models/gpt2 --out runs/gpt2'))
    .action(importVerb);
}

async function importVerb(source: string, { out, json }: ImportFlags): Promise<void> {
  const folder = out ?? join('runs', basename(resolve(source), '.safetensors'));
  const lock = await holdFolder(folder);
  if (isOccupied(folder)) throw new UserError(`${folder} holds a run already: choose another folder with --out.`);
  const imported = await withCards(lock, () => importModel(source, folder, progress()));
  for (const note of imported.notes) say(`note: ${note}`);
  if (json) return void printJson({ run: folder, ...imported });
  print(inWords(folder, imported));
}

/** Between two words about it: small models are there before the first. */
const INTERVAL_MS = 5000;

/** Says how far it is, where that takes long. */
function progress(): OnProgress {
  let saidAt = performance.now();
  return (share) => {
    if (performance.now() - saidAt < INTERVAL_MS) return;
    saidAt = performance.now();
    say(`${(100 * share).toFixed(0)}% of the weights`);
  };
}

function inWords(folder: string, { config, parameters, files, types, tokenizer }: Imported): string {
  const { style, nLayer, nHead, nKvHead, nEmbd, blockSize, tieEmbeddings } = config;
  const heads = nKvHead === nHead ? `${nHead} heads` : `${nHead} heads on ${nKvHead} of keys and values`;
  const kind = tokenizer.kind === 'imported' ? 'byte-level BPE' : tokenizer.kind;
  const run = shellWord(folder);
  return [
    `${folder}: a ${style} model of ${count(parameters)} parameters (${bytes(4 * parameters)} as float32)`,
    `  weights: ${types.join(', ')} from ${files.length > 1 ? `${files.length} files` : files[0]}`,
    `  ${nLayer} layers, width ${nEmbd}, ${heads}, context ${count(blockSize)}${tieEmbeddings ? '' : ', a head of its own'}`,
    `  tokenizer: ${kind}, ${count(tokenizer.vocabSize)} tokens`,
    '',
    `npx dawnlm sample --run ${run} --prompt "Once upon a time"`,
    `npx dawnlm eval --run ${run} text.txt`,
    `npx dawnlm finetune text text.txt --run ${run}`,
    '',
  ].join('\n');
}
