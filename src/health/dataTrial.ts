/** What is said of a text is tried by scoring: the run's weights on the held-out text as it would be, or on passages apart. */
import { mean, sampleStandardDeviation } from 'simple-statistics';
import { loss } from '../report/format.ts';
import type { TrialCard } from '../report/healthCard.ts';
import { findBlocks } from '../text/ngrams/copies.ts';
import type { Tokens } from '../text/windows/dataset.ts';
import { Evaluator } from '../train/evaluate.ts';
import type { Material } from '../train/run/material.ts';
import { passageOf } from './data.ts';
import type { Trials } from './trials.ts';

type Outcome = Omit<TrialCard, 'finding'>;

/** Undefined of findings that are not of the text. */
export async function tryData(name: string, trials: Trials): Promise<Outcome | undefined> {
  const attempt = { 'validation-overlap': tryOverlap, 'repeated-text': tryRepeated, 'validation-small': trySmall }[
    name
  ];
  if (!attempt) return undefined;
  const material = await trials.material(trials.config, false);
  if (!material.tokens) return { verdict: 'not tried', sentence: 'There is no text to be scored.' };
  const scorer = new Evaluator(await trials.weights('last'), trials.config.batchSize);
  try {
    return await attempt(material as Scored, async (text) => (await scorer.run(text)).loss);
  } finally {
    scorer.dispose();
  }
}

type Scored = Material & Required<Pick<Material, 'tokens'>>;
type Score = (text: Tokens) => Promise<number>;

/** Text that is scored at most, in tokens: some seconds. */
const MOST = 2 ** 17;
/** Nats a token that what is known must be better by. */
const TELLING = 0.05;

/** The blocks of a text that are marked, side by side. */
function taken(text: Tokens, marks: Uint8Array, size: number, wanted: 0 | 1): Tokens {
  const blocks = [...marks.keys()].filter((block) => marks[block] === wanted).slice(0, Math.floor(MOST / size));
  const out = new Uint32Array(blocks.length * size);
  for (const [i, block] of blocks.entries()) out.set(text.subarray(block * size, (block + 1) * size), i * size);
  return out;
}

/** The held-out text without what is known from training. */
async function tryOverlap({ tokens, tokenizer }: Scored, score: Score): Promise<Outcome> {
  const size = passageOf({ ...tokens, tokenizer });
  const known = findBlocks(tokens.validation, tokens.train, size);
  const clean = taken(tokens.validation, known, size, 0);
  const whole = await score(tokens.validation.subarray(0, MOST));
  if (clean.length < 2 * size) {
    return {
      verdict: 'confirmed',
      sentence: `Without what stands in the training text, nothing of the held-out text is left: its loss of ${loss(whole)} is that of text that was trained on.`,
    };
  }
  const without = await score(clean);
  return {
    verdict: without - whole > TELLING ? 'confirmed' : 'not confirmed',
    sentence: `On the ${clean.length} held-out tokens that are not in the training text the loss is ${loss(without)}; on all of them ${loss(whole)}.`,
  };
}

/** Training passages that stood there before against those that stand there once; against held-out ones where all are there twice. */
async function tryRepeated({ tokens, tokenizer }: Scored, score: Score): Promise<Outcome> {
  const size = passageOf({ ...tokens, tokenizer });
  const before = findBlocks(tokens.train, tokens.train, size);
  const turned = tokens.train.toReversed(); // of its blocks, those that stood before stand again in the text as it is
  const after = findBlocks(turned, turned, size);
  const n = before.length;
  // a block of the text lies in two of the turned one, which is cut from the other end
  const marks = before.map((mark, block) => mark || after[n - block - 1] || (after[n - block] ?? 0));
  const single = taken(tokens.train, marks, size, 0);
  const isOnce = single.length >= 20 * size;
  const others = isOnce ? single : tokens.validation.subarray(0, MOST);
  const [alone, repeated] = [await score(others), await score(taken(tokens.train, before, size, 1))];
  return {
    verdict: alone - repeated > TELLING / 2 ? 'confirmed' : 'not confirmed',
    sentence: `The loss on training passages that stand there again is ${loss(repeated)}, on ${isOnce ? 'those that stand there once' : 'held-out ones'} ${loss(alone)}: the difference is what was learned by heart.`,
  };
}

/** Stretches of the training text, which is the same kind of text, as long as the held-out part: how much such losses differ. */
async function trySmall({ tokens }: Scored, score: Score): Promise<Outcome> {
  const length = tokens.validation.length;
  const count = Math.min(12, Math.floor(tokens.train.length / length));
  if (count < 4)
    return {
      verdict: 'not tried',
      sentence: 'The training text is too short to be cut into parts like the held-out one.',
    };
  const losses: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = Math.floor((i * (tokens.train.length - length)) / count);
    losses.push(await score(tokens.train.subarray(start, start + length)));
  }
  const spread = 2 * sampleStandardDeviation(losses);
  return {
    verdict: spread > 0.1 ? 'confirmed' : 'not confirmed',
    sentence: `The same weights score ${count} stretches of ${length} tokens of the training text from ${loss(Math.min(...losses))} to ${loss(Math.max(...losses))} (mean ${loss(mean(losses))} ± ${loss(spread)}): one such stretch tells no less than that apart.`,
  };
}
