import { UserError } from '../errors.ts';
import type { SampleSettings } from '../kernels/sampling/settings.ts';
import { bytesPerSequence, keptTokens } from '../model/cache.ts';
import { DecodingBatch, type Slice } from '../model/decodingBatch.ts';
import type { GPT } from '../model/gpt.ts';
import { type ScoredToken, scoreToken, type TokenLogprob } from './logprobs.ts';
import { TokenStream } from './tokenStream.ts';

export type { TokenLogprob } from './logprobs.ts';

export interface SequenceRequest {
  /** 1 to blockSize token ids. */
  readonly prompt: readonly number[];
  /** Tokens to generate at most (1 or more). */
  readonly tokens: number;
  readonly sampling: SampleSettings;
  /** Added to the logits of these ids (OpenAI's logit_bias; -100 bans). */
  readonly logitBias?: ReadonlyMap<number, number>;
  readonly seed: number;
  /** Which of the n choices of one request, 0 unless told: each has random numbers of its own, as sample b of `dawnlm sample --count`. */
  readonly choice?: number;
  /**
   * Alternatives to be told for each token (0: only the token's own log-probability); undefined: none are computed. Log softmax of
   * the model's own logits, before temperature, bias and penalties.
   */
  readonly logprobs?: number;
}

export interface GeneratedToken {
  readonly id: number;
  readonly logprob?: number;
  readonly top?: readonly TokenLogprob[];
}

/** As many requests wait as may: it is worth trying again later. */
export class QueueFull extends Error {
  override name = 'QueueFull';
}

/** The scheduler takes nothing new: another one may. */
export class Closed extends QueueFull {
  override name = 'Closed';
}

export interface SchedulerOptions {
  /** Sequences that are decoded at once, at most: unless told 32, or as many as have room in MOST_CACHE_BYTES. */
  readonly sequences?: number;
  /** Requests that wait for a place, at most. */
  readonly queue?: number;
}

/** Sequences that are decoded at once, at most, unless it is told otherwise. */
export const MOST_SEQUENCES = 32;
/** What the cache takes at most, unless more sequences are asked for. */
const MOST_CACHE_BYTES = 2 ** 30;

/** Tokens of prompts that are read between two steps of decoding. */
const PROMPT_TOKENS = 128;
/** Lengths of the slices that prompts are read in: each has its recordings. */
const SLICES = [16, 32, 64] as const;
/** Logits that are read back at once when prompts are scored. */
const MOST_LOGITS = 2 ** 20;

/** A sequence, or a prompt to be scored, on its way through the model. */
interface Job {
  /** Where it lies in the cache; undefined while it waits. */
  place?: number;
  /** Its tokens. The first ones are cached; the last one is never read as part of a prompt. */
  context: readonly number[];
  cached: number;
  fail(error: unknown): void;
}

interface Sequence extends Job {
  readonly request: SequenceRequest;
  readonly stream: TokenStream<GeneratedToken>;
  context: number[];
  /** Tokens that were drawn for it by all that was submitted, and those of them that its reader has. */
  drawn: number;
  delivered: number;
  /** (V), as `sample` reads them, where something is penalized or added. */
  readonly seen?: Uint32Array<ArrayBuffer>;
  readonly bias?: Float32Array<ArrayBuffer>;
}

interface Scoring extends Job {
  readonly top: number;
  readonly scores: (ScoredToken | undefined)[];
  resolve(): void;
}

/** A step that was submitted and not yet read. */
interface Flight {
  readonly sequences: readonly Sequence[];
  readonly tokens: () => Promise<Uint32Array>;
  readonly logits: ReadonlyMap<Sequence, () => Promise<Float32Array>>;
}

const isScoring = (job: Job): job is Scoring => 'scores' in job;

/** Tokens of a job that are still to be read as a prompt. */
const unread = ({ context, cached }: Job): number => context.length - 1 - cached;

/**
 * Continuous batching (Yu et al., "Orca", OSDI 2022): all open sequences are decoded together, step by step; between two
 * steps new ones come in, whose prompts are read in slices, and finished ones leave. While the host reads a step's tokens, the GPU
 * has the next one. The text of a request depends on the request alone: see DecodingBatch.
 */
export class Scheduler {
  private readonly batch: DecodingBatch;
  private readonly sequences: number;
  private readonly mostQueued: number;
  private readonly counts = { promptTokens: 0, generatedTokens: 0, steps: 0 };
  /** All that were taken and have no end yet. */
  private readonly open = new Set<Job>();
  /** Those without a place. */
  private waiting: Job[] = [];
  /** Places of the cache that nobody has. */
  private free: number[];
  /** Those with more to be read than the last token; whoever comes first is next. */
  private reading: Job[] = [];
  /** Those that are decoded, by their row in the batch. */
  private rows: Sequence[] = [];
  /** Those with a full context: once its last token is known, half of it is read anew. */
  private readonly full = new Set<Sequence>();
  private working: Promise<void> | undefined;
  private closed = false;

  constructor(
    private readonly model: GPT,
    { sequences = roomFor(model), queue = 256 }: SchedulerOptions = {},
  ) {
    this.batch = new DecodingBatch(model, sequences);
    this.sequences = sequences;
    this.mostQueued = queue;
    this.free = this.places();
  }

  /** For metrics. */
  get stats(): { active: number; queued: number; promptTokens: number; generatedTokens: number; steps: number } {
    return { active: this.sequences - this.free.length, queued: this.waiting.length, ...this.counts };
  }

  /**
   * Waits its turn, then yields tokens as they come. Leaving the loop early frees the place, also while it waits.
   * @throws QueueFull, Closed, or UserError for a prompt that cannot be: at once
   */
  generate(request: SequenceRequest): AsyncGenerator<GeneratedToken, void, void> {
    this.check(request.prompt);
    const stream = new TokenStream<GeneratedToken>(() => this.leave(sequence));
    const sequence: Sequence = {
      ...{ request, stream, context: [...request.prompt], cached: 0, drawn: 0, delivered: 0 },
      ...adjustmentsOf(request, this.model.config.vocabSize),
      fail: (error) => stream.end(error),
    };
    this.enqueue(sequence);
    return stream;
  }

  /**
   * Log-probabilities of a prompt's own tokens, with `top` alternatives each; the first has none. Takes its turn between steps of
   * decoding; queued and bounded as sequences are.
   * @throws QueueFull, Closed, or UserError for a prompt that cannot be
   */
  async score(prompt: readonly number[], top: number): Promise<(ScoredToken | undefined)[]> {
    this.check(prompt);
    const scores: Scoring['scores'] = [undefined];
    if (prompt.length === 1) return scores;
    await new Promise<void>((resolve, reject) => {
      this.enqueue({ context: prompt, cached: 0, top, scores, resolve, fail: reject } satisfies Scoring as Scoring);
    });
    return scores;
  }

  /** Takes nothing new, ends when what is open has ended. */
  async close(): Promise<void> {
    this.closed = true;
    await this.working;
    this.batch.dispose();
  }

  private check(prompt: readonly number[]): void {
    const { blockSize, vocabSize } = this.model.config;
    if (prompt.length < 1) throw new UserError('a prompt is empty; give at least one token');
    if (prompt.length > blockSize) {
      throw new UserError(`the prompt has ${prompt.length} tokens, and the model's context holds ${blockSize}`);
    }
    const wrong = prompt.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
    if (wrong === undefined) return;
    throw new UserError(`${wrong} is no token: ids are whole numbers from 0 to ${vocabSize - 1}`);
  }

  private enqueue(job: Job): void {
    if (this.closed) throw new Closed('the scheduler takes nothing new');
    if (this.waiting.length >= this.mostQueued) throw new QueueFull(`${this.mostQueued} requests are waiting already`);
    this.open.add(job);
    this.waiting.push(job);
    this.working ??= this.work();
  }

  private places = (): number[] => Array.from({ length: this.sequences }, (_, i) => this.sequences - 1 - i);

  private release(job: Job): void {
    if (job.place !== undefined) this.free.push(job.place);
    job.place = undefined;
  }

  /** A reader went away: what was submitted for it comes to nothing. */
  private leave(sequence: Sequence): void {
    this.open.delete(sequence);
    this.waiting = this.waiting.filter((job) => job !== sequence);
    this.reading = this.reading.filter((job) => job !== sequence);
    this.full.delete(sequence);
    const row = this.rows.indexOf(sequence);
    if (row >= 0) this.vacate(row);
    this.release(sequence);
  }

  /** Runs until there is nothing to do. */
  private async work(): Promise<void> {
    await undefined; // those who come together are taken together
    let flight: Flight | undefined;
    while (flight || this.open.size > 0) {
      try {
        flight = await this.turn(flight);
      } catch (error) {
        flight = undefined;
        this.failAll(error);
      }
    }
    this.working = undefined;
  }

  /** Everybody is told what went wrong, and whoever comes next begins anew. */
  private failAll(error: unknown): void {
    for (const job of this.open) job.fail(error);
    this.open.clear();
    this.full.clear();
    [this.waiting, this.reading, this.rows, this.free] = [[], [], [], this.places()];
  }

  /** Submits slices of prompts and a step, then delivers what the step before has drawn. */
  private async turn(before: Flight | undefined): Promise<Flight | undefined> {
    while (this.waiting.length > 0 && this.free.length > 0) {
      const job = this.waiting.shift()!;
      job.place = this.free.pop();
      this.goOn(job);
    }
    const scored = this.readPrompts();
    scored?.catch(() => undefined); // awaited below, unless something else fails first
    const flight = this.step();
    await scored;
    if (before) await this.deliver(before);
    else if (!flight && !scored) await this.model.engine.device.finish(); // prompts alone: let others have their say
    return flight;
  }

  /** Reads more of a prompt, or, where all but the last token is read, draws what comes after, or tells the scores. */
  private goOn(job: Job): void {
    if (unread(job) > 0) this.reading.push(job);
    else if (!isScoring(job)) this.join(job as Sequence);
    else {
      this.release(job);
      this.open.delete(job);
      job.resolve();
    }
  }

  private join(sequence: Sequence): void {
    const { request, context, place, ...rest } = sequence;
    const { sampling: settings, seed, choice = 0 } = request;
    this.batch.open(this.rows.length, { ...rest, place: place!, last: context.at(-1)!, settings, seed, choice });
    this.rows.push(sequence);
  }

  /** Submits the next slices of some prompts. What it returns settles when their scores are told, where these are wanted. */
  private readPrompts(): Promise<void> | undefined {
    const [first] = this.reading;
    if (!first) return undefined;
    const T = this.sliceLength(first);
    const alike = this.reading.filter((job) => isScoring(job) === isScoring(first) && this.sliceLength(job) === T);
    const most = isScoring(first) ? Math.min(PROMPT_TOKENS, this.mostScored) : PROMPT_TOKENS;
    const jobs = alike.slice(0, Math.max(1, Math.floor(most / T)));
    this.reading = this.reading.filter((job) => !jobs.includes(job));
    const slices = jobs.map(({ place, cached: start, context }) => ({
      ...{ place: place!, start, ids: context.slice(start, Math.min(start + T, context.length - 1)) },
    }));
    for (const [b, { ids }] of slices.entries()) {
      jobs[b].cached += ids.length;
      this.counts.promptTokens += ids.length;
    }
    if (isScoring(first)) return this.tellScores(jobs as Scoring[], slices, T);
    this.batch.prefill(slices, T);
    for (const job of jobs) this.goOn(job);
    return undefined;
  }

  /** Positions whose logits are read back at once. */
  private get mostScored(): number {
    return Math.max(SLICES[0], Math.floor(MOST_LOGITS / this.model.config.vocabSize));
  }

  /** How long a job's next slice is, padding included: that depends on the job alone. */
  private sliceLength(job: Job): number {
    const longest = isScoring(job) ? SLICES.findLast((length) => length <= this.mostScored)! : SLICES.at(-1)!;
    const length = SLICES.find((length) => length >= unread(job)) ?? longest;
    return Math.min(length, longest, this.model.config.blockSize);
  }

  private async tellScores(jobs: readonly Scoring[], slices: readonly Slice[], T: number): Promise<void> {
    const { vocabSize: V } = this.model.config;
    const logits = await this.batch.score(slices, T);
    for (const [b, { start, ids }] of slices.entries()) {
      const { scores, context, top } = jobs[b];
      for (let t = 0; t < ids.length; t++) {
        const row = (b * T + t) * V;
        scores.push(scoreToken(logits.subarray(row, row + V), context[start + t + 1], top));
      }
      this.goOn(jobs[b]);
    }
  }

  /** Submits a step of all rows; those that it was the last one for leave them. */
  private step(): Flight | undefined {
    const sequences = [...this.rows];
    if (sequences.length === 0) return undefined;
    const adjusted = sequences.some(({ seen, bias }) => seen || bias);
    this.batch.step(sequences.length, adjusted);
    this.counts.steps++;
    const told = [...sequences.entries()].filter(([, { request }]) => request.logprobs !== undefined);
    const flight: Flight = {
      sequences,
      tokens: this.batch.tokens(sequences.length),
      logits: new Map(told.map(([row, sequence]) => [sequence, this.batch.logitsOf(row)])),
    };
    for (let row = sequences.length - 1; row >= 0; row--) this.advance(sequences[row], row);
    return flight;
  }

  private advance(sequence: Sequence, row: number): void {
    sequence.cached++;
    sequence.drawn++;
    const last = sequence.drawn === sequence.request.tokens;
    const full = sequence.cached === this.model.config.blockSize;
    if (last || full) this.vacate(row);
    if (last) this.release(sequence);
    else if (full) this.full.add(sequence);
  }

  /** The last row takes the place of one that leaves. */
  private vacate(row: number): void {
    const last = this.rows.pop()!;
    if (row === this.rows.length) return;
    this.batch.move(this.rows.length, row);
    this.rows[row] = last;
  }

  private async deliver({ sequences, tokens, logits }: Flight): Promise<void> {
    const ids = await tokens();
    for (const [row, sequence] of sequences.entries()) {
      const scores = await logits.get(sequence)?.();
      if (this.open.has(sequence)) this.push(sequence, ids[row], scores);
    }
  }

  private push(sequence: Sequence, id: number, logits: Float32Array | undefined): void {
    const { request, stream, context, seen } = sequence;
    context.push(id);
    if (seen) seen[id] += 2;
    sequence.delivered++;
    this.counts.generatedTokens++;
    stream.push(logits ? scoreToken(logits, id, request.logprobs!) : { id });
    if (sequence.delivered === request.tokens) {
      this.open.delete(sequence);
      stream.end();
    } else if (sequence.delivered === sequence.drawn && this.full.delete(sequence)) {
      Object.assign(sequence, { context: context.slice(-keptTokens(this.model.config)), cached: 0 });
      this.goOn(sequence);
    }
  }
}

/** Sequences that a cache of MOST_CACHE_BYTES holds. */
const roomFor = ({ config }: GPT): number =>
  Math.max(1, Math.min(MOST_SEQUENCES, Math.floor(MOST_CACHE_BYTES / bytesPerSequence(config))));

/** What `sample` is to penalize and to add, where a request has any of it. */
function adjustmentsOf({ prompt, sampling, logitBias }: SequenceRequest, V: number): Pick<Sequence, 'seen' | 'bias'> {
  const { repetitionPenalty, presencePenalty, frequencyPenalty } = sampling;
  const penalizes = repetitionPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0;
  const seen = penalizes ? new Uint32Array(V) : undefined;
  if (seen) for (const id of prompt) seen[id] = 1;
  const bias = logitBias && logitBias.size > 0 ? new Float32Array(V) : undefined;
  for (const [id, value] of logitBias ?? []) bias![id] = value;
  return { seen, bias };
}
