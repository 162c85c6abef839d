/** Log-likelihoods of words given what is before them, and of whole sentences, by a model with any tokenizer. */
import { UserError } from '../../errors.ts';
import { embedding } from '../../kernels/embedding.ts';
import type { GPT } from '../../model/gpt.ts';
import { lengthClass, RecordedPasses } from '../../model/passes.ts';
import { type Question, Scorer } from '../../model/score.ts';
import type { Tokenizer } from '../../text/tokenizers/tokenizer.ts';
import { openingTokens } from '../../train/samples.ts';
import type { CutSentence } from './templates.ts';

/** log P of a sentence's word given what is before it, and of the sentence as a whole; nats. */
export interface SentenceScore {
  readonly word: number;
  readonly sentence: number;
}

/** Tokens of which those from `start` on are scored. */
interface Scored {
  readonly ids: readonly number[];
  readonly start: number;
}

/** Rows that are read at once. */
const BATCH = 16;

/**
 * Scores sentences. A whole sentence is scored as lm-evaluation-harness scores those of CrowS-Pairs (Nangia et al. 2020) for causal
 * models: the sum of log P over its tokens after the token that begins texts. A word is scored as one that ends there: P(" he") alone
 * would hold "her", "here" and "help", too, so that P(the next token begins no letter) is multiplied to it.
 */
export class SentenceScorer {
  private readonly scorer: Scorer;
  private readonly nextLogits: RecordedPasses<'ids' | 'positions'>;
  private readonly opening: readonly number[];
  private readonly endsWord: readonly boolean[];

  constructor(
    private readonly model: GPT,
    private readonly tokenizer: Tokenizer,
  ) {
    this.scorer = new Scorer(model, BATCH);
    this.opening = openingTokens(tokenizer);
    this.endsWord = Array.from({ length: tokenizer.vocabSize }, (_, id) => !beginsLetter(tokenizer.tokenBytes(id)));
    this.nextLogits = new RecordedPasses(model.engine, ({ ids, positions }) => {
      const flat = model.hidden(ids).reshape([ids.size, model.config.nEmbd]); //   (B T, C)
      return model.logits(embedding({ ids: positions, tokens: flat })); //         (1, B, V)
    });
  }

  /** Whether the tokenizer can write a text at all: one of characters knows those of its own text. */
  knows(text: string): boolean {
    try {
      this.tokenizer.encode(text);
      return true;
    } catch (error) {
      if (error instanceof UserError) return false;
      throw error;
    }
  }

  /** The scores of sentences, in their order. Both sides of a pair may be given together: what they share is read anew for each. */
  async score(
    sentences: readonly CutSentence[],
    { signal, onProgress }: { signal?: AbortSignal; onProgress?: (done: number, of: number) => void } = {},
  ): Promise<SentenceScore[]> {
    const scores: SentenceScore[] = [];
    for (let done = 0; done < sentences.length; done += AT_ONCE) {
      signal?.throwIfAborted();
      scores.push(...(await this.scoreSome(sentences.slice(done, done + AT_ONCE)))); // never many
      onProgress?.(Math.min(sentences.length, done + AT_ONCE), sentences.length);
    }
    return scores;
  }

  /** Frees the memory of the recorded passes. */
  dispose(): void {
    this.scorer.dispose();
    this.nextLogits.dispose();
  }

  private async scoreSome(sentences: readonly CutSentence[]): Promise<SentenceScore[]> {
    const upTo = sentences.map(({ context, word }) => this.upToWord(context, word));
    const whole = sentences.map(({ context, word, rest }) => this.whole(context + word + rest));
    const sums = await this.logLikelihoods([...upTo, ...whole]);
    const ends = await this.wordEnds(upTo.map(({ ids }) => ids));
    const scores = sentences.map((_, i) => ({ word: sums[i] + ends[i], sentence: sums[sentences.length + i] }));
    if (scores.every(({ word, sentence }) => Number.isFinite(word + sentence))) return scores;
    throw new UserError(
      'the model finds a sentence impossible: its weights are no longer numbers; train it anew, with a lower rate',
    );
  }

  private whole(text: string): Scored {
    return { ids: [...this.opening, ...this.tokenizer.encode(text)], start: this.opening.length };
  }

  /** What both have in common from the start is given; the rest, which is the word's, is scored. */
  private upToWord(context: string, word: string): Scored {
    const given = this.whole(context).ids;
    const { ids } = this.whole(context + word);
    let start = 1;
    while (start < given.length && start < ids.length - 1 && given[start] === ids[start]) start++;
    return { ids, start };
  }

  /** What exceeds the context is scored in pieces of half of it, each after as much as fits before it. */
  private async logLikelihoods(all: readonly Scored[]): Promise<number[]> {
    const { blockSize } = this.model.config;
    const pieces = all.flatMap(({ ids, start }, owner) => {
      const size = ids.length <= blockSize + 1 ? ids.length : Math.max(1, Math.floor(blockSize / 2));
      const starts = Array.from({ length: Math.ceil((ids.length - start) / size) }, (_, i) => start + i * size);
      return starts.map((at): { owner: number; question: Question } => {
        const continuation = ids.slice(at, at + size);
        const prompt = ids.slice(Math.max(0, at + continuation.length - 1 - blockSize), at);
        return { owner, question: { prompt, continuations: [continuation] } };
      });
    });
    const scores = await this.scorer.score(pieces.map(({ question }) => question));
    const sums = all.map(() => 0);
    for (const [i, { owner }] of pieces.entries()) sums[owner] += scores[i][0].sum;
    return sums;
  }

  /** log P(no letter follows) after each of the sequences, of which the last context's length is read. */
  private async wordEnds(sequences: readonly (readonly number[])[]): Promise<number[]> {
    const order = sequences.map((_, i) => i).sort((a, b) => sequences[a].length - sequences[b].length);
    const ends = sequences.map(() => 0);
    for (let done = 0; done < order.length; done += BATCH) {
      const rows = order.slice(done, done + BATCH);
      const found = await this.wordEndsOf(rows.map((i) => sequences[i]));
      for (const [b, i] of rows.entries()) ends[i] = found[b];
    }
    return ends;
  }

  private async wordEndsOf(rows: readonly (readonly number[])[]): Promise<number[]> {
    const { blockSize } = this.model.config;
    const read = rows.map((ids) => ids.slice(-blockSize));
    const T = lengthClass(
      read.reduce((most, { length }) => Math.max(most, length), 1),
      blockSize,
    );
    const ids = new Uint32Array(BATCH * T);
    const positions = new Uint32Array(BATCH);
    for (const [b, row] of read.entries()) {
      ids.set(row, b * T);
      positions[b] = b * T + row.length - 1;
    }
    const logits = await this.nextLogits.run({ ids: [ids, [BATCH, T]], positions: [positions, [1, BATCH]] });
    const V = logits.length / BATCH;
    return rows.map((_, b) => logShare(logits.subarray(b * V, (b + 1) * V), this.endsWord));
  }
}

/** Sentences that are scored between two looks at the signal. */
const AT_ONCE = 64;

/** log of the share that the chosen entries have in softmax(logits). */
function logShare(logits: Float32Array, chosen: readonly boolean[]): number {
  const highest = logits.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
  let [inside, all] = [0, 0];
  for (const [id, logit] of logits.entries()) {
    const weight = Math.exp(logit - highest);
    all += weight;
    if (chosen[id]) inside += weight;
  }
  return Math.log(inside / all);
}

const LETTER = /^[\p{L}\p{M}]/u;

/**
 * Whether a token goes on with a letter. Of a character whose bytes are split over tokens, a first byte of a dash, a quotation mark or
 * of another mark of U+2000 to U+2FFF (0xE2) begins none, any other does.
 */
function beginsLetter(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes);
  if (!text.startsWith('\ufffd')) return LETTER.test(text);
  return bytes[0] !== 0xe2;
}
