/** One training of the transfer experiment: a learner, n labels of a task, a seed. */

import { tuneClassifier } from '../../src/tasks/classify/classify.ts';
import type { ClassifyData } from '../../src/tasks/classify/data.ts';
import type { Base } from '../../src/tasks/fineTuned.ts';
import { argmax } from '../../src/tasks/metrics/classification.ts';
import { spanReport } from '../../src/tasks/metrics/spans.ts';
import { type TagData, tagsOf } from '../../src/tasks/tag/data.ts';
import { tuneTagger } from '../../src/tasks/tag/tag.ts';
import type { TaggedSentence } from '../../src/text/labels/conll.ts';
import { countLabels, type LabelledText } from '../../src/text/labels/labelled.ts';
import { subsample, subsampleAny } from '../../src/text/labels/splits.ts';
import type { Parts } from '../../src/text/labels/taskCard.ts';
import type { Method } from '../../src/train/trainable.ts';
import { BagOfWords } from '../baselines/bagOfWords.ts';
import { Majority } from '../baselines/majority.ts';
import { WindowTagger } from '../baselines/windowTagger.ts';
import type { CellKey, CellSettings } from './plan.ts';
import type { Learner, TransferCell } from './result.ts';

/** A data set to learn. */
export type TransferTask = ClassifyTask | TagTask;
type ClassifyTask = ClassifyData & { readonly task: 'classify' };
type TagTask = TagData & { readonly task: 'tag' };

/** Which test texts are asked about is the same for all. */
const TEST_SEED = 0;

/** The classes of a task, by name. */
export const classesOf = ({ parts }: ClassifyTask): string[] => [...countLabels(parts.train).keys()].sort();

/** The part of the test texts that every learner is asked about. */
export const testedTexts = ({ parts }: ClassifyTask, count: number): LabelledText[] =>
  subsample(parts.test, count, TEST_SEED);

type Outcome = Pick<TransferCell, 'score' | 'trained' | 'total'>;

/** Trains and tests. The same cell on the same adapter gives the same score. */
export async function runCell(
  base: Base,
  task: TransferTask,
  key: CellKey,
  plan: CellSettings,
  signal?: AbortSignal,
): Promise<TransferCell> {
  const start = performance.now();
  const outcome = await (task.task === 'classify'
    ? classify(base, task, key, plan, signal)
    : tag(base, task, key, plan, signal));
  return { ...key, ...outcome, seconds: Math.round(performance.now() - start) / 1000 };
}

async function classify(
  base: Base,
  task: ClassifyTask,
  { learner, n, seed }: CellKey,
  { tested, validated, mostSteps, maxTokens }: CellSettings,
  signal?: AbortSignal,
): Promise<Outcome> {
  const { parts } = task;
  const test = testedTexts(task, tested);
  if (learner === 'majority' || learner === 'words') {
    const Baseline = learner === 'majority' ? Majority : BagOfWords;
    const baseline = new Baseline(subsample(parts.train, n, seed), classesOf(task));
    const right = test.filter(({ text, label }) => baseline.classes[argmax(baseline.probabilities(text))] === label);
    return { score: right.length / test.length };
  }
  const overrides = { ...overridesOf(learner), mostSteps, maxTokens, seed };
  const validation = subsample(parts.validation, validated, TEST_SEED);
  const tuned = await tuneClassifier({
    base,
    parts: { train: parts.train, validation, test },
    name: task.card.name,
    overrides,
    labels: n,
    signal,
  });
  tuned.classifier.dispose();
  return { score: tuned.report?.accuracy ?? Number.NaN, trained: tuned.trained, total: tuned.total };
}

async function tag(
  base: Base,
  { parts }: TagTask,
  { learner, n, seed }: CellKey,
  { tested, validated, mostSteps }: CellSettings,
  signal?: AbortSignal,
): Promise<Outcome> {
  const test = subsampleAny(parts.test, tested, TEST_SEED);
  if (learner === 'majority' || learner === 'words') return { score: baselineScore(parts, test, learner, n, seed) };
  const validation = subsampleAny(parts.validation, validated, TEST_SEED);
  const few: Parts<TaggedSentence> = { train: parts.train, validation, test };
  const tuned = await tuneTagger({
    base,
    parts: few,
    overrides: { ...overridesOf(learner), mostSteps, seed },
    labels: n,
    signal,
  });
  tuned.tagger.dispose();
  return { score: tuned.report.test?.overall.f1 ?? Number.NaN, trained: tuned.trained, total: tuned.total };
}

/** The commonest tag of all words is O, which finds nothing. */
function baselineScore(
  { train }: Parts<TaggedSentence>,
  test: readonly TaggedSentence[],
  learner: 'majority' | 'words',
  n: number,
  seed: number,
): number {
  const sentences = subsampleAny(train, n, seed);
  const tagger = learner === 'words' && new WindowTagger(sentences, tagsOf(sentences));
  const predicted = test.map(({ words }) => (tagger ? tagger.tag(words) : words.map(() => 'O')));
  return spanReport(
    test.map(({ tags }) => tags),
    predicted,
  ).overall.f1;
}

const overridesOf = (learner: Exclude<Learner, 'majority' | 'words'>): { method: Method; randomStart: boolean } =>
  learner === 'random' ? { method: 'full', randomStart: true } : { method: learner, randomStart: false };
