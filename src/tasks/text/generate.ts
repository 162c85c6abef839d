/** Text that a trained model writes after prompts, and what each token of it was drawn from. */
import { sampleDistribution } from '../../kernels/sampling/sampling.ts';
import { SAMPLE_SETTINGS, type SampleSettings } from '../../kernels/sampling/settings.ts';
import { Generator } from '../../model/generate.ts';
import { count } from '../../report/format.ts';
import { promptText } from '../../text/chat/chatTemplate.ts';
import { type BlockedTexts, BlockWatch } from '../../text/tokenizers/blocked.ts';
import { Continuation } from '../../text/tokenizers/continuation.ts';
import { type TokenFacts, tokenFacts } from '../../text/tokenizers/tokenFacts.ts';
import type { Tokenizer } from '../../text/tokenizers/tokenizer.ts';
import type { TunedFrom } from '../../train/runFolder.ts';
import { LINE_END, tokensBefore } from '../../train/samples.ts';
import type { Base } from '../fineTuned.ts';

/** A model that writes. Of a run that was tuned on answers, `chat`: how prompts are put to it, and where answers end. */
export interface Writer extends Base {
  readonly chat?: TunedFrom['chat'];
  /** Of a run whose windows began where lines do: a prompt is the beginning of a line, and a sample the rest of it unless told. */
  readonly config?: { readonly wholeLines?: boolean };
}

export interface GenerateTextOptions extends SampleSettings {
  /** Tokens to write at most. */
  readonly tokens: number;
  /** Texts before which a sample ends. */
  readonly stop?: readonly string[];
  readonly seed: number;
  /** What no sample may hold. */
  readonly block?: BlockedTexts;
  /** Samples that are written at once: 1 unless given. */
  readonly count?: number;
  /** Whether each step says what the first sample's token was drawn from. */
  readonly showProbabilities?: boolean;
  /** Told of a prompt that is read only in part, and of samples that end early. */
  readonly say?: (sentence: string) => void;
}

/** What a step adds. */
export interface TextStep {
  /** Text that is certain now, for each sample. */
  readonly texts: readonly string[];
  /** All that was written so far. */
  readonly samples: readonly Continuation[];
  /** Of the first sample, if asked for; the last step, in which nothing is drawn, has none. */
  readonly choice?: Choice;
}

/** Samples of text, one prompt after the other. */
export class TextGenerator {
  /** Of the next prompt. */
  seed: number;
  private readonly generator: Generator;
  private readonly count: number;

  constructor(
    private readonly writer: Writer,
    private readonly options: GenerateTextOptions,
  ) {
    this.count = options.count ?? 1;
    this.generator = new Generator(writer.model, this.count);
    this.seed = options.seed;
  }

  /** The prompt as it stands before the text. */
  shown(prompt: string): string {
    const { chat } = this.writer;
    return chat && prompt !== '' ? promptText(chat, prompt) : prompt;
  }

  /**
   * Writes after a prompt, step by step; the next call has the next seed. Of a prompt that is longer than the context, the last
   * tokens that fit are read.
   * @param interrupted ends the samples early
   * @throws UserError for a prompt that the tokenizer cannot write
   */
  generate(prompt: string, interrupted = (): boolean => false): AsyncGenerator<TextStep> {
    const { blockSize } = this.writer.model.config;
    const { tokenizer, config } = this.writer;
    const shown = this.shown(prompt);
    const ids = [...tokensBefore(tokenizer, shown, config), ...tokenizer.encode(shown)];
    if (ids.length > blockSize) {
      const sizes = `the prompt has ${count(ids.length)} tokens, and the model's context holds ${count(blockSize)}`;
      this.options.say?.(`${sizes}: only the last ${count(blockSize)} are read`);
    }
    return this.steps(ids.slice(-blockSize), interrupted);
  }

  private async *steps(ids: readonly number[], interrupted: () => boolean): AsyncGenerator<TextStep> {
    const { seed, options } = this;
    const { model, tokenizer, chat, config } = this.writer;
    const stop = options.stop ?? (config?.wholeLines ? [LINE_END] : []);
    const stops = [...stop, ...(chat?.after ? [chat.after] : [])];
    const samples = Array.from({ length: this.count }, () => new Continuation(tokenizer, stops));
    const choices = options.showProbabilities ? new Choices(tokenizer, options, ids) : undefined;
    const prompts = samples.map(() => ids);
    const watch = options.block && new BlockWatch(options.block, tokenizer, prompts);
    for await (const { tokens, logits } of this.generator.generate(prompts, { ...options, seed }, !!choices, watch)) {
      const texts = samples.map((sample, b) => (watch?.hasEnded(b) ? this.cutShort(sample) : sample.push(tokens[b])));
      yield { texts, samples, choice: choices?.next(tokens[0], logits!.subarray(0, model.config.vocabSize)) };
      if (samples.every(({ stopped }) => stopped) || interrupted()) break;
    }
    yield { texts: samples.map((sample) => sample.end()), samples };
    this.seed = (seed + 1) % 2 ** 32;
  }

  /** Ends a sample of which every token would go on to a blocked text. */
  private cutShort(sample: Continuation): string {
    if (sample.stopped) return '';
    this.options.say?.(
      `a sample ends after ${count(sample.tokens)} tokens: whatever came next would complete a blocked text`,
    );
    const rest = sample.end();
    sample.stopped = true;
    return rest;
  }
}

/** A token that could have come. */
export interface Candidate extends TokenFacts {
  /** After temperature and all filters. */
  probability: number;
}

/** One step of sampling: what was drawn, and from what. */
export interface Choice extends Candidate {
  candidates: Candidate[];
}

const CANDIDATES = 5;

/** Follows a generation and tells, for each step, the probabilities that the token was drawn from. */
class Choices {
  private readonly seen: Uint32Array;
  private readonly settings: ArrayLike<number>;

  constructor(
    private readonly tokenizer: Tokenizer,
    settings: SampleSettings,
    prompt: readonly number[],
  ) {
    this.settings = SAMPLE_SETTINGS.floats(settings);
    this.seen = new Uint32Array(tokenizer.vocabSize);
    for (const id of prompt) this.seen[id] = 1;
  }

  /** Takes the next step: the token that was drawn, and the logits (V). */
  next(id: number, logits: ArrayLike<number>): Choice {
    const distribution = sampleDistribution(logits, this.settings, this.seen);
    this.seen[id] += 2;
    const candidate = (id: number): Candidate => ({
      ...tokenFacts(this.tokenizer, id),
      probability: distribution[id],
    });
    const ids = Array.from(distribution.keys()).filter((id) => distribution[id] > 0);
    const likely = ids.sort((a, b) => distribution[b] - distribution[a]).slice(0, CANDIDATES);
    return { ...candidate(id), candidates: likely.map(candidate) };
  }
}
