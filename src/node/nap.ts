/**
 * Waiting without burning a core. While a promise of the Dawn binding is pending (mapAsync, onSubmittedWorkDone, an error
 * scope), the binding asks Dawn for news from setImmediate, again and again, which keeps one core at 100%. On a software
 * adapter that core is half of the GPU. A nap in each turn of that loop gives it back, for at most one nap of latency.
 */

/** Long enough to free the core, short against a training step (milliseconds). */
const NAP_MS = 0.05;
const alarm = new Int32Array(new SharedArrayBuffer(4));

/** Blocks the JavaScript thread for about `timeMs` (what the system makes of it: 0.13 ms for 0.05). */
export function nap(timeMs = NAP_MS): void {
  Atomics.wait(alarm, 0, 0, timeMs);
}

/** Awaits a promise, napping in every turn of the event loop until it settles. Rejects as the promise does. */
export async function napWhile<T>(promise: Promise<T>): Promise<T> {
  let pending = true;
  const settled = () => {
    pending = false;
  };
  promise.then(settled, settled);
  const turn = () => {
    if (!pending) return;
    nap();
    setImmediate(turn);
  };
  setImmediate(turn);
  return promise;
}
