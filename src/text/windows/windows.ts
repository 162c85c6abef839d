import { UserError } from '../../errors.ts';
import type { Tokens } from './dataset.ts';
import { mix, permute } from './permutation.ts';

/** A target that the loss leaves out. */
export const IGNORE = 0xffffffff;

/** Row-major (B, T); targets[b, t] is the token that follows inputs[b, t]. */
export interface Batch {
  readonly inputs: Uint32Array;
  readonly targets: Uint32Array;
}

/** Batches to be scored, with how many of each one's targets count, to weigh its mean loss. */
export interface CountedBatches {
  /** How many there are. */
  readonly total: number;
  batches(): Iterable<Batch & { readonly count: number }>;
}

export interface WindowOptions {
  /** B: windows a batch. */
  readonly batchSize: number;
  /** T: tokens that a window predicts. */
  readonly blockSize: number;
  /** Its low 32 bits count. */
  readonly seed: number;
  /** Where windows may begin in place of every blockSize tokens: see `lineBegins`. */
  readonly lines?: Uint32Array;
}

/** What rewrites the windows of batches, each piece of one by itself. */
export interface PieceOptions extends Pick<WindowOptions, 'batchSize' | 'blockSize' | 'seed'> {
  /** Into how many pieces, each of them a window of its own, the windows of batch `index` are cut. */
  piecesOf(index: number): number;
}

/**
 * The pieces of batch `index`: where each lies, and the key of the random numbers that it may draw.
 * @param purpose of these numbers, and nothing else's
 */
export function* piecesOfBatch(
  index: number,
  { batchSize, blockSize, seed, piecesOf }: PieceOptions,
  purpose: number,
): Generator<{ readonly start: number; readonly end: number; readonly key: number }> {
  const pieces = batchSize * piecesOf(index);
  const length = (batchSize * blockSize) / pieces;
  for (let piece = 0; piece < pieces; piece++) {
    const key = mix(mix(seed, purpose), index * pieces + piece);
    yield { start: piece * length, end: (piece + 1) * length, key };
  }
}

/**
 * Where lines begin: at the end of the line before, so that the first token of each line is predicted from that as it will be in sampling.
 * A line that is longer than a window begins again where a window ends, or the rest of it would never be learned.
 * @param isEnd by token: whether it ends a line
 */
export function lineBegins(tokens: Tokens, isEnd: ArrayLike<boolean>, blockSize: number): Uint32Array {
  const begins = [0];
  let begin = 0;
  for (let at = 1; at < tokens.length - 1; at++) {
    if (!isEnd[tokens[at]] && at - begin < blockSize) continue;
    begin = at;
    begins.push(begin);
  }
  return Uint32Array.from(begins);
}

/**
 * Training windows: blockSize + 1 tokens every blockSize tokens, so that every token is a target once. Each epoch sees
 * each of its windows exactly once, in its own order and from its own offset, which moves the windows' edges.
 *
 * Windows that begin where lines do begin every few lines, as many as fill one on average: were each filled with as many as fit, those that
 * find no room and therefore come first would be the long ones, and a sample is a first line.
 *
 * A batch is a pure function of (seed, step): nothing is stored between steps, and a resumed run continues exactly.
 */
export class Windows {
  /** The same in each epoch; a few places at the ends, others each time, are left out. */
  readonly windowsPerEpoch: number;
  readonly #tokens: Tokens;
  readonly #options: WindowOptions;
  /** Of the places where windows may begin, tokens or lines, each how many-th is taken, and from which of the first ones on. */
  readonly #stride: number;
  readonly #offsets: number;

  /** Throws UserError when `tokens` do not hold one window. */
  constructor(tokens: Tokens, options: WindowOptions) {
    const { blockSize, lines } = options;
    if (tokens.length <= blockSize) {
      throw new UserError(
        `the text has ${tokens.length} tokens, but a window takes ${blockSize + 1}; use a longer text or a smaller block size`,
      );
    }
    this.#tokens = tokens;
    this.#options = options;
    const places = lines?.length ?? tokens.length;
    this.#stride = lines ? Math.max(1, Math.round((blockSize * places) / tokens.length)) : blockSize;
    // One window less than fit, so that all offsets leave the same number; where only one fits, the offsets it has. Each line may begin one.
    const spare = lines && this.#stride === 1 ? 0 : 1;
    this.windowsPerEpoch = Math.max(1, Math.floor(places / this.#stride) - spare);
    this.#offsets = Math.max(1, Math.min(this.#stride, places - this.windowsPerEpoch * this.#stride));
  }

  /** The batch of `step` (from 0), and the epoch (from 0) of its first window; its last may be of the next. */
  batch(step: number): Batch & { readonly epoch: number } {
    const { batchSize, blockSize } = this.#options;
    const batch = emptyBatch(batchSize, blockSize);
    const first = step * batchSize;
    for (let row = 0; row < batchSize; row++) {
      const start = this.windowStart(first + row);
      fillRow(batch, row, this.#tokens, { start, end: start + blockSize }, blockSize);
    }
    return { ...batch, epoch: Math.floor(first / this.windowsPerEpoch) };
  }

  /** Where the window lies that is the `index`-th (from 0) of the whole training. */
  windowStart(index: number): number {
    const epoch = Math.floor(index / this.windowsPerEpoch);
    const key = mix(this.#options.seed, epoch);
    const place = permute(index - epoch * this.windowsPerEpoch, this.windowsPerEpoch, key);
    const at = (mix(key, epoch) % this.#offsets) + place * this.#stride;
    return this.#options.lines?.[at] ?? at;
  }
}

/** The tokens that a window reads, of which each predicts the next: from `start`, before `end`. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * The whole text in order: every token but the first is a target exactly once, and what else there is room for is IGNORE (behind the
 * text's end inputs are 0). Each window holds blockSize tokens, or as many whole lines as fit; a line that is longer than a window is cut.
 */
export function evaluationBatches(
  tokens: Tokens,
  batchSize: number,
  blockSize: number,
  lines?: Uint32Array,
): CountedBatches {
  const spans = spansOf(tokens.length - 1, blockSize, lines);
  return {
    total: Math.ceil(spans.length / batchSize),
    *batches() {
      for (let first = 0; first < spans.length; first += batchSize) {
        const batch = emptyBatch(batchSize, blockSize);
        const own = spans.slice(first, first + batchSize);
        for (const [row, span] of own.entries()) fillRow(batch, row, tokens, span, blockSize);
        yield { ...batch, count: own[own.length - 1].end - own[0].start };
      }
    },
  };
}

/** Windows one after the other up to `end`. */
function spansOf(end: number, blockSize: number, lines?: Uint32Array): Span[] {
  const spans: Span[] = [];
  for (let [start, line] = [0, 0]; start < end; start = spans[spans.length - 1].end) {
    const most = Math.min(start + blockSize, end);
    while (lines && line < lines.length && lines[line] <= most) line++;
    const whole = lines && most < end ? lines[line - 1] : most;
    spans.push({ start, end: whole > start ? whole : most });
  }
  return spans;
}

/** All of the batches, or where `most` is not 0 that many of them: batch i of `most` is the one at i / most of the text. */
export function* spreadBatches(
  { total, batches }: CountedBatches,
  most = 0,
): Generator<Batch & { readonly count: number }> {
  const wanted = most === 0 ? total : Math.min(most, total);
  let [index, taken] = [0, 0];
  for (const batch of batches()) {
    if (index++ !== Math.floor((taken * total) / wanted)) continue;
    yield batch;
    if (++taken === wanted) return;
  }
}

function emptyBatch(batchSize: number, blockSize: number): Batch {
  const size = batchSize * blockSize;
  return { inputs: new Uint32Array(size), targets: new Uint32Array(size).fill(IGNORE) };
}

/** Copies a window into `row`, as far as the tokens reach. */
function fillRow(batch: Batch, row: number, tokens: Tokens, span: Span, blockSize: number): void {
  const { start } = span;
  const end = Math.min(span.end, tokens.length - 1);
  if (start >= end) return;
  batch.inputs.set(tokens.subarray(start, end), row * blockSize);
  batch.targets.set(tokens.subarray(start + 1, end + 1), row * blockSize);
}
