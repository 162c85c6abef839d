/** What a text can be freed of before it is learned from, and what is said of that; src/trust/data/clean.ts does it. */
import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import { quote } from '../../quote.ts';

/** Rules by name, in the order in which they are gone by. */
export const CLEAN_RULES = ['duplicates', 'near-duplicates', 'duplicate-lines', 'toxic', 'private'] as const;
export type CleanRule = (typeof CLEAN_RULES)[number];

/** "near-duplicates,private" as rules, each once, in their order; '' is none. @throws UsageError that names the ones that there are */
export function cleanRules(text: string): CleanRule[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const unknown = names.find((name) => !CLEAN_RULES.some((rule) => rule === name));
  if (unknown === undefined) return CLEAN_RULES.filter((rule) => names.includes(rule));
  throw new UsageError(`clean: there is no rule ${quote(unknown)}; the rules are ${CLEAN_RULES.join(', ')}`);
}

const size = z.int().min(0);

/** What went by one rule. */
const Went = z.object({
  /** Documents that went whole. */
  documents: size,
  /** Lines that went of documents whose others stayed. */
  lines: size,
  /** Items that were masked in place. */
  items: size,
  /** Characters (UTF-16 units) of all that went or was masked. */
  characters: size,
  /** Items or words by their kind. */
  kinds: z.record(z.string(), size),
});
export type Went = z.infer<typeof Went>;

/** What a text was freed of. */
export const CleanCard = z.object({
  /** In the order in which they were gone by. */
  rules: z.array(z.enum(CLEAN_RULES)),
  /** Paragraphs or rows that were looked at, and those that stayed. */
  documents: size,
  kept: size,
  /** Characters (UTF-16 units) before and after. */
  characters: size,
  keptCharacters: size,
  /** By rule. */
  went: z.partialRecord(z.enum(CLEAN_RULES), Went),
  /** Documents or lines that could not be remembered because there were too many: copies of them stayed. */
  forgotten: size,
});
export type CleanCard = z.infer<typeof CleanCard>;
