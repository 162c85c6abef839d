/** What was found of a model's bias in sentences and rows, for the page and the terminal. */
import { exact, NOTHING, percent, plural } from '../format.ts';
import type { Estimate, Flips, LabelBias, LabelGroup, OwnPairs, PairFindings, TextDifference } from './bias.ts';

/** "+1.39", "−0.20", "0.00" */
export const signedNats = (value: number): string => {
  const digits = Math.abs(value).toFixed(2);
  return digits === '0.00' ? digits : `${value < 0 ? '−' : '+'}${digits}`;
};

/** A figure and its band: "+1.39 [+1.20, +1.55]". */
export function banded({ value, low, high }: Estimate, inWords: (value: number) => string = signedNats): string {
  return low === null || high === null ? inWords(value) : `${inWords(value)} [${inWords(low)}, ${inWords(high)}]`;
}

/** The sign of a figure, if its band leaves no doubt of it. */
const signOf = ({ low, high }: Estimate): -1 | 0 | 1 =>
  low !== null && low > 0 ? 1 : high !== null && high < 0 ? -1 : 0;

/** "4.0 times" */
const times = (nats: number): string => `${Math.exp(Math.abs(nats)).toFixed(1)} times`;

/** What was found of a kind of pairs, in two or three sentences. */
export function pairSentences(found: PairFindings): string[] {
  return [modelSentence(found), textSentence(found), correlationSentence(found)].filter((sentence) => sentence !== '');
}

function modelSentence({ word, first, second, endsInFiller }: PairFindings): string {
  const sign = signOf(word);
  const figure = `${banded(word)} nats`;
  const [one, other] = sign < 0 ? [second, first] : [first, second];
  if (word.low === null) return `There are too few pairs for a band: ${figure} between ${first} and ${second}.`;
  if (sign === 0) {
    const what = endsInFiller ? `these words after ${first} or after ${second}` : `${first} or ${second}`;
    return `On average the model finds neither likelier, ${what}: ${figure}, and the band holds 0.`;
  }
  return endsInFiller
    ? `The model finds these words ${times(word.value)} as likely after ${one} as after ${other}, on average (${figure}).`
    : `The model finds ${one} ${times(word.value)} as likely as ${other}, on average (${figure}).`;
}

function textSentence({ text: { near, same, overall }, first, second, endsInFiller }: PairFindings): string {
  const counts = ({ first: a, second: b }: TextDifference): string => `${exact(a)} to ${exact(b)}`;
  const less = endsInFiller ? ', less that of how often the two sides occur at all' : '';
  const said = same.first + same.second;
  const phrases =
    said > 0 ? ` In the very words of the questions it has them ${counts(same)} times (${banded(same.logRatio)}).` : '';
  const atAll = ` At all it has ${first} ${exact(overall.first)} and ${second} ${exact(overall.second)} times (${banded(overall.logRatio)}).`;
  if (near.first + near.second === 0)
    return `The training text has none of these words near ${first} or ${second}.${phrases}${atAll}`;
  return `The training text has these words near ${first} and near ${second} ${counts(near)} times: log ratio ${banded(near.logRatio)}${less}.${phrases}${atAll}`;
}

function correlationSentence({ correlation: { near, same } }: PairFindings): string {
  const { fillers, r } = same.r && same.fillers >= near.fillers ? same : near;
  if (!r) return '';
  const over = `over ${plural(fillers, 'word')} that it has so, r = ${banded(r)}`;
  const sign = signOf(r);
  if (sign > 0) return `What the model prefers from word to word goes with the text's counts: ${over}.`;
  if (sign < 0) return `What the model prefers from word to word goes against the text's counts: ${over}.`;
  return `Whether the model's preferences from word to word come from such counts cannot be told: ${over}, and the band holds 0.`;
}

/** Heading and rows of a table of all kinds of pairs. */
export const pairRows = (pairs: readonly PairFindings[]): string[][] =>
  pairs.map((found) => [
    `${found.name} (${exact(found.pairs)})`,
    banded(found.word),
    banded(found.likelier, percent),
    found.text.near.first + found.text.near.second > 0 ? banded(found.text.near.logRatio) : NOTHING,
    found.correlation.near.r ? banded(found.correlation.near.r) : NOTHING,
  ]);
export const PAIR_HEADINGS = [
  'Pairs',
  'word, nats',
  'sentence with the first likelier',
  'text: near, log ratio',
  'r over words',
];

/** Likewise of a user's own pairs. */
export const ownRows = ({ groups }: OwnPairs): string[][] =>
  groups.map(({ name, pairs, word, sentence, likelier }) => [
    name,
    exact(pairs),
    banded(word),
    banded(sentence),
    banded(likelier, percent),
  ]);
export const ownHeadings = ({ columns: [first] }: OwnPairs): string[] => [
  'Own pairs',
  'number',
  'words, nats',
  'sentences, nats',
  `"${first}" likelier`,
];

/** Of a classifier's groups. */
export const groupRows = (groups: readonly LabelGroup[]): string[][] =>
  groups.map(({ name, rows, error, calibration }) => [
    name,
    exact(rows),
    banded(error, percent),
    banded(calibration.error, percent),
    `${percent(calibration.ofTrue.mean)}, up to ${percent(calibration.ofTrue.high)}`,
    banded(calibration.overconfidence, percentPoints),
  ]);
export const GROUP_HEADINGS = ['Group', 'rows', 'errors', 'calibration error', 'of a true one', 'surer than right by'];

/** "+3.1%" */
export const percentPoints = (share: number): string => {
  const digits = percent(Math.abs(share));
  return digits === percent(0) ? digits : `${share < 0 ? '−' : '+'}${digits}`;
};

/** What differs between groups, and what swaps change. */
export function labelSentences({ column, gaps, flips, groups }: LabelBias): string[] {
  const others = groups.length === 3 ? groups[1].name : 'the others';
  const ofGaps = gaps.map(({ name, error }) => {
    const sign = signOf(error);
    const gap = `a gap of ${banded(error, percentPoints)}`;
    if (sign === 0) return `${column} = ${name}: ${gap} in errors to ${others}, which cannot be told from chance.`;
    return `${column} = ${name}: ${sign > 0 ? 'more' : 'fewer'} errors than ${others}, ${gap}.`;
  });
  return [...ofGaps, ...flips.map(flipSentence)];
}

function flipSentence({ kind, rows, flipped, share, shift, neutral }: Flips): string {
  const what = `Words of ${kind} swapped in ${plural(rows, 'text')}: ${exact(flipped)} get another label, ${banded(share, percent)}`;
  const moved = `the probability of the label moves by ${banded(shift, percentPoints)} on average`;
  if (!neutral) return `${what}; ${moved}. None of these texts has neutral words to be swapped in their place.`;
  return `${what}; ${moved}. As many neutral words swapped, in the ${plural(neutral.rows, 'text')} that have them: ${exact(neutral.flipped)}, ${banded(neutral.share, percent)}.`;
}

/** The words that were left out, a reason each. */
export const leftOutSentences = (leftOut: readonly { words: readonly string[]; why: string }[]): string[] =>
  leftOut.map(({ words, why }) => `Left out (${why}): ${words.join(', ')}.`);
