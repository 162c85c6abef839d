/** A tuned model at work: tags for the words of sentences. */
import type { GPT } from '../../model/gpt.ts';
import type { Head } from '../../model/heads.ts';
import type { Recording } from '../../tensor/engine.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { TaggedSentence } from '../../text/labels/conll.ts';
import { batchesByLength } from '../../text/labels/labelledBatches.ts';
import { TagDecoder } from '../../text/labels/tagDecoder.ts';
import { padStretches, type Stretch, stretchesOf } from '../../text/labels/taggedBatches.ts';
import type { Tokenizer } from '../../text/tokenizers/tokenizer.ts';
import { type SpanReport, spanReport } from '../metrics/spans.ts';

export interface TaggerParts {
  readonly model: GPT;
  /** (B, T, C) -> (B, T, K) */
  readonly head: Head;
  readonly tokenizer: Tokenizer;
  /** The K classes of the head, in order: tags in BIO. */
  readonly tags: readonly string[];
  /** Whether each piece sees those behind it too. */
  readonly bidirectional: boolean;
}

/** How well sentences were tagged. */
export interface TagEvaluation {
  readonly report: SpanReport;
  /** Mean cross-entropy of the tags that the model knows, nats a word. */
  readonly loss: number;
}

/** The inputs and the recorded pass of batches of one length. */
interface Pass {
  readonly ids: Tensor; //     (B, T) u32
  readonly lengths: Tensor; // (B) u32
  readonly work: Recording<{ logits: Tensor }>; // (B, T, K)
}

/** Tags sentences of any length: those that exceed the context are read in stretches, and decoded whole. */
export class Tagger {
  private readonly decoder: TagDecoder;
  private readonly passes = new Map<number, Pass>();

  constructor(
    readonly parts: TaggerParts,
    private readonly batchSize: number,
  ) {
    this.decoder = new TagDecoder(parts.tags);
  }

  /** The most probable legal tags of each sentence's words. */
  async tag(sentences: readonly (readonly string[])[]): Promise<string[][]> {
    return (await this.scores(sentences)).map((rows) => this.decoder.decode(rows));
  }

  /** Tags sentences and compares. @throws UserError when they have no words */
  async evaluate(sentences: readonly TaggedSentence[]): Promise<TagEvaluation> {
    const scores = await this.scores(sentences.map(({ words }) => words));
    const predicted = scores.map((rows) => this.decoder.decode(rows));
    const truth = sentences.map(({ tags }) => tags);
    return { report: spanReport(truth, predicted), loss: meanLoss(scores, truth, this.parts.tags) };
  }

  /** Hands back the memory of what was recorded; a later call records anew. */
  dispose(): void {
    for (const { work } of this.passes.values()) work.dispose();
    this.passes.clear();
  }

  /** The logits of each sentence's words: (words, K), row by row. */
  private async scores(sentences: readonly (readonly string[])[]): Promise<Float32Array[]> {
    const { model, tokenizer, tags } = this.parts;
    const K = tags.length;
    const context = model.config.blockSize;
    const scores = sentences.map((words) => new Float32Array(words.length * K));
    const stretches = stretchesOf(tokenizer, sentences, context);
    for (const indices of batchesByLength(stretches, this.batchSize)) {
      const batch = indices.map((i) => stretches[i]);
      const { length, logits } = await this.run(batch);
      for (const [b, { sentence, firstWord, last }] of batch.entries()) {
        for (const [w, piece] of last.entries()) {
          const row = (b * length + piece) * K;
          scores[sentence].set(logits.subarray(row, row + K), (firstWord + w) * K);
        }
      }
    }
    return scores;
  }

  private async run(batch: readonly Stretch[]): Promise<{ length: number; logits: Float32Array }> {
    const { batchSize } = this;
    const { blockSize: context } = this.parts.model.config;
    const { length, ids, lengths } = padStretches(batch, { batchSize, context });
    const pass = this.pass(length);
    pass.ids.write(ids);
    pass.lengths.write(lengths);
    pass.work.run();
    return { length, logits: await pass.work.outputs.logits.floats() };
  }

  private pass(length: number): Pass {
    const before = this.passes.get(length);
    if (before) return before;
    const { model, head, bidirectional } = this.parts;
    const { engine } = model.parameters;
    const ids = engine.zeros([this.batchSize, length], 'u32');
    const lengths = engine.zeros([this.batchSize], 'u32');
    const options = bidirectional ? { bidirectional, lengths } : {}; // behind a causal mask, padding is out of sight
    const work = engine.withoutGradients(() =>
      engine.record(() => ({ logits: head.logits(model.hidden(ids, options)) })),
    );
    const pass = { ids, lengths, work };
    this.passes.set(length, pass);
    return pass;
  }
}

/** Mean of log sum exp(logits) - logit of the true tag, over the words whose tag is a class; 0 when there are none. */
function meanLoss(
  scores: readonly Float32Array[],
  truth: readonly (readonly string[])[],
  tags: readonly string[],
): number {
  const K = tags.length;
  let sum = 0;
  let count = 0;
  for (const [s, sentence] of truth.entries()) {
    for (const [w, tag] of sentence.entries()) {
      const target = tags.indexOf(tag);
      if (target < 0) continue;
      const row = scores[s].subarray(w * K, (w + 1) * K);
      const largest = row.reduce((a, b) => Math.max(a, b));
      sum += largest + Math.log(row.reduce((total, score) => total + Math.exp(score - largest), 0)) - row[target];
      count++;
    }
  }
  return count === 0 ? 0 : sum / count;
}
