/** What of a text is there more than once, and what of its held-out parts the training part has: plain data. */
import { z } from 'zod';

const count = z.int().min(0);
const Place = z.object({ part: z.string(), line: count });

const Repeats = z.object({
  /** Documents or lines that were held against others. */
  looked: count,
  /** Those that came before: beyond the first ones. */
  copies: count,
  /** Characters (UTF-16 units) of the copies. */
  characters: count,
  /** Copies by the part that they stand in. */
  byPart: z.record(z.string(), count),
  /**
   * Those with the most copies: how often it stands there, the first one among them, where that and some of the others are, how the second one
   * begins, private data masked, and the least similarity to the first; 1 of exact copies.
   */
  groups: z.array(
    z.object({ times: count, first: Place, others: z.array(Place), excerpt: z.string(), similarity: z.number() }),
  ),
});
export type Repeats = z.infer<typeof Repeats>;

/** Copies of documents, nearly the same documents, and copies of lines: see src/trust/data/duplicates.ts. */
export const DuplicatesCard = z.object({
  documents: Repeats,
  /** Documents that are no exact copy. */
  near: Repeats,
  /** Those in copied documents too. */
  lines: Repeats,
  /** Documents of fewer than five words, which are not held against others. */
  phrases: count,
  /** Documents or lines of which there were too many to remember. */
  forgotten: count,
});
export type DuplicatesCard = z.infer<typeof DuplicatesCard>;

/** Documents of a held-out part that the training part has: see src/trust/data/overlap.ts. */
export const OverlapCard = z.object({
  part: z.string(),
  /** The training part. */
  within: z.string(),
  /** Documents of the held-out part, blank ones aside. */
  documents: count,
  exact: count,
  near: count,
  /** All of them, in their order: the line in the held-out part, and the first one in the training part. */
  places: z.array(z.object({ line: count, kind: z.enum(['exact', 'near']), similarity: z.number(), first: Place })),
  /**
   * Where it is the end of one text: lines of 24 characters or more, and the numbers of those that are known; passages of 128, cut side by
   * side, and how many stand in the training part, wherever they do.
   */
  lines: count.optional(),
  knownLines: z.array(count).optional(),
  passages: count.optional(),
  knownPassages: count.optional(),
});
export type OverlapCard = z.infer<typeof OverlapCard>;
