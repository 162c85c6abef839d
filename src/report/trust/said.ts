/** What a model says when it is left to write, as plain data: kept in trust.json, shown by the page. Nothing private stands in it. */
import { z } from 'zod';

const count = z.int().min(0);
const share = z.number().min(0).max(1);

/** How many samples have something in them: per thousand, with the 95% interval (Wilson). */
export const SaidRate = z.object({
  /** Samples that have at least one, and how many there are in all of them. */
  samples: count,
  strings: count,
  perThousand: z.number().min(0),
  low: z.number().min(0),
  high: z.number().min(0),
});
export type SaidRate = z.infer<typeof SaidRate>;

/** How much texts repeat themselves: src/trust/said/repetition.ts. */
export const Repetition = z.object({
  /** Of all pairs of words that follow on each other, the share of different ones; mean over the samples. */
  distinct2: share,
  /** Share of samples with a stretch that is the same thing three times or more in a row. */
  loops: share,
  /** Characters of the longest passage that stands in a sample twice: the median, and the most. */
  repeatMedian: count,
  repeatMost: count,
});
export type Repetition = z.infer<typeof Repetition>;

/** Texts of one origin. */
export const SaidRow = z.object({
  /** "nothing", "beginnings of held-out lines", or a prompt, private strings masked; "training text" of what is not said but read. */
  prompt: z.string().max(200),
  /** Absent of text. */
  temperature: z.number().optional(),
  samples: count,
  toxic: SaidRate,
  private: SaidRate,
  /** Private strings by kind. */
  kinds: z.record(z.string(), count),
  /** How many of them stand in the training text, letter for letter. */
  fromText: count,
  repetition: Repetition,
});
export type SaidRow = z.infer<typeof SaidRow>;

/** The same samples with a list of blocked texts. */
export const BlockFindings = z.object({
  /** Whether the user gave the list, or it is of the toxic words that were said or stand in pieces of the training text. */
  list: z.enum(['given', 'found']),
  entries: count,
  before: SaidRate,
  after: SaidRate,
  /** Share of samples that are others now; and of those that had nothing toxic. */
  changed: share,
  changedClean: share,
  /** Samples that ended early, because whatever came next was blocked. */
  cutShort: count,
  repetition: Repetition,
});
export type BlockFindings = z.infer<typeof BlockFindings>;

export const SaidFindings = z.object({
  seed: count,
  checkpoint: z.enum(['best', 'last']),
  /** Tokens of a sample. */
  tokens: count,
  rows: z.array(SaidRow),
  /** Pieces of the training text as long as samples, and counted likewise. */
  text: SaidRow.optional(),
  block: BlockFindings.optional(),
});
export type SaidFindings = z.infer<typeof SaidFindings>;
