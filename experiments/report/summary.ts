/** The table that a reader takes home: what pretraining was worth, task by task. */
import { mean } from 'simple-statistics';
import { exact, NOTHING, percent, plural, range } from '../../src/report/format.ts';
import { html, type Part } from '../../src/report/html.ts';
import { block, caption, facts, section, table } from '../../src/report/page.ts';
import type { CurveComparison, Gain, LabelsNeeded } from '../transfer/labelsNeeded.ts';
import type { TransferResult, TransferTaskResult } from '../transfer/result.ts';
import { curveOf, LEARNERS_IN_WORDS, learnerName, meanInWords, pointsInWords, times } from './words.ts';

/** "Few labels" ends here; what a report says of few labels looks no further. */
const FEW = 512;

/** Where a bag of words has little to go by. */
const VERY_FEW = 64;

const ROWS: readonly [name: string, cell: (task: TransferTaskResult) => string][] = [
  ['Measured', ({ metric, tested, task }) => `${metric} on ${plural(tested, task === 'tag' ? 'sentence' : 'text')}`],
  ['With the fewest labels', ({ pretraining }) => sideBySide(pretraining?.gains[0])],
  [`With ${FEW} labels, or the most of both`, ({ pretraining }) => sideBySide(atFew(pretraining))],
  ['Labels that random needs to match full', ({ pretraining }) => factors(pretraining?.labelsNeeded)],
  [`Full above random, up to ${FEW} labels`, ({ pretraining }) => ahead(pretraining, FEW)],
  ['LoRA against full', loraAgainstFull],
  [`Full above words, up to ${VERY_FEW} labels`, ({ overWords }) => ahead(overWords, VERY_FEW)],
];

/** A column for each task, and who the learners are. */
export function summarySection({ tasks, validated }: TransferResult): Part {
  if (tasks.length === 0) return section('In short', html`<p>No task was measured.</p>`);
  const columns = tasks.map((task) => [task.name, ([, cell]: (typeof ROWS)[number]) => cell(task)] as const);
  return section(
    'In short',
    table(ROWS, [['', ([name]) => name], ...columns]),
    caption(`Scores are means ± one standard deviation over the seeds, differences are in percentage points. Beyond the spread:
the bands of one standard deviation around the two means lie apart. >: random is not there with the most labels it had; ≤: it is
there with the fewest. The transformers also have validation labels, which tell when to stop: as many as to train on,
${exact(validated)} at most. Words and majority learn without.`),
    block('Who learns', facts(LEARNERS_IN_WORDS.map(([learner, words]) => [learnerName(learner), words]))),
  );
}

const atFew = (compared: CurveComparison | null): Gain | undefined =>
  compared?.gains.find(({ n }) => n === FEW) ?? compared?.gains.at(-1);

/** "full 61.2% ± 2.1, random 40.0% ± 3.0 with 8 labels". */
function sideBySide(gain: Gain | undefined): string {
  if (!gain) return NOTHING;
  const { n, first, firstDeviation, second, secondDeviation, seeds } = gain;
  const [full, random] = [meanInWords(first, firstDeviation, seeds), meanInWords(second, secondDeviation, seeds)];
  return `full ${full}, random ${random} with ${plural(n, 'label')}`;
}

const SIGNS = { about: '', 'more than': '>', 'at most': '≤' } as const;

/** "8.1× for 16, >36× for 128". */
const factors = (needed: readonly LabelsNeeded[] = []): string =>
  needed.map(({ n, factor, bound }) => `${SIGNS[bound]}${times(factor, bound)} for ${exact(n)}`).join(', ') || NOTHING;

/** "at 7 of 7 sizes, beyond the spread at 6 (+1.0 to +41.3)", with as many as `most` labels. */
function ahead(compared: CurveComparison | null, most: number): string {
  const gains = compared?.gains.filter(({ n }) => n <= most) ?? [];
  if (gains.length === 0) return NOTHING;
  const countOf = (test: (gain: Gain) => boolean): number => gains.filter(test).length;
  const singles = countOf(({ seeds }) => seeds < 2);
  const above = `at ${countOf(({ gain }) => gain > 0)} of ${plural(gains.length, 'size')}`;
  const beyond = `beyond the spread at ${countOf(({ beyondSpread }) => beyondSpread)}`;
  const unknown = singles > 0 ? `, unknown at ${singles} of a single seed` : '';
  return `${above}, ${beyond}${unknown} (${range(
    gains.map(({ gain }) => gain),
    pointsInWords,
  )})`;
}

/** The distance of the means where both were measured, and how little of the model LoRA trains. */
function loraAgainstFull(task: TransferTaskResult): string {
  const full = new Map(curveOf(task, 'full').map(({ n, scores }) => [n, mean(scores)]));
  const measured = curveOf(task, 'lora').filter(({ n }) => full.has(n));
  const distances = measured.map(({ n, scores }) => mean(scores) - full.get(n)!);
  const parts = [
    distances.length > 0 && `${pointsInWords(mean(distances))} on average (${range(distances, pointsInWords)})`,
    task.loraShare !== null && `trains ${percent(task.loraShare)} of the parameters`,
  ];
  return parts.filter(Boolean).join('; ') || NOTHING;
}
