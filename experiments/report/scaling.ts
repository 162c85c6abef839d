/** The report of the scaling experiment: loss by size at each budget, the law, and what it said of a run that had not been made. */
import { effectiveTokens, lossOf, type ScalingLaw } from '../../src/cost/law.ts';
import { largest, smallest } from '../../src/numbers.ts';
import type { Chart, Curve } from '../../src/report/chart.ts';
import { dataFacts } from '../../src/report/dataCard.ts';
import { adapterInWords, count, dateInWords, durationInWords, loss, plural } from '../../src/report/format.ts';
import { html, type Part } from '../../src/report/html.ts';
import {
  type Column,
  caption,
  facts,
  figure,
  folded,
  pair,
  renderPage,
  section,
  table,
} from '../../src/report/page.ts';
import type { Point } from '../../src/report/series.ts';
import { fitPower } from '../scaling/fit.ts';
import type { BudgetFit, Exponent, ScalingResult, ScalingRun } from '../scaling/result.ts';
import { byBudget } from '../scaling/summary.ts';
import { operations, withBand } from '../scaling/words.ts';

/** After the palette of Okabe and Ito, a colour for each budget; dashes tell them apart without colours. */
const TONES: readonly [light: string, dark: string, dashes?: string][] = [
  ['#0072b2', '#56b4e9'],
  ['#d55e00', '#f0894a', '9 5'],
  ['#a8548a', '#d995bf', '2 5'],
  ['#00805c', '#35c39a', '10 4 2 4'],
];
const STYLE = `:root {${TONES.map(([light, dark], i) => ` --budget${i}: light-dark(${light}, ${dark});`).join('')} }`;

/** The report as a whole HTML document that fetches nothing. The same result gives the same bytes. */
export function renderScalingReport(result: ScalingResult): string {
  const { complete, startedAt } = result;
  return renderPage({
    title: 'What size, for how long?',
    over: `Experiment · ${dateInWords(startedAt)}`,
    abstract: abstract(result),
    notices: complete
      ? []
      : ['Not all that was planned is measured yet: started again, the experiment goes on where it ended.'],
    sections: [
      budgetSection(result),
      exponentSection(result),
      lawSection(result),
      runSection(result),
      dataSection(result),
    ],
    style: STYLE,
  });
}

function abstract({ runs, dataCard, budgets, law, prediction }: ScalingResult): string {
  const sizes = runs.map(({ parameters }) => parameters);
  const tried = `${plural(runs.length, 'model')} of ${count(smallest(sizes))} to ${count(largest(sizes))} parameters learned
${dataCard.name} at ${plural(budgets.length, 'budget')} of operations, their rates set by one rule.`;
  const off = prediction?.measured != null ? prediction.measured - prediction.loss : undefined;
  const told =
    off === undefined
      ? ''
      : ` Of a run at three times the largest budget it said ${loss(prediction!.loss)} before it was made; it came to ${loss(prediction!.measured!)}.`;
  return law ? `${tried} Their losses follow L(N, D) within ${(100 * law.residual).toFixed(1)}%.${told}` : tried;
}

/** Loss by size, a curve a budget, the bottoms ringed. */
function budgetSection({ runs, leftOut, budgets }: ScalingResult): Part {
  const left = new Set(leftOut.map(({ run }) => run));
  const groups = byBudget(runs.filter((run) => !left.has(run)));
  if (groups.length === 0) return undefined;
  const curves = groups.map(
    (group, i): Curve => ({
      name: operations(group[0].budget),
      tone: `budget${i % TONES.length}`,
      dashes: TONES[i % TONES.length][2],
      points: group.map(({ parameters, loss }) => ({ step: parameters, value: loss! })).sort((a, b) => a.step - b.step),
    }),
  );
  const bottoms = budgets.flatMap(({ parabola }) => (parabola?.inside ? [parabola] : []));
  const notes = bottoms.map(({ best, bottom }) => ({ step: best, value: bottom, label: count(best) }));
  const values = curves.flatMap(({ points }) => points.map(({ value }) => value));
  const chart: Chart = {
    title: 'Held-out loss by parameters, a curve for each budget of operations',
    ...{ curves, notes, unit: 'parameters', scale: 'log10', format: loss },
    range: [smallest(values), largest(values)],
  };
  const text = `Nats a token on the same held-out text. Each curve is one budget of operations: a small model sees much text with it, a
large one little. Rings mark the bottoms of parabolas in the logarithm of the size.`;
  return section('One budget, many sizes', figure(chart, text), table(budgets, BOTTOMS));
}

const BOTTOMS: readonly Column<BudgetFit>[] = [
  ['Operations', ({ budget }) => operations(budget)],
  ['Best parameters', ({ parabola }) => (parabola ? count(parabola.best) : 'no bottom'), 'number'],
  ['95% of draws', ({ band }) => (band ? `${count(band[0])} to ${count(band[1])}` : undefined), 'number'],
  ['Within what was tried', ({ parabola }) => (parabola?.inside ? 'yes' : 'no')],
  ['Loss', ({ parabola }) => (parabola ? loss(parabola.bottom) : undefined), 'number'],
];

const exponentSection = ({ exponents }: ScalingResult): Part =>
  section(
    'How the best size grows',
    table(exponents, EXPONENTS),
    caption(`The best number of parameters grows as operations to the power x. What counts as a parameter, and as an operation, moves x as
much as the measurements do: compare only figures that count the same. Bands hold 95 of 100 fits to runs drawn anew.`),
  );

const EXPONENTS: readonly Column<Exponent>[] = [
  ['Parameters', ({ convention }) => convention.parameters],
  ['Operations', ({ convention }) => convention.operations],
  ['From', ({ from }) => from],
  ['x', ({ exponent, band }) => withBand(exponent, band), 'number'],
];

/** The best run of each budget, the law's best, and the run that was predicted. */
function lawSection(result: ScalingResult): Part {
  const { law, prediction } = result;
  if (!law) return undefined;
  const { E, A, alpha, B, beta } = law.fit;
  const sentence = `L(N, D) = ${E.toFixed(3)} + ${Number(A.toPrecision(3))} / N^${alpha.toFixed(3)} + ${Number(B.toPrecision(3))} / D^${beta.toFixed(3)}: N all parameters,
D tokens, of which those seen again count for less (${law.repetition} epochs of worth at most, after Muennighoff et al., 2023).`;
  return section(
    'The law',
    figure(lawChart(result), sentence),
    prediction !== null &&
      html`<p>Before it was made, the law said of a model of ${count(prediction.parameters)} parameters at ${operations(prediction.budget)}
operations: ${withBand(prediction.loss, prediction.band, 3)}. ${
        prediction.measured === null ? 'It has not been measured yet.' : `It came to ${loss(prediction.measured)}.`
      }</p>`,
  );
}

function lawChart({ runs, leftOut, law, prediction }: ScalingResult): Chart {
  const left = new Set(leftOut.map(({ run }) => run));
  const groups = byBudget(runs.filter((run) => !left.has(run)));
  const measured = groups.map((group) => ({ step: group[0].budget, value: smallest(group.map(({ loss }) => loss!)) }));
  const ends = [measured[0].step, prediction?.budget ?? measured.at(-1)!.step] as const;
  const frontier = frontierOf(law!, groups.flat(), ends);
  const values = [...measured, ...frontier].map(({ value }) => value);
  const there = prediction?.measured != null;
  return {
    title: 'Held-out loss by operations, at the best size',
    ...{ unit: 'operations', scale: 'log10', format: loss },
    range: [smallest(values), largest(values)],
    curves: [
      { name: 'the law', tone: 'training', dashes: '4 4', points: frontier },
      { name: 'best run', tone: 'validation', points: measured },
    ],
    notes: there ? [{ step: prediction!.budget, value: prediction!.measured!, label: 'predicted before' }] : [],
  };
}

/** The least loss that the law has for so many operations, over all sizes. */
function frontierOf(law: ScalingLaw, runs: readonly ScalingRun[], [from, to]: readonly [number, number]): Point[] {
  // operations a token grow with the size, but not in proportion: attention and the head have a share of their own
  const cost = fitPower(runs.map(({ parameters, operations, tokens }) => [parameters, operations / tokens]));
  const sizes = Array.from({ length: 100 }, (_, i) => 1e4 * 10 ** (i / 25));
  return Array.from({ length: 41 }, (_, i) => {
    const budget = from * (to / from) ** (i / 40);
    const losses = sizes.map((parameters) => {
      const tokens = budget / (cost.factor * parameters ** cost.exponent);
      return lossOf(law.fit, parameters, effectiveTokens(tokens, law.uniqueTokens, law.repetition));
    });
    return { step: budget, value: smallest(losses) };
  });
}

const runSection = ({ runs, leftOut, seconds, adapter, seed }: ScalingResult): Part =>
  section(
    'Runs',
    table(runs, RUNS),
    leftOut.length > 0 &&
      html`<p>Left out of the fits: ${leftOut.map(
        ({ run, why }, i) => html`${i > 0 && '; '}width ${run.nEmbd} at ${operations(run.budget)}, ${why}`,
      )}.</p>`,
    caption(`${durationInWords(1000 * seconds)} of training on ${adapterInWords(adapter)}, seed ${seed}. Operations are those of forward and backward
passes, the optimizer's not counted.`),
  );

const RUNS: readonly Column<ScalingRun>[] = [
  ['Operations', ({ budget }) => operations(budget)],
  ['Parameters', ({ parameters }) => count(parameters), 'number'],
  ['in embeddings', ({ embeddings }) => count(embeddings), 'number'],
  ['Layers', ({ nLayer }) => nLayer, 'number'],
  ['Width', ({ nEmbd }) => nEmbd, 'number'],
  ['Tokens', ({ tokens }) => count(tokens), 'number'],
  ['Steps', ({ steps }) => count(steps), 'number'],
  ['Training loss', ({ trainingLoss }) => (trainingLoss === null ? undefined : loss(trainingLoss)), 'number'],
  ['Held-out loss', ({ loss: value }) => (value === null ? undefined : loss(value)), 'number'],
];

const dataSection = ({ dataCard, law, blockSize, batchSize, heldOut }: ScalingResult): Part =>
  pair(
    section('Text', facts(dataFacts(dataCard))),
    section(
      'The same for all',
      facts([
        ['Context', `${blockSize} tokens`],
        ['Batch', `${batchSize} windows`],
        ['Scored on', `${count(heldOut)} held-out tokens`],
      ]),
      folded('The law as data', law ? html`<pre>${JSON.stringify({ ...law, draws: law.draws.length })}</pre>` : false),
    ),
  );
