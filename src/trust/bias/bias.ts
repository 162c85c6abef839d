/** The part `bias` of `dawnlm trust`: what a model finds likelier of two things, beside what its text says. */
import type { BiasFindings } from '../../report/trust/bias.ts';
import { utf8Decoder } from '../../text/tokenizers/bytes.ts';
import type { Tokenizer } from '../../text/tokenizers/tokenizer.ts';
import type { Tokens } from '../../text/windows/dataset.ts';
import { bytesOf } from '../memory/trainText.ts';
import type { QuestionedRun } from '../questioned.ts';
import { countIn } from './counts.ts';
import { askOwnPairs, type readOwnPairs } from './ownPairs.ts';
import { askGroup, wantedOf } from './pairs.ts';
import { SentenceScorer } from './score.ts';
import { GROUPS, type PairGroup } from './templates.ts';

export interface BiasQuestions {
  /** What is asked of every run, unless others are given. */
  readonly groups?: readonly PairGroup[];
  readonly checkpoint?: BiasFindings['checkpoint'];
  /** A user's own pairs, and the file that they come from. */
  readonly own?: ReturnType<typeof readOwnPairs> & { readonly file: string };
}

/** Asks group by group, the user's own pairs first; each yield holds all that was found until then. */
export async function* askBias(
  { run, dataset, seed, signal, onProgress }: Pick<QuestionedRun, 'run' | 'dataset' | 'seed' | 'signal' | 'onProgress'>,
  { groups = GROUPS, own, checkpoint }: BiasQuestions = {},
): AsyncGenerator<BiasFindings> {
  const { model, tokenizer } = run;
  const scorer = new SentenceScorer(model, tokenizer);
  const progress = (what: string) => ({
    signal,
    onProgress: (done: number, of: number) => onProgress?.(done, of, `sentences, ${what}`),
  });
  let findings: BiasFindings = { ...(checkpoint && { checkpoint }) };
  try {
    if (own) {
      const asked = await askOwnPairs(own, { file: own.file, scorer, seed }, progress(own.file));
      yield (findings = { ...findings, own: asked });
    }
    const counts = await countIn(decoded(dataset.train, tokenizer, signal), wantedOf(groups));
    findings = { ...findings, textWords: counts.total, pairs: [], unasked: [] };
    for (const group of groups) {
      const found = await askGroup(group, { scorer, counts, seed }, progress(group.name));
      const where = 'pairs' in found ? 'pairs' : 'unasked';
      yield (findings = { ...findings, [where]: [...(findings[where] ?? []), found] });
    }
  } finally {
    scorer.dispose();
  }
}

/** Tokens that are decoded at once. */
const PIECE = 1 << 16;

/** The text of tokens, in pieces. */
export function* decoded(tokens: Tokens, tokenizer: Tokenizer, signal?: AbortSignal): Generator<string> {
  const decoder = utf8Decoder();
  for (let start = 0; start < tokens.length; start += PIECE) {
    signal?.throwIfAborted();
    const { bytes } = bytesOf(tokens.subarray(start, start + PIECE), tokenizer);
    yield decoder.decode(bytes, { stream: true });
  }
  yield decoder.decode();
}
