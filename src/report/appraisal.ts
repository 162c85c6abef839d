import { z } from 'zod';
import { CostCard } from './costCard.ts';
import { HealthCard } from './healthCard.ts';

/**
 * What is said of a run at its end by rooms that know more than training does: plain data that run.json keeps and the report shows. Runs
 * of before have none of it.
 */
export const Appraisal = z.object({
  cost: CostCard.optional(),
  health: HealthCard.optional(),
});
export type Appraisal = z.infer<typeof Appraisal>;
