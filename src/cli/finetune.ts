import type { Command } from 'commander';
import { addFinetuneClassify } from './finetuneClassify.ts';
import { addFinetuneMerge } from './finetuneMerge.ts';
import { addFinetuneTag } from './finetuneTag.ts';
import { addFinetuneText } from './finetuneText.ts';

/** `dawnlm finetune`: what a trained model can be tuned to. */
export function addFinetune(program: Command): void {
  const finetune = program.command('finetune').description('tune a trained model to a text or task of your own');
  for (const add of [addFinetuneText, addFinetuneClassify, addFinetuneTag, addFinetuneMerge]) add(finetune);
}
