import { UserError } from '../errors.ts';
import { embedding } from '../kernels/embedding.ts';
import { tokenLosses } from '../kernels/loss/loss.ts';
import type { Engine, Recording } from '../tensor/engine.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { GPT } from './gpt.ts';

/** A prompt and what may follow it; each has at least one token. */
export interface Question {
  readonly prompt: ArrayLike<number>;
  readonly continuations: readonly ArrayLike<number>[];
}

/** How likely a continuation is after its prompt. */
export interface Likelihood {
  /** log P(continuation | prompt): the sum over its tokens, nats. */
  readonly sum: number;
  /** The same a token. */
  readonly mean: number;
}

/** Tokens that one pass reads, and which of its hidden states predict which targets. */
interface Row {
  readonly ids: readonly number[];
  readonly answers: { readonly position: number; readonly target: number; readonly owner: number }[];
}

/** A recorded pass: B rows of T tokens, of which S hidden states are scored. */
interface Pass {
  readonly ids: Tensor; //     (B, T) u32
  readonly places: Tensor; //  (1, S) u32: rows of the hidden states, laid out as (B T, C)
  readonly targets: Tensor; // (1, S) u32
  readonly work: Recording<{ losses: Tensor }>;
}

/** The shortest pass: below it the work does not shrink. */
const SHORTEST = 16;

/**
 * Scores continuations of prompts with a model: log-likelihoods in nats. Prompts of like length share batches of `batch` rows,
 * padded behind, which a causal model does not see; one pass is recorded for each class of lengths. The head works only where
 * an answer is predicted. Continuations of one prompt that differ in their last token alone share a row.
 */
export class Scorer {
  private readonly engine: Engine;
  private readonly passes = new Map<string, Pass>();

  constructor(
    private readonly model: GPT,
    private readonly batch = 16,
  ) {
    this.engine = model.engine;
  }

  /**
   * The likelihoods of each question's continuations, in their order.
   * @param onProgress told how many passes of how many are done
   * @throws UserError for an empty prompt or continuation, and for one that is longer than the context
   */
  async score(
    questions: readonly Question[],
    onProgress?: (done: number, total: number) => void,
  ): Promise<Likelihood[][]> {
    const sizes = questions.flatMap(({ continuations }) => continuations.map(({ length }) => length));
    const sums = new Float64Array(sizes.length);
    let owner = 0;
    const rows = questions.flatMap((question) => {
      const made = this.rowsOf(question, owner);
      owner += question.continuations.length;
      return made;
    });
    rows.sort((a, b) => a.ids.length - b.ids.length); // rows of like length are padded least
    const total = Math.ceil(rows.length / this.batch);
    for (let done = 0; done < total; done++) {
      await this.scoreRows(rows.slice(done * this.batch, (done + 1) * this.batch), sums);
      onProgress?.(done + 1, total);
    }
    let next = 0;
    return questions.map(({ continuations }) =>
      continuations.map(({ length }) => ({ sum: sums[next], mean: sums[next++] / length })),
    );
  }

  /** Frees the memory of the recorded passes. */
  dispose(): void {
    for (const { work } of this.passes.values()) work.dispose();
    this.passes.clear();
  }

  /** One row for each different input; a continuation whose inputs begin those of another is scored on the other's row. */
  private rowsOf({ prompt, continuations }: Question, owner: number): Row[] {
    const rows: Row[] = [];
    const order = continuations.map((_, i) => i).sort((a, b) => continuations[b].length - continuations[a].length);
    for (const i of order) {
      const continuation = Array.from(continuations[i]);
      const ids = [...Array.from(prompt), ...continuation.slice(0, -1)];
      this.check(prompt.length, continuation.length);
      let row = rows.find((other) => ids.every((id, at) => other.ids[at] === id));
      if (!row) {
        row = { ids, answers: [] };
        rows.push(row);
      }
      for (const [at, target] of continuation.entries())
        row.answers.push({ position: prompt.length - 1 + at, target, owner: owner + i });
    }
    return rows;
  }

  private check(prompt: number, continuation: number): void {
    const { blockSize } = this.model.config;
    if (prompt < 1 || continuation < 1) {
      throw new UserError(`a ${prompt < 1 ? 'prompt' : 'continuation'} is empty; give at least one token`);
    }
    if (prompt + continuation - 1 > blockSize) {
      throw new UserError(
        `a prompt of ${prompt} tokens with a continuation of ${continuation} does not fit into the model's context of ${blockSize}; shorten it`,
      );
    }
  }

  /** Adds the log-likelihoods of the rows' answers to `sums`, each at its owner. */
  private async scoreRows(rows: readonly Row[], sums: Float64Array): Promise<void> {
    const answers = rows.flatMap((row, b) => row.answers.map((answer) => ({ ...answer, b })));
    const T = lengthClass(rows.at(-1)!.ids.length, this.model.config.blockSize);
    const S = lengthClass(answers.length, Number.POSITIVE_INFINITY);
    const { ids, places, targets, work } = this.pass(T, S);
    const inputs = new Uint32Array(this.batch * T);
    rows.forEach((row, b) => {
      inputs.set(row.ids, b * T);
    });
    ids.write(inputs);
    places.write(
      Uint32Array.from({ length: S }, (_, s) => (s < answers.length ? answers[s].b * T + answers[s].position : 0)),
    );
    targets.write(Uint32Array.from({ length: S }, (_, s) => answers[s]?.target ?? 0));
    work.run();
    const losses = await work.outputs.losses.floats();
    answers.forEach((answer, s) => {
      sums[answer.owner] -= losses[s];
    });
  }

  private pass(T: number, S: number): Pass {
    const name = `${T} ${S}`;
    const known = this.passes.get(name);
    if (known) return known;
    const { engine, model, batch } = this;
    const ids = engine.zeros([batch, T], 'u32');
    const places = engine.zeros([1, S], 'u32');
    const targets = engine.zeros([1, S], 'u32');
    const forward = () => {
      const hidden = model.hidden(ids); //                                                  (B, T, C)
      const flat = hidden.reshape([batch * T, model.config.nEmbd]); //                      (B T, C)
      const rows = embedding({ ids: places, tokens: flat }); //                        (1, S, C): rows by number
      return { losses: tokenLosses({ logits: model.logits(rows), targets }) }; //                       (1, S)
    };
    const work = engine.withoutGradients(() => engine.record(forward));
    const pass = { ids, places, targets, work };
    this.passes.set(name, pass);
    return pass;
  }
}

/** The length that a pass is recorded for: powers of two and one and a half times these, so that few are needed. */
function lengthClass(length: number, most: number): number {
  let size = SHORTEST;
  while (size < length) size = size & (size - 1) ? (size / 3) * 4 : (size / 2) * 3;
  return Math.min(size, most);
}
