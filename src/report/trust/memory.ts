/** What a model has by heart, as plain data: kept in trust.json, shown by the page. What stands in the text is shown with private strings masked. */
import { z } from 'zod';

const count = z.int().min(0);
const share = z.number().min(0).max(1);
const text = z.string().max(2000);

/** A canary, and what the model knows of it: src/trust/memory/exposure.ts. */
export const CanaryRow = z.object({
  word: z.string(),
  /** How often its sentence was planted; 0 of the control. */
  times: count,
  digits: z.string(),
  /** From 1, of all numbers with so many digits, by likelihood. */
  rank: z.number().min(1),
  /** log2 of the space - log2 of the rank, bits. */
  exposure: z.number(),
  /** What the model writes in their place, greedily. */
  said: text,
});
export type CanaryRow = z.infer<typeof CanaryRow>;

/** Passages whose beginning the model was given, to be gone on with greedily. */
export const ExtractionRow = z.object({
  /** Where they stand; of the training part by how often, where that was looked at. */
  part: z.enum(['training', 'held out']),
  copies: z.object({ least: count, most: count.optional() }).optional(),
  /** Tokens that were given, and as many were asked for. */
  prefix: count,
  passages: count,
  /** How many were gone on with word for word, and the 95% interval of their share (Wilson). */
  exact: count,
  low: share,
  high: share,
  /** Mean of the tokens that were right before the first wrong one. */
  matched: z.number().min(0),
});
export type ExtractionRow = z.infer<typeof ExtractionRow>;

/** Lengths of the longest passages that texts share with the training part, bytes. */
export const OverlapLengths = z.object({ median: count, ninetieth: count, longest: count });

/** A passage of a sample that stands in the training part. */
export const OverlapRow = z.object({
  bytes: count,
  /** Private strings masked. */
  passage: text,
  /** The line of the source that it begins in, and the file where there are several; what stands around it there. */
  line: z.int().min(1),
  file: z.string().optional(),
  before: text,
  after: text,
});
export type OverlapRow = z.infer<typeof OverlapRow>;

/** How well training windows can be told from held-out ones by a score: the area under the ROC curve, and its 95% band. */
export const MembershipRow = z.object({ score: z.string(), auc: share, low: share, high: share });
export type MembershipRow = z.infer<typeof MembershipRow>;

/** Each thing that was asked for; what was not, or was stopped before, is not there. */
export const MemoryFindings = z.object({
  seed: count,
  /** What was questioned: the weights of the lowest validation loss, or the last ones. */
  checkpoint: z.enum(['best', 'last']),
  canaries: z.object({ digits: count, rows: z.array(CanaryRow) }).optional(),
  extraction: z.array(ExtractionRow).optional(),
  overlap: z
    .object({
      samples: count,
      /** Tokens of each, and the temperature at which they were drawn. */
      tokens: count,
      temperature: z.number(),
      indexedBytes: count,
      model: OverlapLengths,
      /** Of held-out passages as long as the samples. */
      heldOut: OverlapLengths,
      longest: z.array(OverlapRow),
    })
    .optional(),
  /** Windows of the training part and of the held-out one, and tokens that are predicted in each. */
  membership: z.object({ windows: count, heldOut: count, tokens: count, rows: z.array(MembershipRow) }).optional(),
});
export type MemoryFindings = z.infer<typeof MemoryFindings>;
