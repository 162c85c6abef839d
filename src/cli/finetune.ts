import type { Command } from 'commander';
import { addFinetuneClassify } from './finetuneClassify.ts';

/** `dawnlm finetune`: what a trained model can be tuned to. */
export function addFinetune(program: Command): void {
  const finetune = program.command('finetune').description('tune a trained model to a task of your own');
  for (const add of [addFinetuneClassify]) add(finetune);
}
