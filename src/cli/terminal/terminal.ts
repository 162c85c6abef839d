/** What the terminal can do, and what a run looks like there: the live line. Text in, text out; who writes it decides where. */
import { count, duration } from '../../report/format.ts';

/** What is known of the place that text goes to. */
export interface Terminal {
  /** Columns. */
  readonly width: number;
  /** Rows, where they are known. */
  readonly height?: number;
  readonly color: boolean;
  /** Whether a line can be written over. */
  readonly live: boolean;
}

type Stream = Pick<NodeJS.WriteStream, 'write'> & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

const USUAL_WIDTH = 80;

/** Colours only on a terminal that has them and where NO_COLOR (https://no-color.org) does not forbid them. */
export function terminalOf(stream: Stream, env: NodeJS.ProcessEnv = process.env): Terminal {
  const live = Boolean(stream.isTTY) && env.TERM !== 'dumb';
  // A terminal that does not know its size says 0.
  return { width: stream.columns || USUAL_WIDTH, height: stream.rows || undefined, color: live && !env.NO_COLOR, live };
}

/** ANSI colours of the two curves, the same as in the report. */
const CODES = { training: '34', validation: '33', faint: '2', strong: '1' } as const;
export type Paint = (style: keyof typeof CODES, text: string) => string;

/** Colours text, or leaves it as it is. */
export const painter =
  (color: boolean): Paint =>
  (style, text) =>
    color && text.trim() ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text;

/** The state of training, or of other long work, that the live line tells. */
export interface LiveFigures {
  /** What is counted; "step" unless given. */
  readonly what?: string;
  readonly step: number;
  readonly steps: number;
  readonly loss?: number;
  readonly validationLoss?: number;
  readonly tokensPerSecond?: number;
  /** Time left, as far as can be told. */
  readonly leftMs?: number;
}

/** In what order parts go when the line is too long; the first part, the step, stays. */
const DROPPED_FIRST = ['speed', 'validation', 'left', 'loss'] as const;

/** "step 120/940  loss 2.31  val 2.40  4,120 tokens/s  1:52 left", with fewer parts where `width` columns do not hold it. */
export function liveLine(figures: LiveFigures, width = Number.POSITIVE_INFINITY): string {
  const parts = new Map(Object.entries(partsOf(figures)).filter(([, text]) => text !== undefined));
  const line = (): string => [...parts.values()].join('  ');
  for (const name of DROPPED_FIRST) if (line().length > width) parts.delete(name);
  return line().slice(0, width);
}

function partsOf({ what = 'step', step, steps, loss, validationLoss, tokensPerSecond, leftMs }: LiveFigures) {
  const total = String(steps);
  return {
    step: `${what} ${String(step).padStart(total.length)}/${total}`,
    loss: written(loss, (nats) => `loss ${nats.toFixed(2)}`),
    validation: written(validationLoss, (nats) => `val ${nats.toFixed(2)}`),
    speed: written(tokensPerSecond, (rate) => `${count(rate)} tokens/s`),
    left: written(leftMs, (timeMs) => `${duration(timeMs)} left`),
  };
}

const written = (value: number | undefined, write: (value: number) => string): string | undefined =>
  value === undefined ? undefined : write(value);
