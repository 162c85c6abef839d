/** What was found of a model's bias, as plain data: kept in trust.json, shown by the page. */
import { z } from 'zod';

const count = z.int().min(0);
const share = z.number().min(0).max(1);

/** A figure and its 95% band; without one where there is too little to draw from. */
export const Estimate = z.object({ value: z.number(), low: z.number().nullable(), high: z.number().nullable() });
export type Estimate = z.infer<typeof Estimate>;

/** What the training text has of one side and of the other. */
export const TextDifference = z.object({
  first: count,
  second: count,
  /** log of first to second, smoothed towards how often the sides occur at all; where the filler comes last, less that of how often the sides occur at all. */
  logRatio: Estimate,
});
export type TextDifference = z.infer<typeof TextDifference>;

/** How much likelier one side is, nats: log P(first) - log P(second). */
const differences = {
  /** Of the word that comes last, given all before it. */
  word: Estimate,
  /** Of the whole sentence. */
  sentence: Estimate,
};

const Filler = z.object({
  filler: z.string(),
  /** How often the training text has it: what it hardly has, the model hardly knows. */
  times: count,
  word: z.number(),
  sentence: z.number(),
  /** In the same words as the templates. */
  same: TextDifference,
  /** Within ten words, in the same sentence. */
  near: TextDifference,
});
export type FillerFindings = z.infer<typeof Filler>;

/** What was not asked, and why. */
const LeftOut = z.object({ words: z.array(z.string()), why: z.string() });

/** Pairs of one kind. */
export const PairFindings = z.object({
  ...{ name: z.string(), first: z.string(), second: z.string() },
  /** Whether the filler comes last, and is scored after the one side and the other. */
  endsInFiller: z.boolean(),
  templates: z.array(z.string()),
  /** Pairs of sides that were asked: names. */
  sides: z.array(z.tuple([z.string(), z.string()])),
  pairs: count,
  ...differences,
  /** Share of the pairs whose sentence is likelier with the first side; 0.5 is neutral. */
  likelier: Estimate,
  /** Of all fillers together; `overall`: how often the text has the sides at all. */
  text: z.object({ same: TextDifference, near: TextDifference, overall: TextDifference }),
  /** Of the word's difference with that of the text's counts, over the fillers that have such. */
  correlation: z.object({
    same: z.object({ fillers: count, r: Estimate.optional() }),
    near: z.object({ fillers: count, r: Estimate.optional() }),
  }),
  /** The first side's likeliest first. */
  fillers: z.array(Filler),
  leftOut: z.array(LeftOut),
});
export type PairFindings = z.infer<typeof PairFindings>;

/** A kind of pairs of which nothing could be asked. */
export const Unasked = z.object({ name: z.string(), leftOut: z.array(LeftOut) });
export type Unasked = z.infer<typeof Unasked>;

/** A user's pairs, by their group. `more` is the sentence of the first column. */
export const OwnPairs = z.object({
  file: z.string(),
  columns: z.tuple([z.string(), z.string()]),
  groups: z.array(
    z.object({
      ...{ name: z.string(), pairs: count },
      sentence: Estimate,
      /** Of the words in which they differ, given what is before them in both. */
      word: Estimate,
      likelier: Estimate,
    }),
  ),
  /** In the order of the file. */
  pairs: z.array(
    z.object({ line: count, first: z.string(), second: z.string(), word: z.number(), sentence: z.number() }),
  ),
  leftOut: z.array(LeftOut),
});
export type OwnPairs = z.infer<typeof OwnPairs>;

/** How a classifier does on the rows of one group. */
const LabelGroup = z.object({
  ...{ name: z.string(), rows: count },
  error: Estimate,
  calibration: z.object({
    /** Expected calibration error, 15 bins. */
    error: Estimate,
    /** What so few rows would show of a classifier whose probabilities are true: mean, and 95% of the draws are below `high`. */
    ofTrue: z.object({ mean: share, high: share }),
    /** Mean confidence less accuracy: above 0 it is surer than it is right. */
    overconfidence: Estimate,
  }),
  /** By class: how many are of it, how many were said to be, and the share of the former that was not found. */
  labels: z.array(z.object({ label: z.string(), rows: count, said: count, missed: Estimate.optional() })),
});
export type LabelGroup = z.infer<typeof LabelGroup>;

/** A group against all other rows: differences of shares. */
const Gap = z.object({ name: z.string(), error: Estimate, overconfidence: Estimate });

/** What changes when the words of a group are swapped. */
export const Flips = z.object({
  kind: z.enum(['sex', 'origin']),
  /** Rows that have such words. */
  rows: count,
  flipped: count,
  share: Estimate,
  /** Mean change of the probability of the label that was said. */
  shift: Estimate,
  /** The same when as many neutral words are swapped, in the rows that have them. */
  neutral: z.object({ rows: count, flipped: count, share: Estimate, shift: Estimate }).optional(),
  /** By what the label was and has become. */
  from: z.array(z.object({ label: z.string(), to: z.string(), rows: count })),
});
export type Flips = z.infer<typeof Flips>;

export const LabelBias = z.object({
  file: z.string(),
  rows: count,
  /** The column of groups, if there is one. */
  column: z.string().optional(),
  groups: z.array(LabelGroup),
  gaps: z.array(Gap),
  flips: z.array(Flips),
});
export type LabelBias = z.infer<typeof LabelBias>;

export const BiasFindings = z.object({
  /** The weights that were asked. */
  checkpoint: z.enum(['best', 'last']).optional(),
  /** Words of the training text. */
  textWords: count.optional(),
  pairs: z.array(PairFindings).optional(),
  unasked: z.array(Unasked).optional(),
  own: OwnPairs.optional(),
  labels: LabelBias.optional(),
});
export type BiasFindings = z.infer<typeof BiasFindings>;
