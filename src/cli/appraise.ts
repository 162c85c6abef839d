import { accountOf } from '../cost/account.ts';
import { EnergyMeter } from '../cost/energy.ts';
import { examine } from '../health/examine.ts';
import type { Appraisal } from '../report/appraisal.ts';
import type { EndedRun } from '../train/run/events.ts';

/**
 * What is said of a run at its end: what it cost, and whether it is sound. To be made when the run begins, so that its energy is read
 * from then on.
 */
export function appraiser({ software }: { software: boolean }): (run: EndedRun) => Promise<Appraisal> {
  const meter = new EnergyMeter(software);
  return async (run) => {
    const cost = await accountOf(run, meter);
    const { config, text, status, log, trainer, isFresh } = run;
    const { validation, tokens, tokenizer, card } = text;
    const patient = { config, card, status, isFresh, log, model: trainer.model, validation, tokens, tokenizer };
    return { cost, health: await examine(patient) };
  };
}
