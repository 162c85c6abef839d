/** One task: its curves, comparisons, prompts and data. */
import { exact, list, plural } from '../../src/report/format.ts';
import { html, type Part } from '../../src/report/html.ts';
import { block, type Column, caption, facts, figure, folded, pair, section, table } from '../../src/report/page.ts';
import type { TaskCard } from '../../src/text/labels/taskCard.ts';
import type { CurveComparison, Gain, LabelsNeeded } from '../transfer/labelsNeeded.ts';
import { LEARNERS, type TransferTaskResult } from '../transfer/result.ts';
import { learningChart, shotsChart } from './curves.ts';
import { curveOf, learnerName, pointsInWords, probabilityInWords, promptedOf, scoreInWords, times } from './words.ts';

/** `seeds`: as many as were planned. */
export const taskSection = (task: TransferTaskResult, seeds: number): Part =>
  section(
    task.name,
    html`<p class="over">${kindInWords(task)}</p>`,
    curves(task, seeds),
    folded('The curves in numbers', scoresTable(task, seeds)),
    comparison('random', task.pretraining),
    comparison('words', task.overWords),
    prompts(task),
    pair(block('Data', cardFacts(task.card)), block('Parts', partsTable(task.card))),
  );

const kindInWords = ({ task, classes }: TransferTaskResult): string =>
  task === 'tag'
    ? `Tags for words · ${plural(classes.length, 'tag')}`
    : `Labels for texts · ${exact(classes.length)} classes`;

/** Learning curves, and whose spread is shaded; where a curve goes on without a band, a single seed was measured. */
function curves(task: TransferTaskResult, seeds: number): Part {
  const chart = learningChart(task);
  if (chart.curves.length === 0) return html`<p>No learner was measured.</p>`;
  const single = LEARNERS.flatMap((learner) => curveOf(task, learner).filter(({ scores }) => scores.length < 2));
  const bare = sizesOf(single).map(exact);
  const spread =
    seeds < 2
      ? 'One seed: no spread is known'
      : `Means over ${seeds} seeds; shaded, one standard deviation around them`;
  return figure(
    chart,
    `Scores (${task.metric} in percent) on ${plural(task.tested, task.task === 'tag' ? 'sentence' : 'text')} of the test part, by the number of
labels trained on, each doubling as wide. ${spread}${seeds > 1 && bare.length > 0 ? `, but for single seeds at ${list(bare)}` : ''}.`,
  );
}

/** The distinct n, rising. */
const sizesOf = (points: readonly { readonly n: number }[]): number[] =>
  [...new Set(points.map(({ n }) => n))].sort((a, b) => a - b);

/** Mean and deviation of every learner at every n; where seeds are still missing, the cell says how many it is of. */
function scoresTable(task: TransferTaskResult, seeds: number): Part {
  const sizes = sizesOf(LEARNERS.flatMap((learner) => curveOf(task, learner)));
  const columns = LEARNERS.map((learner): Column<number> => {
    const curve = new Map(curveOf(task, learner).map(({ n, scores }) => [n, scores]));
    return [learnerName(learner), (n) => cell(curve.get(n), seeds), 'number'];
  });
  return table(sizes, [['Labels', (n) => exact(n) + (n === task.all ? ', all' : ''), 'number'], ...columns]);
}

function cell(scores: readonly number[] | undefined, seeds: number): string | undefined {
  return scores && scoreInWords(scores) + (scores.length < seeds ? ` (${plural(scores.length, 'seed')})` : '');
}

/** What `full` gains over `other` at each n, and how many labels the other needs instead. */
function comparison(other: string, compared: CurveComparison | null): Part {
  const heading = `Full against ${other}`;
  if (!compared) return block(heading, html`<p>Not measured yet.</p>`);
  const { gains, labelsNeeded, test } = compared;
  const rows = sizesOf([...gains, ...labelsNeeded]).map((n): ComparedRow => {
    const gain = gains.find((one) => one.n === n);
    return {
      n,
      gain,
      spread: gain && gain.seeds > 1 ? gain : undefined,
      needed: labelsNeeded.find((one) => one.n === n),
    };
  });
  const needs: Column<ComparedRow> = [
    `Labels that ${other} needs`,
    ({ needed }) => needed && neededInWords(needed),
    'number',
  ];
  return block(
    heading,
    table(rows, [...GAIN_COLUMNS, needs]),
    caption(`Gains in percentage points, seed by seed. p: ${test}, each number of labels by itself. A seed draws labels and weights; the
texts of the test are the same for all.`),
  );
}

/** `spread`: the gain where several seeds have one. */
interface ComparedRow {
  readonly n: number;
  readonly gain?: Gain;
  readonly spread?: Gain;
  readonly needed?: LabelsNeeded;
}

const GAIN_COLUMNS: readonly Column<ComparedRow>[] = [
  ['Labels', ({ n }) => exact(n), 'number'],
  ['Gain', ({ gain }) => gain && pointsInWords(gain.gain), 'number'],
  ['Deviation', ({ spread }) => spread && (100 * spread.gainDeviation).toFixed(1), 'number'],
  ['Better in', ({ gain }) => gain && `${gain.wins} of ${gain.seeds}`, 'number'],
  ['p', ({ gain }) => gain && probabilityInWords(gain.p), 'number'],
  ['Beyond the spread', ({ spread }) => spread && (spread.beyondSpread ? 'yes' : 'no'), 'number'],
];

/** "about 130 (8.1×)". */
const neededInWords = ({ bound, labels, factor }: LabelsNeeded): string =>
  `${bound} ${exact(Math.round(labels))} (${times(factor, bound)})`;

/** Scores by shots, with how many examples found room in the context. */
function prompts(task: TransferTaskResult): Part {
  const rows = promptedOf(task);
  if (rows.length === 0) return false;
  const shots = table(rows, [
    ['Shots', (row) => exact(row.shots), 'number'],
    ['Fitted', ({ meanShots }) => meanShots.toFixed(1), 'number'],
    ['Score', ({ scores }) => scoreInWords(scores), 'number'],
    ['Draws', ({ scores }) => exact(scores.length), 'number'],
  ]);
  const text = `The pretrained model, untuned, by the likelihood of each label's words after so many solved examples. Fitted: as many as
found room in the context, on average.`;
  return block('From the prompt alone', figure(shotsChart(task), text), shots);
}

const cardFacts = ({ duplicates: { within, across, conflicting }, ...card }: TaskCard): Part =>
  facts([
    ['Name', card.name],
    ['Source', card.source],
    ['Licence', card.licence],
    [
      'Duplicates removed',
      `${exact(within)} within parts, ${exact(across)} across, ${exact(conflicting)} with other labels`,
    ],
    ['To mind', card.note],
    ['SHA-256', html`<code>${card.sha256}</code>`],
  ]);

/** Labels that are named of each part; the rest is counted. */
const MOST_LABELS = 12;

const partsTable = ({ parts, task }: TaskCard): Part =>
  table(Object.entries(parts), [
    ['Part', ([name]) => name],
    [task === 'tag' ? 'Sentences' : 'Texts', ([, { examples }]) => exact(examples), 'number'],
    ['Words', ([, { words }]) => words && exact(words), 'number'],
    ['Labels', ([, { labels }]) => labelsInWords(labels)],
  ]);

/** "World 270, Sports 250 and 3 labels more". */
function labelsInWords(labels: Readonly<Record<string, number>>): string {
  const named = Object.entries(labels).map(([label, n]) => `${label} ${exact(n)}`);
  const more = named.length - MOST_LABELS;
  return list(more > 0 ? [...named.slice(0, MOST_LABELS), `${plural(more, 'label')} more`] : named);
}
