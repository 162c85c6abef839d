/** Forecasts by a language model: many continuations of what is known, and their mean. */
import type { AskedModel } from '../../domain.ts';
import type { Forecast } from './scores.ts';
import { range } from './series.ts';

export interface EnsembleOptions {
  /** Steps that forecasts begin at: what is known. */
  readonly starts: readonly number[];
  /** The beginning of a line at a start. */
  readonly begin: (now: number) => string;
  /** Anomalies that a whole line tells for the steps after the start, as far as it can be read: (P) each. */
  readonly told: (line: string, now: number) => ArrayLike<number>[];
  /** Continuations of each start. */
  readonly members: number;
  /** P, and the steps that a line tells. */
  readonly size: number;
  readonly ahead: number;
}

export interface Ensemble {
  readonly forecast: Forecast;
  /** Lines at each start. */
  readonly lines: ReadonlyMap<number, readonly string[]>;
  /** Share of the lines that tell all steps. */
  readonly whole: number;
}

/** The mean of what a model writes after each start. */
export async function ensemble({ write }: AskedModel, options: EnsembleOptions): Promise<Ensemble> {
  const { starts, begin, told, members, size, ahead } = options;
  const prompts = starts.flatMap((now) => Array<string>(members).fill(begin(now)));
  const written = await write(prompts);
  const lines = new Map(
    starts.map((now, i) => [now, range(i * members, (i + 1) * members).map((n) => prompts[n] + written[n])]),
  );
  let whole = 0;
  const means = new Map<string, Float64Array>();
  for (const [now, own] of lines) {
    const all = own.map((line) => told(line, now));
    whole += all.filter(({ length }) => length >= ahead).length;
    for (const lead of range(1, ahead + 1)) {
      const known = all.flatMap((steps) => (steps.length >= lead ? [steps[lead - 1]] : []));
      const sum = new Float64Array(size);
      for (const one of known) for (let p = 0; p < size; p++) sum[p] += one[p];
      means.set(
        `${now} ${lead}`,
        sum.map((value) => value / Math.max(1, known.length)),
      );
    }
  }
  return { forecast: (now, lead) => means.get(`${now} ${lead}`)!, lines, whole: whole / prompts.length };
}

/** The mean of forecasts. */
export const meanForecast =
  (all: readonly Forecast[]): Forecast =>
  (now, lead) => {
    const each = all.map((forecast) => forecast(now, lead));
    return Float64Array.from(
      { length: each[0].length },
      (_, p) => each.reduce((sum, one) => sum + one[p], 0) / each.length,
    );
  };
