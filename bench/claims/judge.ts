/** From figures to verdicts. */
import { type Timing, timingOf } from '../../src/check/measure.ts';
import type { PeerFigure } from '../peers/rounds.ts';
import type { ClaimMeasurement } from '../record.ts';
import type { Rival, Threshold } from './catalog.ts';

/** Whether a figure reaches what it must, or aims at; null where there is no figure or no threshold. */
function reaches(value: number | null, threshold: number | undefined, atMost = false): boolean | null {
  if (value === null || threshold === undefined) return null;
  return atMost ? value <= threshold : value >= threshold;
}

/** A claim with its verdicts. */
export function judged(claim: Omit<ClaimMeasurement, 'kind' | 'met' | 'aimMet'>): ClaimMeasurement {
  const { value, must, aim, atMost } = claim;
  return { kind: 'claim', ...claim, met: reaches(value, must, atMost), aimMet: reaches(value, aim, atMost) };
}

/** Median and spread of values that were taken round by round. */
export function spreadOf(values: readonly number[]): Omit<Timing, 'median'> & { value: number } {
  const { median: value, ...timing } = timingOf(values);
  return { value, ...timing };
}

/** A figure by itself. */
export const aloneClaim = (row: string, figure: PeerFigure, threshold: Threshold): ClaimMeasurement =>
  figure.value === null
    ? judged({ row, unit: figure.unit, value: null, note: `dawnlm fails: ${figure.error}`, ...threshold })
    : judged({ row, unit: figure.unit, ...spreadOf(figure.values), ours: figure.value, ...threshold });

/** A figure by a rival's, round by round; without one where the rival is absent (`theirs` undefined) or somebody failed. */
export function rivalClaim(
  row: string,
  { peer, as, estimate, ...threshold }: Rival,
  ours: PeerFigure,
  theirs: PeerFigure | undefined,
): ClaimMeasurement {
  const about = { row, against: estimate?.name ?? as ?? peer, unit: 'x', ...threshold };
  const share = estimate?.share ?? 1;
  const without = (note: string) => judged({ ...about, value: null, note });
  if (!theirs) return without(estimate ? `${peer}, from which it is estimated, is absent` : 'absent');
  const failed = [ours, theirs].find(({ value }) => value === null);
  if (failed) return without(`${failed.peer} fails: ${failed.error}`);
  const ratios = ours.values.map((value, round) => value / (theirs.values[round] * share));
  const rates = { rateUnit: ours.unit, ours: ours.value!, theirs: theirs.value! * share };
  return judged({ ...about, ...spreadOf(ratios), ...rates, note: estimate?.note ?? theirs.note });
}
