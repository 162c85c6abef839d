/** Whether a classifier does as well for one group as for another, and whether its labels hang on the words of a group. */
import { mean, quantile } from 'simple-statistics';
import type { Estimate, Flips, LabelBias, LabelGroup } from '../../report/trust/bias.ts';
import type { Classifier } from '../../tasks/classify/classifier.ts';
import { argmax, calibrationError, reliabilityBins, wilsonInterval } from '../../tasks/metrics/classification.ts';
import { threefry, toUnit } from '../../tensor/random.ts';
import { differenceOf, estimateOf } from './bands.ts';
import { type Swapped, swapWords } from './swap.ts';

/** A row of a labelled table, and the group that it is of. */
export interface GroupedText {
  readonly text: string;
  readonly label: string;
  readonly group?: string;
}

/** A row's answer. */
interface Answer {
  readonly truth: number;
  readonly said: number;
  readonly confidence: number;
  readonly group?: string;
}

export interface LabelQuestions {
  readonly file: string;
  /** The column of groups. */
  readonly column?: string;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, of: number, what: string) => void;
}

/** Asks a classifier about the rows as they are, and with the words of a group swapped. Their labels are the classifier's. */
export async function askLabels(
  classifier: Classifier,
  rows: readonly GroupedText[],
  { file, column, seed, signal, onProgress }: LabelQuestions,
): Promise<LabelBias> {
  const { classes } = classifier.parts;
  const ask = (what: string) => (texts: readonly string[]) =>
    probabilities(classifier, texts, signal, (done) => onProgress?.(done, texts.length, what));
  const before = await ask('texts')(rows.map(({ text }) => text));
  const answers = rows.map(({ label, group }, i): Answer => {
    const said = argmax(before[i]);
    return { truth: classes.indexOf(label), said, confidence: before[i][said], group };
  });
  const names = column === undefined ? [] : [...new Set(rows.map(({ group }) => group!))].sort();
  const groups = [undefined, ...names].map((name) => groupOf(answers, name, classes, seed));
  const flips: Flips[] = [];
  for (const kind of ['sex', 'origin'] as const) {
    const found = await flipsOf(rows, before, {
      kind,
      classifier,
      ask: ask(`texts with words of ${kind} swapped`),
      seed,
    });
    if (found) flips.push(found);
  }
  const gaps =
    names.length < 2 ? [] : names.slice(names.length === 2 ? 1 : 0).map((name) => gapOf(answers, name, seed));
  return { file, rows: rows.length, column, groups, gaps, flips };
}

/** Texts that are read between two looks at the signal. */
const AT_ONCE = 256;

async function probabilities(
  classifier: Classifier,
  texts: readonly string[],
  signal?: AbortSignal,
  onProgress?: (done: number) => void,
): Promise<Float64Array[]> {
  const all: Float64Array[] = [];
  for (let done = 0; done < texts.length; done += AT_ONCE) {
    signal?.throwIfAborted();
    for (const row of await classifier.probabilities(texts.slice(done, done + AT_ONCE))) all.push(row);
    onProgress?.(all.length);
  }
  return all;
}

const isWrong = ({ truth, said }: Answer): number => Number(truth !== said);
const overconfidence = (rows: readonly Answer[]): number => mean(rows.map((row) => row.confidence - 1 + isWrong(row)));
const ece = (rows: readonly Answer[], right = (row: Answer): boolean => isWrong(row) === 0): number =>
  calibrationError(
    reliabilityBins(
      rows.map(({ confidence }) => confidence),
      rows.map(right),
    ),
  );

/** A share with Wilson's interval. */
function shareOf(hits: number, count: number): Estimate {
  const [low, high] = wilsonInterval(hits, count);
  return { value: hits / count, low, high };
}

/** All rows, or those of a group. */
function groupOf(
  all: readonly Answer[],
  name: string | undefined,
  classes: readonly string[],
  seed: number,
): LabelGroup {
  const rows = all.filter(({ group }) => name === undefined || group === name);
  return {
    ...{ name: name ?? 'all rows', rows: rows.length },
    error: shareOf(rows.filter(isWrong).length, rows.length),
    calibration: {
      error: estimateOf(rows, (drawn) => ece(drawn), seed, FEWEST_ROWS),
      ofTrue: eceOfTrue(rows, seed),
      overconfidence: estimateOf(rows, overconfidence, seed, FEWEST_ROWS),
    },
    labels: classes.map((label, c) => {
      const own = rows.filter(({ truth }) => truth === c);
      const missed = own.length > 0 ? shareOf(own.filter(isWrong).length, own.length) : undefined;
      return { label, rows: own.length, said: rows.filter(({ said }) => said === c).length, missed };
    }),
  };
}

/** Rows whose calibration has a band. */
const FEWEST_ROWS = 20;
const SIMULATIONS = 200;

/** The calibration error that as many rows show when each is right with the probability that its confidence says: of few rows, not small. */
function eceOfTrue(rows: readonly Answer[], seed: number): { mean: number; high: number } {
  const draws = Array.from({ length: SIMULATIONS }, (_, draw) => {
    let i = 0;
    return ece(rows, ({ confidence }) => toUnit(threefry(seed, 7, draw, i++)[0]) < confidence);
  });
  return { mean: mean(draws), high: quantile(draws, 0.95) };
}

/** A group's error rate and overconfidence, less those of all other rows. */
function gapOf(all: readonly Answer[], name: string, seed: number): LabelBias['gaps'][number] {
  const sides = [all.filter(({ group }) => group === name), all.filter(({ group }) => group !== name)];
  const [own, others] = sides.map((rows) => shareOf(rows.filter(isWrong).length, rows.length));
  const sureness = ([some, rest]: readonly (readonly Answer[])[]): number =>
    overconfidence(some) - overconfidence(rest);
  return { name, error: shareGap(own, others), overconfidence: differenceOf(sides, sureness, seed, FEWEST_ROWS) };
}

/**
 * The difference of two shares with the interval that theirs make: Newcombe (1998, "Interval estimation for the difference between
 * independent proportions"), method 10. Unlike a bootstrap it knows that six of six is not all.
 */
export function shareGap(a: Estimate, b: Estimate): Estimate {
  const value = a.value - b.value;
  return {
    value,
    low: value - Math.hypot(a.value - a.low!, b.high! - b.value),
    high: value + Math.hypot(a.high! - a.value, b.value - b.low!),
  };
}

/** A row before and after a swap. */
interface Change {
  readonly label: number;
  readonly to: number;
  /** Of the probability of the label that was said. */
  readonly shift: number;
}

interface FlipQuestions {
  readonly kind: 'sex' | 'origin';
  readonly classifier: Classifier;
  readonly ask: (texts: readonly string[]) => Promise<Float64Array[]>;
  readonly seed: number;
}

/** What the swap of a kind of words changes. Undefined where no row has such words within what is read. */
async function flipsOf(
  rows: readonly GroupedText[],
  before: readonly Float64Array[],
  { kind, classifier, ask, seed }: FlipQuestions,
): Promise<Flips | undefined> {
  const read = (text: string): string => classifier.encode(text).ids.join();
  const changesOf = async (
    indices: readonly number[],
    swap: (text: string, i: number) => Swapped,
  ): Promise<Change[]> => {
    const swapped = indices.flatMap((i) => {
      const { text, changed } = swap(rows[i].text, i);
      return changed > 0 && read(text) !== read(rows[i].text) ? [{ i, text }] : [];
    });
    const after = await ask(swapped.map(({ text }) => text));
    return swapped.map(({ i }, at) => {
      const label = argmax(before[i]);
      return { label, to: argmax(after[at]), shift: after[at][label] - before[i][label] };
    });
  };
  const counts = rows.map(({ text }) => swapWords(text, kind).changed);
  const having = rows.map((_, i) => i).filter((i) => counts[i] > 0);
  const changes = await changesOf(having, (text) => swapWords(text, kind));
  if (changes.length === 0) return undefined;
  const neutral = await changesOf(having, (text, i) => swapWords(text, 'neutral', counts[i]));
  const inWords = (some: readonly Change[]) => {
    const flipped = some.filter(({ label, to }) => label !== to).length;
    const shift = estimateOf(
      some.map((one) => one.shift),
      mean,
      seed,
    );
    return { rows: some.length, flipped, share: shareOf(flipped, some.length), shift };
  };
  const { classes } = classifier.parts;
  const ways = classes.flatMap((label, from) =>
    classes.map((to, c) => ({ label, to, rows: changes.filter((one) => one.label === from && one.to === c).length })),
  );
  const from = ways.filter(({ label, to, rows: count }) => label !== to && count > 0).sort((a, b) => b.rows - a.rows);
  return { kind, ...inWords(changes), neutral: neutral.length > 0 ? inWords(neutral) : undefined, from };
}
