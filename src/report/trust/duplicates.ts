/** What of a text is there more than once, and what of its held-out parts the training part has: plain data. */
import { z } from 'zod';

const count = z.int().min(0);
const Place = z.object({ part: z.string(), line: count });

const Repeats = z.object({
  /** Documents or lines that were held against others. */
  looked: count,
  /** Those that came before. */
  copies: count,
  characters: count,
  byPart: z.record(z.string(), count),
  /** Those with the most copies: the first one, some of the others, and how it begins, private data masked. */
  groups: z.array(
    z.object({ times: count, first: Place, others: z.array(Place), excerpt: z.string(), similarity: z.number() }),
  ),
});
export type Repeats = z.infer<typeof Repeats>;

/** Copies of documents, nearly the same documents, and copies of lines: see src/trust/data/duplicates.ts. */
export const DuplicatesCard = z.object({
  documents: Repeats,
  near: Repeats,
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
  within: z.string(),
  documents: count,
  exact: count,
  near: count,
  places: z.array(z.object({ line: count, kind: z.enum(['exact', 'near']), similarity: z.number(), first: Place })),
  /** Where it is the end of one text: lines of 24 characters or more, passages of 128, and how many are known. */
  lines: count.optional(),
  knownLines: z.array(count).optional(),
  passages: count.optional(),
  knownPassages: count.optional(),
});
export type OverlapCard = z.infer<typeof OverlapCard>;
