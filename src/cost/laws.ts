/** The fitted laws that come along. Made by `dawnlm experiment scaling <corpus>`, whose law.json holds one. */
import { ScalingLaw } from './law.ts';
import english from './laws/english.json' with { type: 'json' };
import mobyDick from './laws/moby-dick.json' with { type: 'json' };
import speeches from './laws/speeches.json' with { type: 'json' };
import wordnet from './laws/wordnet.json' with { type: 'json' };

/** By corpus; the first is taken where there is none. */
const LAWS: readonly ScalingLaw[] = [mobyDick, speeches, wordnet, english].map((law) => ScalingLaw.parse(law));

/** A law, and whether it is of that very text. */
export interface FoundLaw {
  readonly law: ScalingLaw;
  /** False: the losses that it promises are those of its own corpus, and tell of sizes and not of this text. */
  readonly own: boolean;
}

/**
 * The law to go by for a text: its own, or that of another corpus. Undefined where tokens are no single letters: losses a token, and the
 * parameters of large vocabularies, are not those that it was fitted on.
 */
export function lawFor(corpus: string, tokenizer: string): FoundLaw | undefined {
  if (tokenizer !== 'char' && tokenizer !== 'byte') return undefined;
  const own = LAWS.find((law) => law.corpus === corpus);
  return { law: own ?? LAWS[0], own: own !== undefined };
}

/** The law that sizes are chosen by where none is of the text's own kind. */
export const anyLaw = (): ScalingLaw => LAWS[0];
