/** What the check-up of a run found, as plain data: kept in run.json, shown by the report and by `dawnlm checkup`. */
import { z } from 'zod';

const number = z.number().min(-3.5e38).max(3.5e38);

/** Something that a reader of a run should know: see src/health/finding.ts. */
export const FoundCard = z.object({
  name: z.string(),
  severity: z.enum(['problem', 'note']),
  sentence: z.string(),
  advice: z
    .object({
      sentence: z.string(),
      settings: z.record(z.string(), z.union([z.string(), number, z.boolean()])).optional(),
    })
    .optional(),
  /** What else was found that follows from this one. */
  symptoms: z.array(z.string()),
});
export type FoundCard = z.infer<typeof FoundCard>;

const points = z.array(z.object({ step: z.number(), value: number }));

/** What came of trying an advice. */
export const TrialCard = z.object({
  finding: z.string(),
  verdict: z.enum(['confirmed', 'not confirmed', 'not tried']),
  /** What was done and what came of it, with the figures. */
  sentence: z.string(),
  /** Training losses without the change and with it, where steps were taken. */
  curves: z.object({ without: points, with: points }).optional(),
});
export type TrialCard = z.infer<typeof TrialCard>;

export const HealthCard = z.object({
  /** In one line: "sound; better than trigrams (2.10), not yet 5-grams (1.93)". */
  line: z.string(),
  /** Causes before what follows from them, problems before notes. */
  findings: z.array(FoundCard),
  /** Predictions without a model on the same held-out text, nats a token. */
  rungs: z.array(z.object({ name: z.string(), loss: number, bitsPerByte: number })),
  /** What was measured, in words. */
  measured: z.array(z.tuple([z.string(), z.string()])),
});
export type HealthCard = z.infer<typeof HealthCard>;

/** Settings as train takes them: --learning-rate 0.001. */
export const flagsOf = (settings: Readonly<Record<string, string | number | boolean>>): string =>
  Object.entries(settings)
    .map(([name, value]) => {
      const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      return typeof value === 'boolean' ? `--${value ? '' : 'no-'}${flag}` : `--${flag} ${value}`;
    })
    .join(' ');
