/** A fine-tuned model at work: tags for the words of sentences. */
import type { GPT } from '../../model/gpt.ts';
import type { Head } from '../../model/heads.ts';
import type { Inputs, Values } from '../../model/passes.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { TaggedSentence } from '../../text/labels/conll.ts';
import { type Entity, entitiesOf } from '../../text/labels/entities.ts';
import { TagDecoder } from '../../text/labels/tagDecoder.ts';
import { padSegments, type Segment, segmentsOf } from '../../text/labels/taggedBatches.ts';
import type { Word } from '../../text/labels/words.ts';
import type { Tokenizer } from '../../text/tokenizers/tokenizer.ts';
import { Predictor } from '../batches.ts';
import { spanReport, type TagEvaluation } from '../metrics/spans.ts';

export interface TaggerParts {
  readonly model: GPT;
  /** (B, T, C) -> (B, T, K) */
  readonly head: Head;
  readonly tokenizer: Tokenizer;
  /** The K classes of the head, in order: tags in BIO. */
  readonly tags: readonly string[];
  /** Whether each token sees those behind it too. */
  readonly bidirectional: boolean;
}

/** Segments of sentences through a model, and the head over each state; beside a batch's values its `targets`, given the words' classes. */
export function tagModel({ model, head, bidirectional }: Omit<TaggerParts, 'tags' | 'tokenizer'>, batchSize: number) {
  const { blockSize: context } = model.config;
  const pad = (segments: readonly Segment[], classes?: readonly (readonly number[])[]) => {
    const { length, ids, lengths, targets } = padSegments(segments, { batchSize, context }, classes);
    const shape = [batchSize, length];
    const values: Values<TagInputs> = { ids: [ids, shape], lengths: [lengths, [batchSize]] };
    return { length, values, targets: [targets, shape] } as const;
  };
  const logits = ({ ids, lengths }: Inputs<TagInputs>, state?: Tensor): Tensor => {
    const mask = bidirectional ? { bidirectional, lengths } : {}; // behind a causal mask, padding is out of sight
    return head.logits(model.hidden(ids, { state, ...mask })); //                                   (B, T, K)
  };
  return { engine: model.engine, batchSize, pad, logits };
}

/** (B, T) u32, (B) u32 */
type TagInputs = 'ids' | 'lengths';

/** Tags sentences of any length: those that exceed the context are read in segments, and decoded whole. */
export class Tagger {
  private readonly decoder: TagDecoder;
  private readonly predictor: Predictor<Segment, TagInputs>;

  constructor(
    readonly parts: TaggerParts,
    batchSize: number,
  ) {
    this.decoder = new TagDecoder(parts.tags);
    this.predictor = new Predictor(tagModel(parts, batchSize));
  }

  /** The most probable legal tags of each sentence's words. */
  async tag(sentences: readonly (readonly string[])[]): Promise<string[][]> {
    return (await this.logits(sentences)).map((rows) => this.decoder.decode(rows));
  }

  /** The entities of running text, in its order. @param sentences the words of `text`, sentence by sentence */
  async entities(text: string, sentences: readonly (readonly Word[])[]): Promise<Entity[]> {
    const tags = await this.tag(sentences.map((words) => words.map((word) => word.text)));
    return sentences.flatMap((words, s) => entitiesOf(text, words, tags[s]));
  }

  /** Tags sentences and compares. @throws UserError when they have no words */
  async evaluate(sentences: readonly TaggedSentence[]): Promise<TagEvaluation> {
    const logits = await this.logits(sentences.map(({ words }) => words));
    const predicted = logits.map((rows) => this.decoder.decode(rows));
    const truth = sentences.map(({ tags }) => tags);
    return { report: spanReport(truth, predicted), loss: meanLoss(logits, truth, this.parts.tags) };
  }

  /** Hands back the memory of what was recorded; a later call records anew. */
  dispose(): void {
    this.predictor.dispose();
  }

  /** The logits of each sentence's words: (words, K), row by row. */
  private async logits(sentences: readonly (readonly string[])[]): Promise<Float32Array[]> {
    const { model, tokenizer, tags } = this.parts;
    const K = tags.length;
    const logits = sentences.map((words) => new Float32Array(words.length * K));
    const segments = segmentsOf(tokenizer, sentences, model.config.blockSize);
    const rows = await this.predictor.rows(segments); // (T, K) each
    for (const [i, { sentence, firstWord, last }] of segments.entries()) {
      for (const [w, token] of last.entries()) {
        logits[sentence].set(rows[i].subarray(token * K, (token + 1) * K), (firstWord + w) * K);
      }
    }
    return logits;
  }
}

/** Mean of log sum exp(logits) - logit of the true tag, over the words whose tag is a class; 0 when there are none. */
function meanLoss(
  logits: readonly Float32Array[],
  truth: readonly (readonly string[])[],
  tags: readonly string[],
): number {
  const K = tags.length;
  const losses = truth.flatMap((sentence, s) =>
    sentence.flatMap((tag, w) => {
      const target = tags.indexOf(tag);
      if (target < 0) return [];
      const row = logits[s].subarray(w * K, (w + 1) * K);
      const largest = row.reduce((a, b) => Math.max(a, b));
      return largest + Math.log(row.reduce((total, score) => total + Math.exp(score - largest), 0)) - row[target];
    }),
  );
  return losses.length === 0 ? 0 : losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}
