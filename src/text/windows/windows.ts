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
  /** Where windows begin, in order, in place of every blockSize tokens: see `lineBegins`. */
  readonly begins?: Uint32Array;
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
 * Where windows begin that begin where lines do: at the end of the line before, so that the first token of each line is predicted from
 * that as it will be in sampling. Each window holds as many whole lines as fit; a line that is longer than a window is cut.
 * @param isEnd by token: whether it ends a line
 */
export function lineBegins(tokens: Tokens, isEnd: ArrayLike<boolean>, blockSize: number): Uint32Array {
  const begins = [0];
  let [begin, end] = [0, 0];
  for (let at = 1; at < tokens.length; at++) {
    if (at - begin > blockSize) {
      begin = end > begin ? end : begin + blockSize;
      begins.push(begin);
    }
    if (isEnd[tokens[at]]) end = at;
  }
  return Uint32Array.from(begins);
}

/**
 * Training windows: blockSize + 1 tokens every blockSize tokens, so that every token is a target once. Each epoch sees
 * each of its windows exactly once, in its own order and from its own offset, which moves the windows' edges; windows that begin at given
 * places stay where they are.
 *
 * A batch is a pure function of (seed, step): nothing is stored between steps, and a resumed run continues exactly.
 */
export class Windows {
  /** The same in each epoch; up to 2 * blockSize - 1 tokens at the ends, others each time, are left out. */
  readonly windowsPerEpoch: number;
  readonly #tokens: Tokens;
  readonly #options: WindowOptions;
  readonly #offsets: number;

  /** Throws UserError when `tokens` do not hold one window. */
  constructor(tokens: Tokens, options: WindowOptions) {
    const { blockSize } = options;
    if (tokens.length <= blockSize) {
      throw new UserError(
        `the text has ${tokens.length} tokens, but a window takes ${blockSize + 1}; use a longer text or a smaller block size`,
      );
    }
    this.#tokens = tokens;
    this.#options = options;
    // One window less than fit, so that all blockSize offsets leave the same number; where only one fits, the offsets it has.
    this.windowsPerEpoch = options.begins?.length ?? Math.max(1, Math.floor(tokens.length / blockSize) - 1);
    this.#offsets = Math.min(blockSize, tokens.length - this.windowsPerEpoch * blockSize);
  }

  /** The batch of `step` (from 0), and the epoch (from 0) of its first window; its last may be of the next. */
  batch(step: number): Batch & { readonly epoch: number } {
    const { batchSize, blockSize } = this.#options;
    const batch = emptyBatch(batchSize, blockSize);
    const first = step * batchSize;
    for (let row = 0; row < batchSize; row++) fillRow(batch, row, this.#tokens, this.windowAt(first + row), blockSize);
    return { ...batch, epoch: Math.floor(first / this.windowsPerEpoch) };
  }

  /** Where the window lies that is the `index`-th (from 0) of the whole training. */
  windowAt(index: number): Span {
    const epoch = Math.floor(index / this.windowsPerEpoch);
    const key = mix(this.#options.seed, epoch);
    const place = permute(index - epoch * this.windowsPerEpoch, this.windowsPerEpoch, key);
    const { begins, blockSize } = this.#options;
    if (begins) return spanAt(begins, place, blockSize);
    const start = (mix(key, epoch) % this.#offsets) + place * blockSize;
    return { start, end: start + blockSize };
  }
}

/** The tokens that a window reads, of which each predicts the next: from `start`, before `end`. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** A window up to where the next begins: the beginning of a line that it has no room for would be learned twice, and that of long lines most often. */
const spanAt = (begins: Uint32Array, place: number, blockSize: number): Span => ({
  start: begins[place],
  end: Math.min(begins[place] + blockSize, begins[place + 1] ?? Number.POSITIVE_INFINITY),
});

/**
 * The whole text in order: every token but the first is a target exactly once, and what else there is room for is IGNORE (behind the
 * text's end inputs are 0). Windows begin every blockSize tokens, or at `begins`, of which none is further from the one before.
 */
export function evaluationBatches(
  tokens: Tokens,
  batchSize: number,
  blockSize: number,
  begins?: Uint32Array,
): CountedBatches {
  const windows = begins?.length ?? Math.ceil((tokens.length - 1) / blockSize);
  const spanOf = (window: number): Span =>
    begins ? spanAt(begins, window, blockSize) : { start: window * blockSize, end: (window + 1) * blockSize };
  return {
    total: Math.ceil(windows / batchSize),
    *batches() {
      for (let first = 0; first < windows; first += batchSize) {
        const batch = emptyBatch(batchSize, blockSize);
        const rows = Math.min(batchSize, windows - first);
        let count = 0;
        for (let row = 0; row < rows; row++) count += fillRow(batch, row, tokens, spanOf(first + row), blockSize);
        yield { ...batch, count };
      }
    },
  };
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

/** Copies a window into `row`, as far as the tokens reach, and says how many it predicts. */
function fillRow(batch: Batch, row: number, tokens: Tokens, span: Span, blockSize: number): number {
  const { start } = span;
  const end = Math.min(span.end, tokens.length - 1);
  if (start >= end) return 0;
  batch.inputs.set(tokens.subarray(start, end), row * blockSize);
  batch.targets.set(tokens.subarray(start + 1, end + 1), row * blockSize);
  return end - start;
}
