import { UserError } from '../errors.ts';
import { embedding } from '../kernels/embedding.ts';
import { tokenLosses } from '../kernels/loss/loss.ts';
import type { GPT } from './gpt.ts';
import { lengthClass, RecordedPasses } from './passes.ts';

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

/** A row of a batch: the tokens that are read, and which of its hidden states predict which targets. */
interface Row {
  readonly ids: readonly number[];
  /** `continuation`: its number among those of all questions. */
  readonly targets: { readonly position: number; readonly target: number; readonly continuation: number }[];
}

/**
 * Scores continuations of prompts with a model: log-likelihoods in nats. Prompts of like length share batches of `batch` rows,
 * padded behind, which a causal model does not see; one pass is recorded for each class of lengths. The head works only where
 * a target is predicted. Continuations of one prompt that differ in their last token alone share a row.
 */
export class Scorer {
  private readonly passes: RecordedPasses<'ids' | 'positions' | 'targets'>;

  constructor(
    private readonly model: GPT,
    private readonly batch = 16,
  ) {
    this.passes = new RecordedPasses(model.engine, ({ ids, positions, targets }) => {
      const hidden = model.hidden(ids); //                                                  (B, T, C)
      const flat = hidden.reshape([ids.size, model.config.nEmbd]); //                       (B T, C)
      const rows = embedding({ ids: positions, tokens: flat }); //                          (1, S, C): rows by number
      return tokenLosses({ logits: model.logits(rows), targets }); //                        (1, S)
    });
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
    let count = 0;
    const rows = questions.flatMap((question) => {
      const made = this.rowsOf(question, count);
      count += question.continuations.length;
      return made;
    });
    const sums = new Float64Array(count);
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
    this.passes.dispose();
  }

  /** One row for each different input; a continuation whose inputs begin those of another is scored on the other's row. */
  private rowsOf({ prompt, continuations }: Question, first: number): Row[] {
    const rows: Row[] = [];
    const order = continuations.map((_, i) => i).sort((a, b) => continuations[b].length - continuations[a].length);
    for (const i of order) {
      const all = Array.from(continuations[i]);
      this.check(prompt.length, all.length);
      const ids = [...Array.from(prompt), ...all.slice(0, -1)];
      const targets = all.map((target, at) => ({ position: prompt.length - 1 + at, target, continuation: first + i }));
      const longer = rows.find((other) => ids.every((id, at) => other.ids[at] === id));
      if (longer) for (const target of targets) longer.targets.push(target);
      else rows.push({ ids, targets });
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

  /** Adds the log-likelihoods of the rows' targets to `sums`, each to that of its continuation. */
  private async scoreRows(rows: readonly Row[], sums: Float64Array): Promise<void> {
    const T = lengthClass(rows.at(-1)!.ids.length, this.model.config.blockSize);
    const scored = rows.flatMap((row, b) => row.targets.map((one) => ({ ...one, position: b * T + one.position })));
    const S = lengthClass(scored.length);
    const ids = new Uint32Array(this.batch * T);
    for (const [b, row] of rows.entries()) ids.set(row.ids, b * T);
    const padded = (of: (one: (typeof scored)[number]) => number) =>
      Uint32Array.from({ length: S }, (_, s) => (s < scored.length ? of(scored[s]) : 0));
    const losses = await this.passes.run({
      ids: [ids, [this.batch, T]],
      positions: [padded(({ position }) => position), [1, S]],
      targets: [padded(({ target }) => target), [1, S]],
    });
    for (const [s, { continuation }] of scored.entries()) sums[continuation] -= losses[s];
  }
}
