import { constants } from 'node:os';
import { outliveOutput, say } from './output.ts';

/** Ctrl-C, a request to end, and the end of the terminal. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** npm passes on a Ctrl-C that the terminal has sent already: what comes this soon after the first is no second one. */
const ECHO_MS = 1000;

let work: AbortController | undefined;
let firstAt = Number.NaN;
let words = '';
let heard = false;

/** From now on signals end the process as its own end does, so that what it holds is free then; and with the exit code that shells expect. */
export function endAtSignals(): void {
  if (heard) return;
  heard = true;
  for (const signal of SIGNALS) process.on(signal, () => stop(128 + constants.signals[signal]));
}

/** The first signal stops the work, where there is some; the second ends the process at once. */
function stop(code: number): void {
  if (!work || (work.signal.aborted && performance.now() - firstAt > ECHO_MS)) process.exit(code);
  if (work.signal.aborted) return;
  firstAt = performance.now();
  say(`\n${words}`);
  work.abort(code);
}

/**
 * For work that is kept: aborts at the first Ctrl-C (or SIGTERM, or SIGHUP); its reason is the exit code. The second ends the process
 * at once. Nor does the work end because nobody reads what it prints.
 * @param saying what the user is told then
 */
export function stopSignal(
  saying = 'Stopping; what was learned is being saved. Ctrl-C again ends at once.',
): AbortSignal {
  words = saying;
  endAtSignals();
  outliveOutput();
  work ??= new AbortController();
  return work.signal;
}
