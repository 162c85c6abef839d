/**
 * Waiting without burning a core. While a promise of the Dawn binding is pending (mapAsync, onSubmittedWorkDone, an error
 * scope), the binding asks Dawn for news from setImmediate, again and again, which keeps one core at 100%. On a software
 * adapter that core is half of the GPU. A pause in each turn of that loop gives it back, for at most one pause of latency. Even
 * waking up costs: the thread that is pushed aside for it is one that all others of a dispatch wait for. So the pauses grow with the
 * wait, which is back-off (training `nano` on two cores: 1.2 times the tokens a second of pauses of one length).
 */

/** The first pauses: long enough to free the core, short against work that is soon done. */
const SHORTEST_MS = 0.05;
/** The longest, and their share of the time that was waited: results come this much late at most. */
const LONGEST_MS = 2;
const SHARE = 0.03;
const alarm = new Int32Array(new SharedArrayBuffer(4));

/** Blocks the JavaScript thread for about `timeMs` (what the system makes of it: 0.13 ms for 0.05). */
export function sleepSync(timeMs: number): void {
  Atomics.wait(alarm, 0, 0, timeMs);
}

/**
 * What the last two waits took, in ms. Work that repeats itself takes about as long as before: until half of what is left, nobody
 * need look. Each look leaves garbage, for the binding makes a function of each, which only a major collection takes away.
 */
let before: readonly [number, number] = [0, 0];

/** Awaits a promise, pausing in every turn of the event loop until it settles. Rejects as the promise does. */
export async function waitWithBackOff<T>(promise: Promise<T>): Promise<T> {
  let pending = true;
  const startedAt = performance.now();
  const waited = (): number => performance.now() - startedAt;
  const expected = Math.min(...before);
  const settled = () => {
    pending = false;
    before = [before[1], waited()];
  };
  promise.then(settled, settled);
  const turn = () => {
    if (!pending) return;
    const left = (expected - waited()) / 2;
    sleepSync(Math.min(LONGEST_MS, Math.max(SHORTEST_MS, SHARE * waited(), left)));
    setImmediate(turn);
  };
  setImmediate(turn);
  return promise;
}
