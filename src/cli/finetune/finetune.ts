import type { Command } from 'commander';
import { addFinetuneClassify } from './classify.ts';
import { addFinetuneMerge } from './merge.ts';
import { addFinetuneTag } from './tag.ts';
import { addFinetuneText } from './text.ts';

/** `dawnlm finetune`: what a trained model can be tuned to. */
export function addFinetune(program: Command): void {
  const finetune = program.command('finetune').description('tune a trained model to a text or task of your own');
  for (const add of [addFinetuneText, addFinetuneClassify, addFinetuneTag, addFinetuneMerge]) add(finetune);
}
