/** What was found in a text that was looked through: plain data, shown by `dawnlm data audit` and its page. Excerpts are masked. */
import { z } from 'zod';
import { DuplicatesCard, OverlapCard } from './duplicates.ts';

const count = z.int().min(0);
const share = z.number().min(0).max(1);
const place = { part: z.string(), line: z.int().min(1) };

/** What was found of one kind: how often, and the first places. */
export const FindingCard = z.object({
  kind: z.string(),
  count,
  /** By part; those without any are left out. */
  parts: z.record(z.string(), count),
  /** The first ones, each with its surroundings, in which private data and words of contempt are masked. */
  places: z.array(z.object({ ...place, excerpt: z.string() })),
});
export type FindingCard = z.infer<typeof FindingCard>;

const Bins = z.array(z.object({ from: z.number(), count }));

/** One part: a file of a folder, or a part of a set. */
export const AuditPart = z.object({
  name: z.string(),
  source: z.string(),
  licence: z.string(),
  /** What the licence says of use, in a phrase; "unknown" where it cannot be told. */
  use: z.string(),
  sha256: z.string().optional(),
  documents: count,
  /** Of the text, in UTF-8; of tables that of the column that is looked at. */
  bytes: count,
  /** Code points. */
  characters: count,
  words: count,
  lines: count,
  lineEnds: z.object({ lf: count, crlf: count, cr: count }),
  languages: z.array(z.object({ code: z.string(), name: z.string(), share, line: z.int().min(1) })),
  /** Of the letters, those in passages too short to tell. */
  undetermined: share,
});
export type AuditPart = z.infer<typeof AuditPart>;

/** Which words stand near mentions of groups. */
export const GroupsCard = z.object({
  /** Words on either side that are near. */
  window: count,
  /** Words of the text that are called good or bad of people, and how many there are in all. */
  good: count,
  bad: count,
  groups: z.array(
    z.object({
      group: z.string(),
      mentions: count,
      /** Words within the window of a mention. */
      words: count,
      good: count,
      bad: count,
      occupations: count,
    }),
  ),
  /** Pairs that stand together more or less often than chance has it: see src/trust/data/groups.ts. */
  associations: z.array(
    z.object({
      group: z.string(),
      word: z.string(),
      what: z.enum(['occupation', 'good', 'bad']),
      near: count,
      expected: z.number(),
      bits: z.number(),
      z: z.number(),
    }),
  ),
});
export type GroupsCard = z.infer<typeof GroupsCard>;

export const AuditCard = z.object({
  name: z.string(),
  parts: z.array(AuditPart),
  lengths: z.object({ documents: Bins, lines: Bins, longestDocument: count, longestLine: count }),
  encoding: z.array(FindingCard),
  boilerplate: z.object({
    /** Lines that are known for what they are. */
    known: z.array(FindingCard),
    /** Lines that stand in many documents. */
    recurring: z.array(z.object({ ...place, text: z.string(), documents: count })),
  }),
  duplicates: DuplicatesCard,
  /** Of a set its held-out parts, of a text its last tenth; none of a table. */
  overlaps: z.array(OverlapCard),
  private: z.array(FindingCard),
  toxic: z.array(FindingCard),
  groups: GroupsCard,
});
export type AuditCard = z.infer<typeof AuditCard>;
