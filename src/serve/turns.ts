import { QueueFull } from './scheduler.ts';

/** Work that is done one piece after the other; what waits is bounded. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  constructor(private readonly most = 256) {}

  /**
   * Does the work when what was asked for before is done.
   * @param signal whether it is still wanted then
   * @throws QueueFull when too much waits, and the signal's reason when nobody wants it any more
   */
  async take<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.waiting >= this.most) throw new QueueFull('too many requests wait');
    this.waiting++;
    const turn = this.last
      .then(() => {
        signal.throwIfAborted();
        return work();
      })
      .finally(() => this.waiting--);
    this.last = turn.catch(() => undefined);
    return turn;
  }
}
