import { printable } from '../../quote.ts';
import { type LiveFigures, liveLine, terminalOf } from './terminal.ts';

/** Where progress goes: stderr, or something that behaves like it. */
export type ProgressStream = Parameters<typeof terminalOf>[0];

/** Between two changes of a line that is written over; more often is flicker. */
const LIVE_INTERVAL_MS = 100;
/** Between two lines in a file or a log of a build, where each stays. */
const PLAIN_INTERVAL_MS = 10_000;

const CLEAR_LINE = '\r\x1b[K';

/**
 * The live line of a run. On a terminal one line is written over again and again; elsewhere a plain line appears every ten
 * seconds. `end` leaves the last state standing.
 */
export class Progress {
  private shown = '';
  private writtenAt = Number.NEGATIVE_INFINITY;
  private latest: LiveFigures | undefined;

  constructor(
    private readonly stream: ProgressStream = process.stderr,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Takes the state; shows it when the last showing is long enough ago. */
  update(figures: LiveFigures): void {
    this.latest = figures;
    const { live } = terminalOf(this.stream);
    if (this.now() - this.writtenAt >= (live ? LIVE_INTERVAL_MS : PLAIN_INTERVAL_MS)) this.show();
  }

  /** Writes lines that stay, above the live line. */
  note(text: string): void {
    const { live } = terminalOf(this.stream);
    const lines = `${printable(text, '\n')}\n`;
    this.stream.write(live && this.shown ? `${CLEAR_LINE}${lines}${this.shown}` : lines);
  }

  /** Shows the last state, if it was not shown, and closes the line. Afterwards a new line may begin. */
  end(): void {
    this.show();
    if (terminalOf(this.stream).live && this.shown) this.stream.write('\n');
    this.shown = '';
    this.latest = undefined;
  }

  private show(): void {
    if (!this.latest) return;
    const { live, width } = terminalOf(this.stream);
    // A line as wide as the terminal would wrap, and a carriage return only goes back to the wrapped part.
    const line = live ? liveLine(this.latest, width - 1) : liveLine(this.latest);
    if (line === this.shown) return;
    this.stream.write(live ? CLEAR_LINE + line : `${line}\n`);
    this.shown = line;
    this.writtenAt = this.now();
  }
}

/** A listener for work that says how far it is: shows that, and the time left as far as the work so far tells, for each kind of it anew. */
export function watchWork(progress: Progress, now: () => number = () => performance.now()) {
  let begun = { what: '', at: 0, done: 0 };
  return (done: number, of: number, what: string): void => {
    if (what !== begun.what) begun = { what, at: now(), done };
    const perItemMs = (now() - begun.at) / (done - begun.done);
    const leftMs = done > begun.done ? (of - done) * perItemMs : undefined;
    progress.update({ what, step: done, steps: of, leftMs });
  };
}
