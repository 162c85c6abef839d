import { crossEntropy } from '../../kernels/loss/loss.ts';
import type { PassOptions } from '../../model/layers.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { TaggedSentence } from '../../text/labels/conll.ts';
import { trainingBatches } from '../../text/labels/labelledBatches.ts';
import { padStretches, type Stretch, stretchesOf } from '../../text/labels/taggedBatches.ts';
import type { TagSettings } from './settings.ts';
import type { TaggerParts } from './tagger.ts';

/** The inputs of a step over batches of one length. */
interface Inputs {
  readonly ids: Tensor; //     (B, T) u32
  readonly lengths: Tensor; // (B) u32
  readonly targets: Tensor; // (B, T) u32
}

/** Training sentences as batches, and the loss over them. */
export class TagLessons {
  private readonly inputs = new Map<number, Inputs>();
  private readonly stretches: readonly Stretch[];
  /** The class of each word of each sentence. */
  private readonly classes: readonly (readonly number[])[];
  /** Indices of stretches, batch after batch. */
  private readonly batches: Iterator<number[], never>;

  constructor(
    private readonly parts: TaggerParts,
    sentences: readonly TaggedSentence[],
    private readonly settings: Pick<TagSettings, 'batchSize' | 'seed'>,
  ) {
    const { model, tokenizer, tags } = parts;
    const words = sentences.map((sentence) => sentence.words);
    this.stretches = stretchesOf(tokenizer, words, model.config.blockSize);
    this.classes = sentences.map((sentence) => sentence.tags.map((tag) => tags.indexOf(tag)));
    this.batches = trainingBatches(this.stretches, settings.batchSize, settings.seed);
  }

  /** Uploads the next batch; returns its length. */
  next(): number {
    const { batchSize } = this.settings;
    const { blockSize: context } = this.parts.model.config;
    const chosen = this.batches.next().value.map((i) => this.stretches[i]);
    const { length, ...batch } = padStretches(chosen, { batchSize, context }, this.classes);
    const { ids, lengths, targets } = this.inputsOf(length);
    ids.write(batch.ids);
    lengths.write(batch.lengths);
    targets.write(batch.targets);
    return length;
  }

  /** Passes over the batches of so many steps. */
  skip(steps: number): void {
    for (let i = 0; i < steps; i++) this.batches.next();
  }

  /** Mean cross-entropy of the words' tags: (). */
  loss(state: Tensor, length: number): Tensor {
    const { model, head, bidirectional } = this.parts;
    const { ids, lengths, targets } = this.inputsOf(length);
    const options: PassOptions = { state, ...(bidirectional && { bidirectional, lengths }) };
    return crossEntropy({ logits: head.logits(model.hidden(ids, options)), targets });
  }

  private inputsOf(length: number): Inputs {
    const before = this.inputs.get(length);
    if (before) return before;
    const { batchSize } = this.settings;
    const { engine } = this.parts.model.parameters;
    const made = {
      ids: engine.zeros([batchSize, length], 'u32'),
      lengths: engine.zeros([batchSize], 'u32'),
      targets: engine.zeros([batchSize, length], 'u32'),
    };
    this.inputs.set(length, made);
    return made;
  }
}
