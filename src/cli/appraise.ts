import { accountOf } from '../cost/account.ts';
import { examine } from '../health/examine.ts';
import type { Appraisal } from '../report/appraisal.ts';
import type { EndedRun } from '../train/run/events.ts';

/** What is said of a run at its end: what it cost, and whether it is sound. */
export async function appraise(run: EndedRun): Promise<Appraisal> {
  const cost = await accountOf(run);
  const { config, text, status, log, trainer, isFresh } = run;
  const { validation, tokens, tokenizer, card } = text;
  const patient = { config, card, status, isFresh, log, model: trainer.model, validation, tokens, tokenizer };
  return { cost, health: await examine(patient) };
}
