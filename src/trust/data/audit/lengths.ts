/** Lengths in bins of equal width on a scale of doublings. */

/** Bins of a doubling. */
const STEPS = 2;

/** Counts lengths of 1 or more; each bin ends where it has become 1.41 times what it began with. */
export class LogBins {
  count = 0;
  longest = 0;
  private readonly counts: number[] = [];

  add(length: number): void {
    const bin = Math.floor(STEPS * Math.log2(length));
    this.counts[bin] = (this.counts[bin] ?? 0) + 1;
    this.count++;
    this.longest = Math.max(this.longest, length);
  }

  /** From the first bin that holds something to the last: the least length of each, and how many there are. */
  result(): { from: number; count: number }[] {
    const first = this.counts.findIndex((count) => count > 0);
    if (first < 0) return [];
    return Array.from(this.counts)
      .map((count = 0, bin) => ({ from: Math.ceil(2 ** (bin / STEPS)), count }))
      .slice(first);
  }
}
