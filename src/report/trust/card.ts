/** What was found when a model was questioned, as plain data: trust.json of a run's folder. */
import { z } from 'zod';
import { BiasFindings } from './bias.ts';
import { MemoryFindings } from './memory.ts';
import { SaidFindings } from './said.ts';

/** A part for each thing that was asked; those that were not are not there. A part that is asked anew takes the place of the old one. */
export const TrustCard = z.object({
  version: z.literal(1),
  memory: MemoryFindings.optional(),
  bias: BiasFindings.optional(),
  said: SaidFindings.optional(),
});
export type TrustCard = z.infer<typeof TrustCard>;

/** Names of the parts, in the order in which they are asked and shown. */
export const TRUST_PARTS = ['memory', 'bias', 'said'] as const satisfies readonly (keyof TrustCard)[];
export type TrustPart = (typeof TRUST_PARTS)[number];

/** The file in a run's folder. */
export const TRUST_FILE = 'trust.json';
