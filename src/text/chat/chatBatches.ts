/** Prompts and answers as batches: the loss is on the answers alone. */
import { UserError } from '../../errors.ts';
import type { Tokenizer } from '../tokenizers/types.ts';
import { mix, permute } from '../windows/permutation.ts';
import { type Batch, type CountedBatches, IGNORE } from '../windows/windows.ts';
import type { PromptAnswer } from './chat.ts';
import { type ChatTemplate, promptText } from './chatTemplate.ts';

/** A prompt and its answer as ids; the answer's begin at `answer`. */
export interface EncodedAnswer {
  readonly ids: readonly number[];
  readonly answer: number;
}

/** Examples that are learned from, and those that are held out. */
export interface ChatParts {
  readonly train: readonly EncodedAnswer[];
  readonly validation: readonly EncodedAnswer[];
  /** Examples that were there twice, and were left out once. */
  readonly duplicates: number;
  /** Examples that were longer than the context: the beginning of the prompt is cut off, and then the end of the answer. */
  readonly cut: number;
}

export interface ChatOptions {
  readonly template: ChatTemplate;
  /** T: tokens of a context. */
  readonly blockSize: number;
  readonly validationFraction: number;
  readonly seed: number;
}

/**
 * Prompts and answers as ids, a share of them (one at least), drawn by the seed, held out.
 * @throws UserError when fewer than two different ones are there, or the tokenizer cannot write a character
 */
export function chatParts(examples: readonly PromptAnswer[], tokenizer: Tokenizer, options: ChatOptions): ChatParts {
  const { template, blockSize, validationFraction, seed } = options;
  const different = [...new Map(examples.map((one) => [JSON.stringify([one.prompt, one.answer]), one])).values()];
  if (different.length < 2) {
    throw new UserError(
      'Two different pairs of prompt and answer are needed at least, one to learn from and one to hold out.',
    );
  }
  const whole = different.map(({ prompt, answer }) => {
    const asked = tokenizer.encode(promptText(template, prompt));
    return { ids: [...asked, ...tokenizer.encode(answer + template.after)], answer: asked.length };
  });
  const encoded = whole.map((one) => cropped(one, blockSize + 1));
  const held = Math.max(1, Math.floor(validationFraction * encoded.length));
  const shuffled = encoded.map((_, i) => encoded[permute(i, encoded.length, seed)]);
  return {
    validation: shuffled.slice(0, held),
    train: shuffled.slice(held),
    duplicates: examples.length - different.length,
    cut: whole.filter(({ ids }) => ids.length > blockSize + 1).length,
  };
}

/** At most `most` ids: as much of the prompt's end as the answer leaves room for, one id at least. */
function cropped({ ids, answer }: EncodedAnswer, most: number): EncodedAnswer {
  const first = Math.max(0, Math.min(answer - 1, ids.length - most));
  return { ids: ids.slice(first, first + most), answer: answer - first };
}

/** Training batches: each epoch sees each example once, in its own order. A batch is a pure function of (seed, step). */
export class ChatBatches {
  constructor(
    private readonly examples: readonly EncodedAnswer[],
    private readonly options: { batchSize: number; blockSize: number; seed: number },
  ) {}

  /** The batch of `step`, from 0. */
  batch(step: number): Batch {
    const { batchSize, blockSize, seed } = this.options;
    const { length } = this.examples;
    const rows = Array.from({ length: batchSize }, (_, row) => {
      const index = step * batchSize + row;
      const epoch = Math.floor(index / length);
      return this.examples[permute(index - epoch * length, length, mix(seed, epoch))];
    });
    return batchOf(rows, batchSize, blockSize);
  }
}

/** All examples in order, for evaluation; what fills the last batch up counts for nothing. */
export function chatEvaluation(
  examples: readonly EncodedAnswer[],
  batchSize: number,
  blockSize: number,
): CountedBatches {
  return {
    total: Math.ceil(examples.length / batchSize),
    *batches() {
      for (let start = 0; start < examples.length; start += batchSize) {
        const rows = examples.slice(start, start + batchSize);
        const count = rows.reduce((sum, { ids, answer }) => sum + ids.length - answer, 0);
        yield { ...batchOf(rows, batchSize, blockSize), count };
      }
    },
  };
}

/** Padded behind: a causal model does not look there. */
function batchOf(rows: readonly EncodedAnswer[], batchSize: number, blockSize: number): Batch {
  const inputs = new Uint32Array(batchSize * blockSize);
  const targets = new Uint32Array(batchSize * blockSize).fill(IGNORE);
  rows.forEach(({ ids, answer }, row) => {
    inputs.set(ids.slice(0, -1), row * blockSize);
    targets.set(ids.slice(answer), row * blockSize + answer - 1);
  });
  return { inputs, targets };
}
