/** What a run cost, as a section of its report. */

import type { CostCard } from './costCard.ts';
import { carbonInWords, energyInWords, operationsASecond } from './costWords.ts';
import { bytes, count, durationInWords, percent } from './format.ts';
import { html, type Part } from './html.ts';
import * as page from './page.ts';

/** Nothing of runs that kept no account. */
export function costSection(cost: CostCard | undefined): Part {
  if (!cost) return false;
  const { parts, stepsMs = 0, timeMs, tokens, roof, utilization, energy } = cost;
  const total = { part: 'Total', operations: 0, bytes: 0, timeMs: stepsMs };
  for (const part of parts) {
    total.operations += part.operations;
    total.bytes += part.bytes;
  }
  const columns: page.Column<(typeof parts)[number]>[] = [
    ['Part', ({ part }) => part],
    ['Operations', ({ operations }) => count(operations), 'number'],
    ['Moved at least', (row) => bytes(row.bytes), 'number'],
    ['Time', (row) => row.timeMs !== undefined && durationInWords(row.timeMs), 'number'],
    ['Share', (row) => row.timeMs !== undefined && stepsMs > 0 && row.timeMs / stepsMs, 'share'],
  ];
  const note = `Floating-point operations by formula, a multiply and an add being two; those of norms, activations and softmax are not counted. Times by the timestamps of one step, put on the whole run.`;
  const facts: (readonly [string, Part])[] = [
    ['In steps', `${durationInWords(stepsMs)} of ${durationInWords(timeMs)}`],
    ['Tokens', count(tokens)],
    [
      'Achieved',
      roof &&
        utilization !== undefined &&
        html`${operationsASecond(utilization * roof.operationsPerSecond)}, ${percent(utilization)} of the ${operationsASecond(roof.operationsPerSecond)} that the adapter was measured to do (model FLOPs utilization)`,
    ],
    ['Energy', energy && `${energyInWords(energy)} (${energy.source}: ${energy.basis})`],
    ['CO2', energy && carbonInWords(energy)],
  ];
  return page.section('What it cost', page.table(parts, columns, [total]), page.caption(note), page.facts(facts));
}
