import { accountOf } from '../cost/account.ts';
import type { Appraisal } from '../report/appraisal.ts';
import type { EndedRun } from '../train/run/events.ts';

/** What is said of a run at its end: what it cost. */
export const appraise = async (run: EndedRun): Promise<Appraisal> => ({ cost: await accountOf(run) });
