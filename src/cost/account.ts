import type { CostCard } from '../report/costCard.ts';
import type { EndedRun } from '../train/run/events.ts';

/** What a run has cost, over all resumptions. */
export async function accountOf({ log, durationMs }: EndedRun): Promise<CostCard> {
  const tokens = log.reduce((most, record) => Math.max(most, record.tokens), 0);
  return { parts: [], tokens, timeMs: durationMs };
}
