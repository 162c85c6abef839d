import { durationInWords } from '../src/report/format.ts';

/** Time left, by what the others took. */
export class Clock {
  private readonly taken: number[] = [];

  constructor(private readonly of: number) {}

  /** Words for how long so many of them still take, empty when all are done. `seconds`: what the last one took. */
  left(done: number, seconds: number): string {
    this.taken.push(seconds);
    const each = this.taken.reduce((sum, one) => sum + one, 0) / this.taken.length;
    return done < this.of ? `; about ${durationInWords(1000 * each * (this.of - done))} left` : '';
  }
}
