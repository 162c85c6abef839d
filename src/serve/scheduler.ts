import { UserError } from '../errors.ts';
import type { SampleSettings } from '../kernels/sampling/settings.ts';
import { Generator } from '../model/generate.ts';
import type { GPT } from '../model/gpt.ts';

/** What is to be written. */
export interface SequenceRequest {
  /** 1 to blockSize token ids. */
  readonly prompt: readonly number[];
  /** Tokens to generate at most (1 or more). */
  readonly tokens: number;
  readonly sampling: SampleSettings;
  /** Added to the logits of these ids. */
  readonly logitBias?: ReadonlyMap<number, number>;
  readonly seed: number;
  /** Which of the n choices of one request. */
  readonly choice?: number;
  /** Alternatives to be told for each token. */
  readonly logprobs?: number;
}

export interface TokenLogprob {
  readonly id: number;
  readonly logprob: number;
}

export interface GeneratedToken {
  readonly id: number;
  readonly logprob?: number;
  readonly top?: readonly TokenLogprob[];
}

/** The queue is full. */
export class QueueFull extends Error {}

/** Writes one sequence after the other. */
export class Scheduler {
  readonly stats = { active: 0, queued: 0, promptTokens: 0, generatedTokens: 0, steps: 0 };
  private readonly generator: Generator;
  private turn: Promise<void> = Promise.resolve();
  private readonly queue: number;

  constructor(
    private readonly model: GPT,
    { queue = 256 }: { sequences?: number; queue?: number } = {},
  ) {
    this.generator = new Generator(model);
    this.queue = queue;
  }

  generate(request: SequenceRequest): AsyncGenerator<GeneratedToken, void, void> {
    const { blockSize } = this.model.config;
    if (request.prompt.length < 1 || request.prompt.length > blockSize) throw new UserError('the prompt does not fit');
    const { before, done } = this.wait();
    return this.write(request, before, done);
  }

  async score(prompt: readonly number[], top: number): Promise<((GeneratedToken & { logprob: number }) | undefined)[]> {
    const { before, done } = this.wait();
    try {
      await before;
      const { engine, config } = this.model;
      const ids = engine.tensor(Uint32Array.from(prompt), [1, prompt.length]);
      const logits = await engine.withoutGradients(() => this.model.logits(this.model.hidden(ids))).floats();
      const row = (t: number) => logits.subarray(t * config.vocabSize, (t + 1) * config.vocabSize);
      return prompt.map((id, t) => (t === 0 ? undefined : tokenOf(id, row(t - 1), top)));
    } finally {
      done();
    }
  }

  async close(): Promise<void> {
    await this.turn;
  }

  private wait() {
    if (this.stats.queued >= this.queue) throw new QueueFull('the queue is full');
    this.stats.queued++;
    const before = this.turn.then(() => {
      this.stats.queued--;
      this.stats.active++;
    });
    let end = (): void => undefined;
    this.turn = new Promise((done) => {
      end = done;
    });
    let ended = false;
    const done = (): void => {
      if (ended) return;
      ended = true;
      before.then(() => {
        this.stats.active--;
        end();
      });
    };
    return { before, done };
  }

  private write(
    { prompt, tokens, sampling, seed, choice = 0, logprobs }: SequenceRequest,
    before: Promise<void>,
    done: () => void,
  ): AsyncGenerator<GeneratedToken, void, void> {
    const { generator, stats } = this;
    let gone = false;
    async function* run(): AsyncGenerator<GeneratedToken, void, void> {
      try {
        await before;
        if (gone) return;
        stats.promptTokens += prompt.length;
        const options = { ...sampling, seed: (seed + choice * 7919) >>> 0, tokens };
        for await (const step of generator.generate([prompt], options, logprobs !== undefined)) {
          if (gone) return;
          stats.generatedTokens++;
          stats.steps++;
          yield logprobs === undefined ? { id: step.tokens[0] } : tokenOf(step.tokens[0], step.logits!, logprobs);
        }
      } finally {
        done();
      }
    }
    const running = run();
    return Object.assign(running, {
      return: async () => {
        gone = true;
        done();
        return { done: true as const, value: undefined };
      },
    });
  }
}

function tokenOf(id: number, logits: Float32Array, top: number): GeneratedToken & { logprob: number } {
  const most = logits.reduce((a, b) => Math.max(a, b));
  const norm = most + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
  const ids = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);
  const likely = ids.slice(0, top).map((one) => ({ id: one, logprob: logits[one] - norm }));
  return { id, logprob: logits[id] - norm, top: likely };
}
