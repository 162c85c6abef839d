import { UserError } from '../errors.ts';
import { selectRows } from '../kernels/pooling.ts';
import { advance } from '../kernels/sampling/advance.ts';
import { sample } from '../kernels/sampling/sampling.ts';
import { SAMPLE_SETTINGS, type SampleSettings } from '../kernels/sampling/settings.ts';
import type { Recording } from '../tensor/engine.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { KeyValueCache, keptTokens } from './cache.ts';
import { stepLogits, stepsPay } from './decodeStep.ts';
import type { GPT } from './gpt.ts';
import { drawAllowed, type Guard } from './guard.ts';
import type { Adapters } from './layers.ts';
import { lengthClass, RecordedPasses } from './passes.ts';

export interface GenerateOptions extends SampleSettings {
  /** Tokens to generate for each prompt. */
  tokens: number;
  seed: number;
}

/** One step: a token for each sequence, and the logits that it was drawn from. */
export interface GeneratedStep {
  /** (B) */
  tokens: Uint32Array;
  /** Only when asked for: (B, V), row-major. */
  logits?: Float32Array;
}

/** Steps that run on the GPU before the host looks at them. */
const READ_EVERY = 16;

/**
 * Samples from a model for `batch` prompts at once. The prompt is one pass that fills the key-value cache; each token after
 * it is one step: model, sampling and feeding back all happen on the GPU, and tokens are read back some steps at a time. Both
 * are recorded and replayed, the pass for each class of lengths. When the context is full, the last half of it becomes the
 * new prompt.
 */
export class Generator {
  private readonly cache: KeyValueCache;
  private readonly ids: Tensor; //      (B, 1) u32
  private readonly settings: Tensor; // (B, SAMPLE_SETTINGS)
  private readonly state: Tensor; //    (B, 3) u32 [seed, choice, counter]
  private readonly seen: Tensor; //     (B, V) u32
  private readonly history: Tensor; //  (B, READ_EVERY) u32
  private step: Recording<{ logits: Tensor }>;
  private readonly passes: RecordedPasses<'ids' | 'last'>;
  /** What the model had when they were recorded. */
  private adapters: Adapters | undefined;

  constructor(
    private readonly model: GPT,
    private readonly batch = 1,
  ) {
    const { engine, config } = model;
    this.cache = new KeyValueCache(engine, config, batch);
    this.ids = engine.zeros([batch, 1], 'u32');
    this.settings = engine.zeros([batch, SAMPLE_SETTINGS.size]);
    this.state = engine.zeros([batch, 3], 'u32');
    this.seen = engine.zeros([batch, config.vocabSize], 'u32');
    this.history = engine.zeros([batch, READ_EVERY], 'u32');
    this.step = this.record();
    this.passes = new RecordedPasses(engine, ({ ids, last }) => this.pass(ids, last));
  }

  /** The step of the model as it is now. */
  private record(): Recording<{ logits: Tensor }> {
    const { engine, parameters, adapters } = this.model;
    this.adapters = adapters;
    return engine.withoutGradients(() => engine.record(() => this.decode(this.ids), [parameters.values]));
  }

  /** Makes what is recorded that of the model as it is now, whose adapters and weights may have changed since the last time. */
  private renew(): void {
    if (this.adapters !== this.model.adapters) {
      this.step.dispose();
      this.passes.dispose();
      this.step = this.record();
    }
    this.step.prepare();
  }

  /**
   * Generates step by step. Prompts may differ in length; each has at least one token and at most blockSize.
   * With `withLogits`, every step also gives the scores that it was drawn from (and is read back by itself). With a guard, so is every step,
   * and a token that is not allowed is drawn anew.
   * @throws UserError when the number or the length of prompts is wrong.
   */
  async *generate(
    prompts: readonly ArrayLike<number>[],
    options: GenerateOptions,
    withLogits = false,
    guard?: Guard,
  ): AsyncGenerator<GeneratedStep> {
    this.check(prompts);
    const settings = SAMPLE_SETTINGS.floats(options);
    this.settings.write(Float32Array.from(prompts.flatMap(() => [...settings])));
    this.state.write(Uint32Array.from(prompts.flatMap((_, choice) => [options.seed, choice, 0])));
    const seen = this.flags(prompts);
    this.seen.write(seen);
    this.renew();
    let sequences = prompts.map((prompt) => Array.from(prompt));
    let made = 0;
    while (made < options.tokens) {
      const longest = Math.max(...sequences.map((sequence) => sequence.length));
      const logits = longest === 1 ? this.begin(sequences) : this.prefill(sequences);
      let steps = longest === 1 ? 0 : 1; // the prefill has sampled one
      const room = this.model.config.blockSize - longest;
      let left = Math.min(options.tokens - made, room + 1);
      let source = logits;
      while (left > 0) {
        const wanted = Math.min(left, withLogits || guard ? 1 : READ_EVERY - (made % READ_EVERY));
        if (steps < wanted) this.step.run(wanted - steps);
        for (const step of await this.read(made, wanted, withLogits ? source : undefined)) {
          if (guard)
            await this.keepTo(guard, step.tokens, source, { seen, settings, seed: options.seed, counter: made });
          sequences.forEach((sequence, b) => {
            sequence.push(step.tokens[b]);
          });
          yield step;
        }
        made += wanted;
        left -= wanted;
        steps = 0;
        source = this.step.outputs.logits;
      }
      sequences = sequences.map((sequence) => sequence.slice(-keptTokens(this.model.config)));
    }
  }

  /** Puts allowed tokens in the place of those that a step has drawn and may not: in `tokens`, and where the next step reads them. */
  private async keepTo(
    guard: Guard,
    tokens: Uint32Array,
    source: Tensor,
    drawn: { seen: Uint32Array; settings: Float32Array; seed: number; counter: number },
  ): Promise<void> {
    const { vocabSize: V } = this.model.config;
    const refused = [...tokens.keys()].filter((b) => !guard.allows(b, tokens[b]));
    const logits = refused.length > 0 ? await source.floats() : undefined;
    for (const b of tokens.keys()) {
      const seen = drawn.seen.subarray(b * V, (b + 1) * V);
      if (refused.includes(b)) {
        const row = { ...drawn, logits: logits!.subarray(b * V, (b + 1) * V), seen, choice: b };
        const other = drawAllowed(row, (one) => guard.allows(b, one));
        if (other === undefined) guard.end(b);
        else this.replace(b, tokens, other, seen);
      }
      seen[tokens[b]] += 2;
      guard.push(b, tokens[b]);
    }
  }

  /** `seen` is as it was before the draw. */
  private replace(b: number, tokens: Uint32Array, other: number, seen: Uint32Array): void {
    const { vocabSize: V } = this.model.config;
    const mark = (id: number, count: number): unknown => this.seen.part(b * V + id, [1]).write(Uint32Array.of(count));
    mark(tokens[b], seen[tokens[b]]);
    mark(other, seen[other] + 2);
    this.ids.part(b, [1]).write(Uint32Array.of(other));
    tokens[b] = other;
  }

  /** Prompts of one token need no pass of their own: the first step takes them. Returns where it leaves its logits. */
  private begin(sequences: readonly (readonly number[])[]): Tensor {
    this.ids.write(Uint32Array.from(sequences.flat()));
    this.cache.start.write(new Uint32Array(this.batch));
    return this.step.outputs.logits;
  }

  /**
   * Runs the prompts through the model and samples their first tokens; returns the logits (B, V). They are padded behind: a
   * causal model does not see it, and later tokens take its place in the cache.
   */
  private prefill(sequences: readonly (readonly number[])[]): Tensor {
    const { batch } = this;
    const T = lengthClass(Math.max(...sequences.map(({ length }) => length)), this.model.config.blockSize);
    const padded = new Uint32Array(batch * T);
    sequences.forEach((sequence, b) => {
      padded.set(sequence, b * T);
    });
    const last = Uint32Array.from(sequences, ({ length }) => length - 1);
    return this.passes.submit({ ids: [padded, [batch, T]], last: [last, [batch]] });
  }

  /** The pass over prompts whose last tokens stand at `last`: (B, T), (B) u32 -> logits (B, V). */
  private pass(ids: Tensor, last: Tensor): Tensor {
    const { model, cache } = this;
    const { device } = model.engine;
    device.clear(cache.start.view);
    const hidden = model.hidden(ids, { cache }); //                                                   (B, T, C)
    const logits = model.logits(selectRows({ x: hidden, index: last })); //                           (B, V)
    device.copy(last.view, cache.start.view); // the next pass starts behind each prompt: `advance` adds one
    this.draw(logits);
    return logits;
  }

  /** One step of decoding: (B, 1) u32 -> logits (B, V); the sampled tokens become the next input. */
  private decode(ids: Tensor): { logits: Tensor } {
    const { model, cache, batch } = this;
    const { config } = model;
    const logits =
      !model.adapters && stepsPay(config, batch, ids.engine.capabilities)
        ? stepLogits(model, ids, cache) //                                                            (B, V)
        : model.logits(model.hidden(ids, { cache })).reshape([batch, config.vocabSize]); //           (B, V)
    this.draw(logits);
    return { logits };
  }

  private draw(logits: Tensor): void {
    const next = sample({ logits, settings: this.settings, state: this.state, seen: this.seen }); // (B) u32
    advance({ next, ids: this.ids, start: this.cache.start, state: this.state, history: this.history });
  }

  /** Reads `count` steps from the ring, beginning with step `first`. */
  private async read(first: number, count: number, logits: Tensor | undefined): Promise<GeneratedStep[]> {
    const scores = logits && (await logits.floats());
    const rings = await this.history.uints();
    return Array.from({ length: count }, (_, i) => {
      const column = (first + i) % READ_EVERY;
      const tokens = Uint32Array.from({ length: this.batch }, (_, b) => rings[b * READ_EVERY + column]);
      return { tokens, ...(scores && { logits: scores }) };
    });
  }

  private flags(prompts: readonly ArrayLike<number>[]): Uint32Array<ArrayBuffer> {
    const { vocabSize } = this.model.config;
    const flags = new Uint32Array(this.batch * vocabSize);
    prompts.forEach((prompt, b) => {
      for (const id of Array.from(prompt)) flags[b * vocabSize + id] = 1;
    });
    return flags;
  }

  private check(prompts: readonly ArrayLike<number>[]): void {
    const { blockSize } = this.model.config;
    if (prompts.length !== this.batch) throw new UserError(`expected ${this.batch} prompts, got ${prompts.length}`);
    for (const { length } of prompts) {
      if (length < 1) throw new UserError('a prompt is empty; give at least one token');
      if (length > blockSize) {
        throw new UserError(
          `the prompt has ${length} tokens, and the model's context holds ${blockSize}; shorten it to its last ${blockSize} tokens or fewer`,
        );
      }
    }
  }
}
