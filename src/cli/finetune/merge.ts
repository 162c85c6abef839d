import type { Command } from 'commander';
import { UserError } from '../../errors.ts';
import { shellWord } from '../../shellWord.ts';
import { readTunedCard, tunedTaskOf } from '../../tasks/folder.ts';
import { mergeAdapters, mergeTuned } from '../../tasks/text/merge.ts';
import { isRunFolder, readRunCard } from '../../train/runFolder.ts';
import { openEngine } from '../engine.ts';
import { holdFolder } from '../holdFolder.ts';
import { adapterOption, checkpointOption, examples, outOption, runOption } from '../options.ts';
import { print } from '../terminal/output.ts';
import { withCards } from '../withCards.ts';

interface MergeOptions {
  run: string;
  checkpoint: 'best' | 'last';
  out: string;
  adapter?: string;
}

/** `dawnlm finetune merge`. */
export function addFinetuneMerge(finetune: Command): void {
  finetune
    .command('merge')
    .description('add low-rank adapters to the weights that they belong to: a run that needs no base')
    .addOption(runOption().makeOptionMandatory())
    .addOption(checkpointOption())
    .addOption(outOption('where the merged run is kept').makeOptionMandatory())
    .addOption(adapterOption())
    .addHelpText('after', examples('dawnlm finetune merge --run runs/answers --out runs/answers-whole'))
    .action(merge);
}

async function merge({ run, checkpoint, out, adapter }: MergeOptions): Promise<void> {
  const task = await tunedTaskOf(run);
  const tuned = task && (await readTunedCard(run, task));
  const method = tuned ? tuned.method : (await readRunCard(run)).tunedFrom?.method;
  if (method !== 'lora') {
    throw new UserError(`${run} has no adapters to merge: give a run of dawnlm finetune with --method lora`);
  }
  const lock = await holdFolder(out);
  if (isRunFolder(out)) throw new UserError(`${out} holds a run already: choose another folder with --out.`);
  const { engine } = await openEngine(adapter);
  await withCards(lock, () =>
    tuned ? mergeTuned(engine, run, tuned, out) : mergeAdapters(engine, run, checkpoint, out),
  );
  const next = task ? `${task} --run ${shellWord(out)} "a text"` : `sample --run ${shellWord(out)} --interactive`;
  print(`merged run: ${out}\ntry it: npx dawnlm ${next}\n`);
}
