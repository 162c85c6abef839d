/** Two learning curves side by side: how much better one method is with n labels, and how many the other needs to catch up. */
import { mean } from 'simple-statistics';
import { deviation, pairedT } from '../../src/tasks/metrics/statistics.ts';

/** Scores (accuracy or F1, higher is better) of one method trained on `n` labels, one a seed, in the same order for all methods. */
export interface CurvePoint {
  readonly n: number;
  readonly scores: readonly number[];
}

/** `first` against `second` at one n; the differences are taken seed by seed. */
export interface Gain {
  readonly n: number;
  readonly first: number;
  readonly second: number;
  /** Standard deviations of the scores over the seeds. */
  readonly firstDeviation: number;
  readonly secondDeviation: number;
  /** Mean of first - second, and its standard deviation over the seeds. */
  readonly gain: number;
  readonly gainDeviation: number;
  /** Seeds with which the first was strictly better. */
  readonly wins: number;
  readonly seeds: number;
  /** Two-sided p of the paired t test over the seeds; null of a single seed, and where all differ by the same. */
  readonly p: number | null;
  /** Whether the bands of one standard deviation around the two means lie apart, the first above; never of a single seed. */
  readonly beyondSpread: boolean;
}

/** The second needs `bound` `labels` labels for the mean score that the first has with `n`. */
export interface LabelsNeeded {
  readonly n: number;
  readonly score: number;
  /** 'at most': it is there with the fewest labels measured. 'more than': it is not with the most. */
  readonly bound: 'about' | 'at most' | 'more than';
  readonly labels: number;
  /** labels / n. */
  readonly factor: number;
}

export interface CurveComparison {
  readonly test: 'paired t over seeds, two-sided';
  readonly gains: readonly Gain[];
  readonly labelsNeeded: readonly LabelsNeeded[];
}

/**
 * Compares the curves where both were measured. Throws Error on an n that is there twice or not positive, on scores that are
 * not finite or missing, and where the two methods have different numbers of seeds at the same n.
 */
export function compareCurves(first: readonly CurvePoint[], second: readonly CurvePoint[]): CurveComparison {
  const [ours, theirs] = [first, second].map(checkedCurve);
  const gains = ours.flatMap((point) => {
    const other = theirs.find(({ n }) => n === point.n);
    return other ? [gainAt(point, other)] : [];
  });
  const labelsNeeded = ours.map(({ n, scores }) => labelsFor(theirs, n, mean(scores)));
  return { test: 'paired t over seeds, two-sided', gains, labelsNeeded };
}

function gainAt({ n, scores }: CurvePoint, other: CurvePoint): Gain {
  if (scores.length !== other.scores.length) throw new Error(`compareCurves: different numbers of seeds at n = ${n}`);
  const differences = scores.map((score, seed) => score - other.scores[seed]);
  const [firstDeviation, secondDeviation] = [deviation(scores), deviation(other.scores)];
  const gain = mean(differences);
  const { p } = pairedT(differences);
  return {
    n,
    first: mean(scores),
    second: mean(other.scores),
    firstDeviation,
    secondDeviation,
    gain,
    gainDeviation: deviation(differences),
    wins: differences.filter((difference) => difference > 0).length,
    seeds: scores.length,
    p: Number.isNaN(p) ? null : p,
    beyondSpread: scores.length > 1 && gain > firstDeviation + secondDeviation,
  };
}

/**
 * Where the mean of `curve` first reaches `score`; between two measured n the score is taken as linear in log n. A curve that
 * falls again afterwards has reached it nonetheless: the benefit of the doubt goes to the method that has to catch up.
 */
function labelsFor(curve: readonly CurvePoint[], n: number, score: number): LabelsNeeded {
  const answer = (bound: LabelsNeeded['bound'], labels: number) => ({ n, score, bound, labels, factor: labels / n });
  const means = curve.map(({ scores }) => mean(scores));
  const reached = means.findIndex((value) => value >= score);
  if (reached < 0) return answer('more than', curve[curve.length - 1].n);
  if (reached === 0) return answer('at most', curve[0].n);
  const [low, high] = [Math.log(curve[reached - 1].n), Math.log(curve[reached].n)];
  const share = (score - means[reached - 1]) / (means[reached] - means[reached - 1]);
  return answer('about', Math.exp(low + share * (high - low)));
}

/** The points by rising n. */
function checkedCurve(points: readonly CurvePoint[]): CurvePoint[] {
  if (points.length === 0) throw new Error('compareCurves: a curve without points');
  for (const { n, scores } of points) {
    if (!(n > 0)) throw new Error(`compareCurves: n = ${n} is no number of labels`);
    if (points.filter((point) => point.n === n).length > 1) throw new Error(`compareCurves: n = ${n} is there twice`);
    if (scores.length === 0 || !scores.every(Number.isFinite)) throw new Error(`compareCurves: no score at n = ${n}`);
  }
  return points.toSorted((a, b) => a.n - b.n);
}
