import type { Constants } from '../gpu/device.ts';
import { advance } from '../kernels/sampling/advance.ts';
import { sample } from '../kernels/sampling/sampling.ts';
import { SAMPLE_SETTINGS, type SampleSettings } from '../kernels/sampling/settings.ts';
import type { Recording } from '../tensor/engine.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { KeyValueCache, type PassCache } from './cache.ts';
import type { GPT } from './gpt.ts';
import { RecordedPasses } from './passes.ts';

/** Some tokens of a sequence that follow on `start` tokens which its place in the cache holds. */
export interface Slice {
  readonly place: number;
  readonly start: number;
  readonly ids: readonly number[];
}

/** A sequence that takes part in the steps from now on. */
export interface Decoded {
  readonly place: number;
  /** Tokens that its place holds; `last` comes after them. */
  readonly cached: number;
  readonly last: number;
  readonly settings: SampleSettings;
  readonly seed: number;
  readonly choice: number;
  /** Tokens that were drawn for it before: the counter of its random numbers. */
  readonly drawn: number;
  /** (V), as `sample` reads them; absent where nothing is penalized, or added. */
  readonly seen?: Uint32Array<ArrayBuffer>;
  readonly bias?: Float32Array<ArrayBuffer>;
}

/** What `prefill` and `score` get to read. */
type PassName = 'ids' | 'start' | 'places';

/**
 * Fewer rows are never decoded. A product of one row is computed from buffers, which sums up the bias last, where images begin
 * with it; two rows or more give a row the same bits, whatever their number.
 */
const FEWEST_ROWS = 2;

/**
 * Sequences that are decoded together, and come and go. Each has a place in the cache for as long as it is open; the sequences of a
 * step are the first rows of the tensors of state. A row's numbers depend on its sequence alone, and neither on its place nor on
 * the other rows: all steps and passes are made of forms that sum up in the same order at every size.
 *
 * Nothing here waits: what is submitted runs in order.
 */
export class DecodingBatch {
  /** Rows at most, and places. */
  readonly size: number;
  private readonly cache: KeyValueCache;
  private readonly rows: Record<'ids' | 'start' | 'places' | 'state' | 'settings' | 'seen' | 'bias', Tensor>;
  /** A row of each: WebGPU copies nothing within a buffer. */
  private readonly between: Tensor[];
  /** The images of the weights, which all recordings share. */
  private readonly weights: Constants;
  private readonly steps = new Map<string, Recording<{ logits: Tensor }>>();
  private readonly prompts: RecordedPasses<PassName>;
  private readonly scores: RecordedPasses<PassName>;
  /** The logits of the last step: (rows, V). */
  private logits: Tensor | undefined;

  constructor(
    private readonly model: GPT,
    sequences: number,
  ) {
    const { engine, config } = model;
    this.size = Math.max(sequences, FEWEST_ROWS);
    this.cache = new KeyValueCache(engine, config, this.size + 1); // the last place is that of rows that only fill up
    const zeros = (columns: number, dtype?: 'u32') => engine.zeros([this.size, columns], dtype);
    this.rows = {
      ids: zeros(1, 'u32'),
      start: zeros(1, 'u32').reshape([this.size]),
      places: zeros(1, 'u32').reshape([this.size]),
      state: zeros(3, 'u32'), // [seed, choice, counter]
      settings: zeros(SAMPLE_SETTINGS.size),
      seen: zeros(config.vocabSize, 'u32'),
      bias: zeros(config.vocabSize),
    };
    this.between = Object.values(this.rows).map(({ size, dtype }) =>
      engine.zeros([size / this.size], dtype === 'u32' ? 'u32' : 'f32'),
    );
    const { keys, values } = this.cache;
    const hidden = ({ ids, start, places }: Record<PassName, Tensor>): Tensor =>
      model.hidden(ids, { cache: { keys, values, start, places } });
    this.weights = engine.constants([model.parameters.values]);
    this.prompts = new RecordedPasses(engine, hidden, this.weights);
    this.scores = new RecordedPasses(engine, (inputs) => model.logits(hidden(inputs)), this.weights);
  }

  /** Puts a sequence into a row. */
  open(row: number, { place, cached, last, settings, seed, choice, drawn, seen, bias }: Decoded): void {
    const { rows } = this;
    this.rowOf(rows.ids, row).write(Uint32Array.of(last));
    this.rowOf(rows.start, row).write(Uint32Array.of(cached));
    this.rowOf(rows.places, row).write(Uint32Array.of(place));
    this.rowOf(rows.state, row).write(Uint32Array.of(seed, choice, drawn));
    this.rowOf(rows.settings, row).write(SAMPLE_SETTINGS.floats(settings));
    if (seen) this.rowOf(rows.seen, row).write(seen); // else its penalties are none, whatever stands there
    if (bias) this.rowOf(rows.bias, row).write(bias);
    else this.model.engine.device.clear(this.rowOf(rows.bias, row).view);
  }

  /** Moves what is in row `from` to row `to`. */
  move(from: number, to: number): void {
    const { device } = this.model.engine;
    for (const [i, tensor] of Object.values(this.rows).entries()) {
      const { view } = this.between[i];
      device.copy(this.rowOf(tensor, from).view, view);
      device.copy(view, this.rowOf(tensor, to).view);
    }
  }

  /**
   * One step of the first `count` rows: a token is drawn for each, and becomes its next input. `adjusted`: whether some row has
   * `seen` or `bias`, which else no one reads.
   */
  step(count: number, adjusted: boolean): void {
    let size = FEWEST_ROWS;
    while (size < count) size *= 2;
    size = Math.min(size, this.size);
    this.fillUp(count, size);
    const key = `${size} ${adjusted}`;
    const step = this.steps.get(key) ?? this.record(size, adjusted);
    this.steps.set(key, step);
    step.run();
    this.logits = step.outputs.logits;
  }

  /** The tokens that the last step has drawn, by row: to be read when more has been submitted. */
  tokens(count: number): () => Promise<Uint32Array> {
    const read = this.model.engine.device.readLater(this.rows.ids.part(0, [count]).view);
    return async () => new Uint32Array(await read());
  }

  /** What the last step has drawn a row's token from: (V). Likewise. */
  logitsOf(row: number): () => Promise<Float32Array> {
    const { vocabSize } = this.model.config;
    const read = this.model.engine.device.readLater(this.logits!.part(row * vocabSize, [vocabSize]).view);
    return async () => new Float32Array(await read());
  }

  /** Puts tokens into the cache: slices of at most T tokens of different sequences. */
  prefill(slices: readonly Slice[], T: number): void {
    this.prompts.submit(this.inputsOf(slices, T));
  }

  /** The same, and the logits at each token: (B, T, V), of which slice b has the first rows of entry b. */
  score(slices: readonly Slice[], T: number): Promise<Float32Array<ArrayBuffer>> {
    return this.scores.run(this.inputsOf(slices, T));
  }

  /** Hands back the memory of what is recorded. */
  dispose(): void {
    for (const step of this.steps.values()) step.dispose();
    this.steps.clear();
    this.prompts.dispose();
    this.scores.dispose();
  }

  private rowOf(tensor: Tensor, row: number): Tensor {
    const [, ...shape] = tensor.shape;
    const size = shape.reduce((product, axis) => product * axis, 1);
    return tensor.part(row * size, shape.length > 0 ? shape : [1]);
  }

  /** Rows from `count` on work for nobody: they begin anew in a place that is nobody's. */
  private fillUp(count: number, size: number): void {
    if (count === size) return;
    const idle = size - count;
    this.rows.start.part(count, [idle]).write(new Uint32Array(idle));
    this.rows.places.part(count, [idle]).write(new Uint32Array(idle).fill(this.size));
  }

  private record(size: number, adjusted: boolean): Recording<{ logits: Tensor }> {
    const { engine } = this.model;
    const step = engine.withoutGradients(() =>
      engine.record(() => ({ logits: this.decode(size, adjusted) }), this.weights),
    );
    step.prepare();
    return step;
  }

  /** -> (size, V) */
  private decode(size: number, adjusted: boolean): Tensor {
    const { model } = this;
    const first = (tensor: Tensor): Tensor => tensor.part(0, [size, ...tensor.shape.slice(1)]);
    const [ids, start, places] = [this.rows.ids, this.rows.start, this.rows.places].map(first);
    const [state, settings, seen, bias] = [this.rows.state, this.rows.settings, this.rows.seen, this.rows.bias].map(
      first,
    );
    const cache: PassCache = { ...this.cache, start, places };
    const logits = model.logits(model.hidden(ids, { cache })).reshape([size, model.config.vocabSize]);
    const next = sample({ logits, settings, state, ...(adjusted && { seen, bias }) });
    advance({ next, ids, start, state });
    return logits;
  }

  private inputsOf(slices: readonly Slice[], T: number) {
    let B = 1;
    while (B < slices.length) B *= 2;
    const ids = new Uint32Array(B * T);
    for (const [b, slice] of slices.entries()) ids.set(slice.ids, b * T);
    const each = (of: (slice: Slice) => number, otherwise: number) =>
      Uint32Array.from({ length: B }, (_, b) => (b < slices.length ? of(slices[b]) : otherwise));
    return {
      ids: [ids, [B, T]],
      start: [each(({ start }) => start, 0), [B]],
      places: [each(({ place }) => place, this.size), [B]],
    } as const;
  }
}
