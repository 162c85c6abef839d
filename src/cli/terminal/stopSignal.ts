import { say } from './output.ts';

/** Exit code of a program that Ctrl-C has ended: 128 and the signal's number. */
export const INTERRUPTED = 130;

/** npm passes on a Ctrl-C that the terminal has sent already: what comes this soon after the first is no second one. */
const ECHO_MS = 1000;

/** Aborts at the first Ctrl-C (or SIGTERM); the second ends the process at once. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let firstAt = Number.NaN;
  const stop = (): void => {
    if (!controller.signal.aborted) {
      firstAt = performance.now();
      say('\nStopping; what was learned is being saved. Ctrl-C again ends at once.');
      controller.abort();
    } else if (performance.now() - firstAt > ECHO_MS) process.exit(INTERRUPTED);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop);
  return controller.signal;
}
