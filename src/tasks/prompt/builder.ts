/** Prompts that fit into a model's context, and the tokens of each label's word. */

import { UserError } from '../../errors.ts';
import type { Question } from '../../model/score.ts';
import { largest, smallest } from '../../numbers.ts';
import { type LabelledText, shuffled } from '../../text/labels/labelled.ts';
import { subsample } from '../../text/labels/splits.ts';
import type { Tokenizer } from '../../text/tokenizers/tokenizer.ts';
import { openingTokens } from '../../train/samples.ts';
import { type LabelTemplate, renderQuery, renderShot, type Verbalizer } from './template.ts';

/** `k` solved examples, as many of each class as its share, one of each first, in an order; all by the seed. */
export const drawShots = (pool: readonly LabelledText[], k: number, seed: number): LabelledText[] =>
  k === 0 ? [] : shuffled(subsample(pool, k, seed), seed + 1);

/** A prompt as a model is asked. */
export interface Prompt {
  readonly question: Question;
  /** Shots that found room: the last of those given. */
  readonly shots: number;
  /** Whether the text itself had to lose its end. */
  readonly shortened: boolean;
}

/** Builds prompts for one model, template and set of words. */
export class PromptBuilder {
  /**
   * @param verbalizer words of the classes, in whose order continuations are given
   * @param blockSize tokens that the model's context holds
   */
  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly template: LabelTemplate,
    private readonly verbalizer: Verbalizer,
    private readonly blockSize: number,
  ) {}

  /**
   * Asks for the label of `text` after `shots`. What does not fit into the context goes from the front by whole shots, and when
   * even none fits, the text loses its end.
   * @throws UserError when the template and the words alone are longer than the context
   */
  build(text: string, shots: readonly LabelledText[]): Prompt {
    const fitting = (count: number): Question | undefined => {
      const question = this.tokenize(text, shots.slice(shots.length - count));
      return size(question) <= this.blockSize ? question : undefined;
    };
    let question = fitting(0);
    if (!question) return { question: this.truncate(text), shots: 0, shortened: true };
    let shown = 0;
    while (shown < shots.length) {
      const more = fitting(shown + 1);
      if (!more) break;
      question = more;
      shown++;
    }
    return { question, shots: shown, shortened: false };
  }

  /** The longest beginning of the text that fits, by bisection. */
  private truncate(text: string): Question {
    const cut = (length: number) => this.tokenize(text.slice(0, length).replace(/[\ud800-\udbff]$/, ''), []); // no half characters
    let [low, high] = [0, text.length];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (size(cut(middle)) <= this.blockSize) low = middle;
      else high = middle - 1;
    }
    if (low > 0) return cut(low);
    throw new UserError(
      `the template takes ${size(cut(0))} tokens without any text, and the model's context holds ${this.blockSize}; shorten the template or the words`,
    );
  }

  /**
   * Prompt and words in the tokens that the whole text has: it is cut where tokens never reach over, and what all words then
   * begin with is the prompt's.
   */
  private tokenize(text: string, shots: readonly LabelledText[]): Question {
    const solved = shots.map((shot) => renderShot(this.template, shot, this.verbalizer)).join('');
    const string = solved + renderQuery(this.template, text);
    const cut = this.tokenizer.safeCut(string);
    const tail = string.slice(cut);
    const answers = [...this.verbalizer.values()].map((word) => this.tokenizer.encode(tail + word));
    const common = sharedStart(answers);
    const prompt = [...this.tokenizer.encode(string.slice(0, cut)), ...answers[0].slice(0, common)];
    const continuations = answers.map((ids) => ids.slice(common));
    return { prompt: prompt.length > 0 ? prompt : openingTokens(this.tokenizer), continuations };
  }
}

/** Tokens that the longest continuation's pass reads. */
const size = ({ prompt, continuations }: Question): number =>
  prompt.length + largest(continuations.map(({ length }) => length)) - 1;

/** How many tokens all sequences begin with alike, leaving one at least to each. */
function sharedStart(sequences: readonly (readonly number[])[]): number {
  const most = smallest(sequences.map(({ length }) => length)) - 1;
  let shared = 0;
  while (shared < most && sequences.every((ids) => ids[shared] === sequences[0][shared])) shared++;
  return shared;
}
