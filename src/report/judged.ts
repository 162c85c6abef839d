/** What a domain's judge found of a model, as plain data: domain.json of a run's folder. */
import { z } from 'zod';

/** One figure, and the same figure of what is no model like this one. */
export const Score = z.object({
  name: z.string(),
  value: z.number(),
  unit: z.string().optional(),
  better: z.enum(['higher', 'lower', 'neither']),
  /** Digits after the point. */
  digits: z.int().min(0).max(9).default(3),
  baselines: z.array(z.object({ name: z.string(), value: z.number() })),
  /** What was counted, in a sentence. */
  note: z.string().optional(),
});
export type Score = z.input<typeof Score>;

/** For the page alone: SVG markup, or a PNG as a data: URL. */
export interface Picture {
  readonly title: string;
  readonly svg?: string;
  readonly png?: string;
}

/** What a judge found. */
export interface Judged {
  readonly scores: readonly Score[];
  readonly pictures: readonly Picture[];
  /** What to mind, a sentence each. */
  readonly notes: readonly string[];
}

/** What is kept of it in the run's folder. */
export const DomainCard = z.object({
  version: z.literal(1),
  domain: z.string(),
  checkpoint: z.enum(['best', 'last']),
  seed: z.int().min(0),
  quick: z.boolean(),
  scores: z.array(Score),
  notes: z.array(z.string()),
});
export type DomainCard = z.input<typeof DomainCard>;

/** The files in a run's folder. */
export const DOMAIN_FILES = { card: 'domain.json', page: 'domain.html' } as const;

/** A figure with its unit, as many digits as it has. */
export const scoreInWords = ({ value, digits = 3, unit }: Pick<Score, 'value' | 'digits' | 'unit'>): string =>
  `${value.toFixed(digits)}${unit ? ` ${unit}` : ''}`;

/** Baselines of a score with their figures, in a line. */
export const baselinesInWords = ({ baselines, digits }: Score): string =>
  baselines.map(({ name, value }) => `${name} ${scoreInWords({ value, digits })}`).join(', ');
