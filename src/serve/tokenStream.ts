interface Waiter<T> {
  resolve: (result: IteratorResult<T, void>) => void;
  reject: (error: unknown) => void;
}

/**
 * Values from a producer that is ahead or behind: what was pushed before it is asked for waits. Unlike a generator function's, it
 * is told of leaving (`return`) even by whoever never began to read.
 */
export class TokenStream<T> implements AsyncGenerator<T, void, void> {
  private readonly ready: T[] = [];
  private readonly waiting: Waiter<T>[] = [];
  private ended = false;
  private error: unknown;

  /** @param onLeave called once, when the reader leaves before the end */
  constructor(private readonly onLeave: () => void) {}

  push(value: T): void {
    if (this.ended) return;
    const waiter = this.waiting.shift();
    if (waiter) waiter.resolve({ value, done: false });
    else this.ready.push(value);
  }

  /** Nothing more comes; after what is ready the reader gets `error`, if there is one. */
  end(error?: unknown): void {
    if (this.ended) return;
    this.ended = true;
    const [first, ...others] = this.waiting.splice(0);
    if (first && error !== undefined) first.reject(error);
    else {
      this.error = error;
      first?.resolve({ value: undefined, done: true });
    }
    for (const { resolve } of others) resolve({ value: undefined, done: true });
  }

  next(): Promise<IteratorResult<T, void>> {
    if (this.ready.length > 0) return Promise.resolve({ value: this.ready.shift()!, done: false });
    if (!this.ended) return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
    const { error } = this;
    this.error = undefined;
    return error === undefined ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(error);
  }

  return(): Promise<IteratorResult<T, void>> {
    const leaving = !this.ended;
    this.ready.length = 0;
    this.error = undefined;
    this.end();
    if (leaving) this.onLeave();
    return Promise.resolve({ value: undefined, done: true });
  }

  throw(error: unknown): Promise<IteratorResult<T, void>> {
    void this.return();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
