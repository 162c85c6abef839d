/** The scaling experiment in words and tables. */
import { table } from '../../src/cli/terminal/output.ts';
import { count, loss } from '../../src/report/format.ts';
import type { ScalingResult } from '../scaling/result.ts';
import type { ScalingRecord } from '../scaling/store.ts';
import { byBudget } from '../scaling/summary.ts';
import { operations, withBand } from '../scaling/words.ts';

/** A line for a measurement. */
export function runInWords(record: ScalingRecord, done: number, total: number): string {
  if (record.kind === 'prediction') {
    const { budget, nEmbd, parameters, loss: value, band } = record;
    return `predicted, and kept before it is measured: ${operations(budget)} operations, width ${nEmbd}, ${count(parameters)} parameters: loss ${withBand(value, band, 3)}`;
  }
  const { budget, nLayer, nEmbd, parameters, steps, loss: value, failed, seconds } = record;
  const outcome = value === null ? `failed: ${failed}` : `loss ${loss(value)}`;
  return `${done}/${total}  ${operations(budget)} operations, ${nLayer} layers of width ${nEmbd} (${count(parameters)} parameters), ${count(steps)} steps: ${outcome}  ${seconds.toFixed(0)} s`;
}

/** All that is printed at the end. */
export function scalingTables(result: ScalingResult): string {
  const { leftOut, complete } = result;
  return [
    complete ? '' : 'Not all that was planned is measured yet.\n',
    runTable(result),
    ...leftOut.map(({ run, why }) => `left out: width ${run.nEmbd} at ${operations(run.budget)} operations, ${why}\n`),
    bottoms(result),
    exponents(result),
    lawInWords(result),
    predictionInWords(result),
  ]
    .filter(Boolean)
    .join('\n');
}

function runTable({ runs }: ScalingResult): string {
  const rows = byBudget(runs).flatMap((group) =>
    group.map((run) => [
      ...[operations(run.budget), count(run.parameters), String(run.nLayer), String(run.nEmbd), count(run.tokens)],
      ...[count(run.steps), run.loss === null ? '-' : loss(run.loss)],
    ]),
  );
  return table([['operations', 'parameters', 'layers', 'width', 'tokens', 'steps', 'held-out loss'], ...rows], 0);
}

function bottoms({ budgets }: ScalingResult): string {
  const rows = budgets.map(({ budget, parabola, band }) => [
    operations(budget),
    parabola ? `${count(parabola.best)}${parabola.inside ? '' : ' (beyond what was tried)'}` : 'no bottom',
    band ? `${count(band[0])} to ${count(band[1])}` : '-',
    parabola ? loss(parabola.bottom) : '-',
  ]);
  return rows.length > 0
    ? `Best size by budget (parabolas in ln N, all parameters)\n${table([['operations', 'parameters', 'band', 'loss'], ...rows], 0)}`
    : '';
}

/** What is counted decides the exponent: all of them side by side. */
function exponents({ exponents }: ScalingResult): string {
  const rows = exponents.map(({ convention, from, exponent, band }) => [
    convention.parameters === 'all' ? 'all parameters' : 'without embeddings',
    convention.operations,
    from,
    withBand(exponent, band),
  ]);
  return rows.length > 0
    ? `Best parameters ~ operations^x, by what is counted\n${table([['parameters', 'operations', 'from', 'x (95%)'], ...rows], 3)}`
    : '';
}

function lawInWords({ law }: ScalingResult): string {
  if (!law) return 'Too few runs converged for a law.\n';
  const { E, A, alpha, B, beta } = law.fit;
  const [a, b] = [A, B].map((value) => Number(value.toPrecision(3)));
  return `L(N, D) = ${E.toFixed(3)} + ${a} / N^${alpha.toFixed(3)} + ${b} / D^${beta.toFixed(3)}, nats a ${law.tokenizer}; N all parameters, D tokens, repeated ones worth less; runs scatter by ${(100 * law.residual).toFixed(1)}% around it\n`;
}

function predictionInWords({ prediction }: ScalingResult): string {
  if (!prediction) return '';
  const { budget, parameters, loss: value, band, measured } = prediction;
  const off =
    measured === null ? 'not measured yet' : `measured ${loss(measured)}, ${(measured - value).toFixed(3)} off`;
  return `Beyond: ${count(parameters)} parameters at ${operations(budget)} operations, predicted ${withBand(value, band, 3)}, ${off}\n`;
}
