/** What a model finds likelier, pair by pair, beside what its training text has. */
import { mean, sum } from 'simple-statistics';
import type { FillerFindings, PairFindings, TextDifference, Unasked } from '../../report/trust/bias.ts';
import { type Cell, correlationOf, logRatio, meanOfCells, type SideCounts, shareOfCells } from './bands.ts';
import { phraseOf, type TextCounts, type Wanted } from './counts.ts';
import type { SentenceScore, SentenceScorer } from './score.ts';
import { type Contrast, cutSentence, endsInFiller, type PairGroup, pairsOf } from './templates.ts';
import type { WordPair } from './words.ts';

/** Pairs of names that are asked at most, those that the text has most often. */
const MOST_SIDES = 6;

const SIDES = ['first', 'second'] as const;
type Side = (typeof SIDES)[number];

/** What a text must be counted for, so that the groups can be asked and held against it. */
export function wantedOf(groups: readonly PairGroup[]): Wanted {
  const fillers = new Set(groups.flatMap((group) => group.fillers));
  const sides = new Set(
    groups.flatMap(({ contrast }) => SIDES.flatMap((side) => formsOf(contrast, side, contrast.pairs))),
  );
  const phrases = groups.flatMap((group) =>
    group.contrast.pairs
      .flat()
      .flatMap((side) => [
        ...basesOf(group, side),
        ...group.fillers.flatMap((filler) => phrasesOf(group, filler, side)),
      ]),
  );
  return { words: [], fillers, sides, phrases };
}

/** Words that count as a side when they stand near a filler. */
const formsOf = ({ forms }: Contrast, side: Side, pairs: readonly WordPair[]): readonly string[] =>
  forms?.[side] ?? pairs.map((pair) => pair[SIDES.indexOf(side)]);

/** The templates up to the word that comes last, as phrases of the text. */
const phrasesOf = ({ templates }: PairGroup, filler: string, side: string): string[] =>
  templates.map((template) => {
    const { context, word } = cutSentence(template, filler, side);
    return phraseOf(context + word);
  });

/** The same without the filler, where that comes last: how often there is anything at all after the side. */
const basesOf = (group: PairGroup, side: string): string[] =>
  endsInFiller(group) ? group.templates.map((template) => phraseOf(cutSentence(template, 'x', side).context)) : [];

/** Asks all pairs of a group. @returns what was not asked, where nothing is left of it */
export async function askGroup(
  group: PairGroup,
  { scorer, counts, seed }: { scorer: SentenceScorer; counts: TextCounts; seed: number },
  progress: Parameters<SentenceScorer['score']>[1] = {},
): Promise<PairFindings | Unasked> {
  const { fillers, sides, leftOut } = whatCanBeAsked(group, scorer, counts);
  if (fillers.length === 0 || sides.length === 0) return { name: group.name, leftOut };
  const pairs = pairsOf(group, fillers, sides);
  const scores = await scorer.score(
    pairs.flatMap(({ first, second }) => [first, second]),
    progress,
  );
  const cells = (of: (first: SentenceScore, second: SentenceScore) => number): Cell[] =>
    pairs.map(({ filler, variant }, i) => ({
      ...{ row: fillers.indexOf(filler), column: variant },
      value: of(scores[2 * i], scores[2 * i + 1]),
    }));
  const word = cells((first, second) => first.word - second.word);
  const sentence = cells((first, second) => first.sentence - second.sentence);
  const rows = fillers.map((filler, row): FillerFindings => {
    const own = (all: readonly Cell[]): number =>
      mean(all.filter((cell) => cell.row === row).map(({ value }) => value));
    const scores = { word: own(word), sentence: own(sentence) };
    return { filler, times: counts.word(filler), ...scores, ...inText(group, [filler], sides, counts) };
  });
  return {
    ...{ name: group.name, first: group.contrast.first, second: group.contrast.second },
    ...{ endsInFiller: endsInFiller(group), templates: [...group.templates], pairs: pairs.length },
    sides: sides.map(([first, second]) => [first, second]),
    word: meanOfCells(word, seed),
    sentence: meanOfCells(sentence, seed),
    likelier: shareOfCells(sentence.map(likelierOf), seed),
    text: { ...inText(group, fillers, sides, counts), overall: difference(anywhere(group, sides, counts)) },
    correlation: { same: correlated(rows, 'same', seed), near: correlated(rows, 'near', seed) },
    fillers: rows.sort((a, b) => b.word - a.word),
    leftOut,
  };
}

const likelierOf = ({ value, ...place }: Cell): Cell => ({ ...place, value: value > 0 ? 1 : value < 0 ? 0 : 0.5 });

/** The model's difference against that of the text, over the fillers that the text has beside a side at all. */
function correlated(rows: readonly FillerFindings[], how: 'same' | 'near', seed: number) {
  const counted = rows.filter((row) => row[how].first + row[how].second > 0);
  return {
    fillers: counted.length,
    r: correlationOf(
      counted.map((row) => [row.word, row[how].logRatio.value]),
      seed,
    ),
  };
}

/** What the text has of some fillers with the sides that are asked, all together. */
function inText(group: PairGroup, fillers: readonly string[], sides: readonly WordPair[], counts: TextCounts) {
  const nearBy = (side: Side): number =>
    sum(formsOf(group.contrast, side, sides).flatMap((form) => fillers.map((filler) => counts.near(filler, form))));
  const words = anywhere(group, sides, counts);
  const phrases = (of: (side: string) => string[]) => (side: Side) =>
    sum(sides.flatMap((pair) => of(pair[SIDES.indexOf(side)]).map((phrase) => counts.phrase(phrase))));
  const same = phrases((side) => fillers.flatMap((filler) => phrasesOf(group, filler, side)));
  const bases = phrases((side) => basesOf(group, side));
  const relative = endsInFiller(group);
  return {
    same: difference(same, relative ? bases : words, relative),
    near: difference(nearBy, words, relative),
  };
}

/** How often the text has a side at all. */
const anywhere =
  ({ contrast }: PairGroup, sides: readonly WordPair[], counts: TextCounts): CountOf =>
  (side) =>
    sum(formsOf(contrast, side, sides).map((form) => counts.word(form)));

type CountOf = (side: Side) => number;

function difference(count: CountOf, atAll?: CountOf, relative?: boolean): TextDifference {
  const of = (which: CountOf): SideCounts => ({ first: which('first'), second: which('second') });
  return { ...of(count), logRatio: logRatio(of(count), atAll && of(atAll), relative) };
}

/** The fillers and sides that the text has and the tokenizer can write, and the others with the reason. */
function whatCanBeAsked(group: PairGroup, scorer: SentenceScorer, counts: TextCounts) {
  const isKnown = (word: string): boolean => counts.word(word) > 0;
  const often = ([first, second]: WordPair): number => Math.min(counts.word(first), counts.word(second));
  const fillers = group.fillers.filter(isKnown);
  const known = group.contrast.pairs.filter((pair) => pair.every(isKnown));
  const sides = [...known].sort((a, b) => often(b) - often(a)).slice(0, MOST_SIDES);
  const writable = (filler: string): boolean =>
    sides.every((pair) =>
      pair.every((side) =>
        group.templates.every((template) => {
          const { context, word, rest } = cutSentence(template, filler, side);
          return scorer.knows(context + word + rest);
        }),
      ),
    );
  const asked = fillers.filter(writable);
  const absent = [...group.fillers, ...group.contrast.pairs.flat()].filter((word) => !isKnown(word));
  const rare = known.filter((pair) => !sides.includes(pair)).flat();
  const unwritten = fillers.filter((filler) => !asked.includes(filler));
  const leftOut = [
    { words: [...new Set(absent)], why: 'the training text never has them' },
    { words: rare, why: `${MOST_SIDES} pairs of names are asked, those that the text has most often` },
    { words: unwritten, why: 'the tokenizer lacks characters of the sentences' },
  ];
  return { fillers: asked, sides, leftOut: leftOut.filter(({ words }) => words.length > 0) };
}
