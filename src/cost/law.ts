/**
 * The scaling law: the held-out loss that a model of N parameters reaches after D tokens, as `dawnlm experiment scaling` fits it,
 *
 *     L(N, D) = E + A / N^alpha + B / D^beta        (Hoffmann et al., 2022, "Training compute-optimal large language models")
 *
 * E being what no model gets below. Of tokens seen again, less counts for D: `effectiveTokens`.
 */
import { z } from 'zod';

const positive = z.number().positive();

/** The numbers of L(N, D). */
export const LawFit = z.object({ E: z.number().min(0), A: positive, alpha: positive, B: positive, beta: positive });
export type LawFit = Readonly<z.infer<typeof LawFit>>;

/** A fitted law as data, with what it was fitted on. */
export const ScalingLaw = z.object({
  version: z.literal(1),
  corpus: z.string(),
  /** Tokens of its training part: what is beyond is repetition. */
  uniqueTokens: positive,
  /** `char` or `byte`: losses are in nats a token of it. */
  tokenizer: z.string(),
  /** Context that was trained and scored with, in tokens. */
  blockSize: z.int().min(1),
  /** What N counts. */
  parameters: z.enum(['all', 'without embeddings']),
  fit: LawFit,
  /** Fits to runs drawn anew (bootstrap): their spread is the law's uncertainty. */
  draws: z.array(LawFit).readonly(),
  /** Standard deviation of ln L around the fit. */
  residual: z.number().min(0),
  /** From the least to the most that was tried. */
  range: z.object({ parameters: z.tuple([positive, positive]), tokens: z.tuple([positive, positive]) }),
  /** Epochs of which half of the worth of repeating is spent: `effectiveTokens`. */
  repetition: positive,
  /** How many runs, of how many operations, when and where. */
  from: z.string(),
});
export type ScalingLaw = Readonly<z.infer<typeof ScalingLaw>>;

/** A size and a length of training. */
export interface Size {
  readonly parameters: number;
  /** Tokens trained on, repeated ones each time. */
  readonly tokens: number;
}

/**
 * What D tokens are worth of which U are different ones (Muennighoff et al., 2023, "Scaling data-constrained language models",
 * equation 5): U + U R* (1 - exp(-R / R*)), R = D / U - 1 being the repetitions and R* `repetition`. Four epochs are nearly worth
 * four times the text, hundreds of them R* + 1 times.
 */
export function effectiveTokens(tokens: number, unique: number, repetition = 15.4): number {
  if (tokens <= unique) return tokens;
  return unique + unique * repetition * (1 - Math.exp(-(tokens / unique - 1) / repetition));
}

/** L(N, D), D in tokens none of which is repeated. */
export const lossOf = ({ E, A, alpha, B, beta }: LawFit, parameters: number, tokens: number): number =>
  E + A / parameters ** alpha + B / tokens ** beta;

/** A loss with the band in which 95 of 100 runs would end. */
export interface Expected {
  readonly loss: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The loss that a law expects at the end of a run. Its band holds the fit's uncertainty and the scatter of single runs.
 * @param unique tokens of the text's training part, where it is another text than the law's
 */
export function expectedLoss(law: ScalingLaw, { parameters, tokens }: Size, unique = law.uniqueTokens): Expected {
  const worth = effectiveTokens(tokens, unique, law.repetition);
  const loss = lossOf(law.fit, parameters, worth);
  const logs = law.draws.map((fit) => Math.log(lossOf(fit, parameters, worth) / loss));
  const variance = logs.reduce((sum, x) => sum + x * x, 0) / Math.max(1, logs.length) + law.residual ** 2;
  const factor = Math.exp(1.96 * Math.sqrt(variance));
  return { loss, low: loss / factor, high: loss * factor };
}
