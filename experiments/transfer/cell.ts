/** One training of the transfer experiment: a learner, n labels of a task, a seed. */

import { tuneClassifier } from '../../src/tasks/classify/classify.ts';
import type { ClassifyData } from '../../src/tasks/classify/data.ts';
import type { Base } from '../../src/tasks/fineTuned.ts';
import { spanReport } from '../../src/tasks/metrics/spans.ts';
import { type TagData, tagsOf } from '../../src/tasks/tag/data.ts';
import { tuneTagger } from '../../src/tasks/tag/tag.ts';
import type { TaggedSentence } from '../../src/text/labels/conll.ts';
import { countLabels, type LabelledText } from '../../src/text/labels/labelled.ts';
import { encodeKnown } from '../../src/text/labels/labelledBatches.ts';
import { subsample, subsampleAny } from '../../src/text/labels/splits.ts';
import type { Tokenizer } from '../../src/text/tokenizers/tokenizer.ts';
import type { Method } from '../../src/train/trainable.ts';
import { BagOfWords } from '../baselines/bagOfWords.ts';
import type { WordsOf } from '../baselines/tfidf.ts';
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
type Baseline = 'majority' | 'words';

/** Trains and tests. The same cell on the same adapter gives the same score. */
export async function runCell(
  base: Base,
  task: TransferTask,
  key: CellKey,
  settings: CellSettings,
  signal?: AbortSignal,
): Promise<TransferCell> {
  const start = performance.now();
  const { learner } = key;
  const outcome =
    learner === 'majority' || learner === 'words'
      ? { score: baselineScore(base, task, learner, key, settings) }
      : await tunedScore(base, task, { ...key, learner }, settings, signal);
  return { ...key, ...outcome, seconds: Math.round(performance.now() - start) / 1000 };
}

function baselineScore(
  { tokenizer }: Pick<Base, 'tokenizer'>,
  task: TransferTask,
  learner: Baseline,
  { n, seed }: CellKey,
  { tested }: CellSettings,
): number {
  if (task.task === 'tag') return taggingScore(task, learner, n, seed, tested);
  const few = subsample(task.parts.train, n, seed);
  const [commonest] = countLabels(few).keys();
  const bag = learner === 'words' && new BagOfWords(few, classesOf(task), notation(tokenizer));
  const test = testedTexts(task, tested);
  return test.filter(({ text, label }) => (bag ? bag.predict(text) : commonest) === label).length / test.length;
}

/** What is written in a notation has its pieces for words: a molecule its atoms and bonds. */
const notation = (tokenizer: Tokenizer): WordsOf | undefined =>
  tokenizer.kind === 'pieces' ? (text) => encodeKnown(tokenizer, text).map((id) => tokenizer.decode([id])) : undefined;

/** The commonest tag of all words is O, which finds nothing. */
function taggingScore({ parts }: TagTask, learner: Baseline, n: number, seed: number, tested: number): number {
  const sentences = subsampleAny(parts.train, n, seed);
  const tagger = learner === 'words' && new WindowTagger(sentences, tagsOf(sentences));
  const test = subsampleAny(parts.test, tested, TEST_SEED);
  const predicted = test.map(({ words }) => (tagger ? tagger.tag(words) : words.map(() => 'O')));
  const truth = test.map(({ tags }) => tags);
  return spanReport(truth, predicted).overall.f1;
}

async function tunedScore(
  base: Base,
  task: TransferTask,
  { learner, n, seed }: CellKey & { learner: Exclude<Learner, Baseline> },
  { tested, validated, mostSteps, maxTokens }: CellSettings,
  signal?: AbortSignal,
): Promise<Outcome> {
  const method: { method: Method; randomStart: boolean } =
    learner === 'random' ? { method: 'full', randomStart: true } : { method: learner, randomStart: false };
  const overrides = { ...method, mostSteps, seed };
  const options = { base, labels: n, signal };
  if (task.task === 'classify') {
    const { train, validation } = task.parts;
    const parts = { train, validation: subsample(validation, validated, TEST_SEED), test: testedTexts(task, tested) };
    const name = task.card.name;
    const { classifier, ...tuned } = await tuneClassifier({
      ...options,
      parts,
      name,
      overrides: { ...overrides, maxTokens },
    });
    classifier.dispose();
    return outcomeOf(tuned, tuned.report?.accuracy);
  }
  const { train, validation, test } = task.parts;
  const few = (part: readonly TaggedSentence[], count: number) => subsampleAny(part, count, TEST_SEED);
  const parts = { train, validation: few(validation, validated), test: few(test, tested) };
  const { tagger, ...tuned } = await tuneTagger({ ...options, parts, overrides });
  tagger.dispose();
  return outcomeOf(tuned, tuned.report.test?.overall.f1);
}

const outcomeOf = ({ trained, total }: Required<Omit<Outcome, 'score'>>, score = Number.NaN): Outcome => ({
  ...{ score, trained, total },
});
