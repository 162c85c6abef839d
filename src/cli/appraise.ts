import { accountOf } from '../cost/account.ts';
import { EnergyMeter } from '../cost/energy.ts';
import type { Appraisal } from '../report/appraisal.ts';
import type { EndedRun } from '../train/run/events.ts';

/** What is said of a run at its end: what it cost. To be made when the run begins, so that its energy is read from then on. */
export function appraiser({ software }: { software: boolean }): (run: EndedRun) => Promise<Appraisal> {
  const meter = new EnergyMeter(software);
  return async (run) => ({ cost: await accountOf(run, meter) });
}
