/** What is said of a text is tried by scoring: the run's weights on the held-out text as it would be, or on passages apart. */
import { mean, sampleStandardDeviation } from 'simple-statistics';
import { largest } from '../numbers.ts';
import { loss } from '../report/format.ts';
import type { TrialCard } from '../report/healthCard.ts';
import { findBlocks } from '../text/ngrams/copies.ts';
import type { Tokens } from '../text/windows/dataset.ts';
import { evaluationBatches } from '../text/windows/windows.ts';
import { Evaluator } from '../train/evaluate.ts';
import type { Material } from '../train/run/material.ts';
import { passageOf } from './data.ts';
import { rungsOf } from './rungs.ts';
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
/** Nats a token by which a text must be the better one. */
const USEFUL = 0.01;
/** Nats a token that what is known must be better by. */
const TELLING = 0.05;

/** The blocks of a text that are marked, side by side. */
function taken(text: Tokens, marks: Uint8Array, size: number, wanted: 0 | 1, most = MOST): Tokens {
  const blocks = [...marks.keys()].filter((block) => marks[block] === wanted).slice(0, Math.floor(most / size));
  const out = new Uint32Array(blocks.length * size);
  for (const [i, block] of blocks.entries()) out.set(text.subarray(block * size, (block + 1) * size), i * size);
  return out;
}

/** The loss of 5-grams counted on a text, which know at once by heart what a model comes to know: nats a token. */
function ngramLoss({ tokenizer }: Scored, train: Tokens, heldOut: Tokens): number {
  const blockSize = Math.min(64, heldOut.length - 1);
  const validation = evaluationBatches(heldOut, 8, blockSize);
  const { rungs } = rungsOf({ train, validation, tokenizer, blockSize });
  return rungs[rungs.length - 1].loss;
}

/** The held-out text without what is known from training. */
async function tryOverlap(material: Scored, score: Score): Promise<Outcome> {
  const { tokens, tokenizer } = material;
  const size = passageOf({ ...tokens, tokenizer });
  const known = findBlocks(tokens.validation, tokens.train, size);
  const clean = taken(tokens.validation, known, size, 0);
  const all = tokens.validation.subarray(0, MOST);
  const whole = await score(all);
  if (clean.length < 2 * size) {
    return {
      verdict: 'confirmed',
      sentence: `Without what stands in the training text, nothing of the held-out text is left: its loss of ${loss(whole)} is that of text that was trained on.`,
    };
  }
  const without = await score(clean);
  const [countsAll, counts] = [ngramLoss(material, tokens.train, all), ngramLoss(material, tokens.train, clean)];
  return {
    verdict: largest([without - whole, counts - countsAll]) > TELLING ? 'confirmed' : 'not confirmed',
    sentence: `On the ${clean.length} held-out tokens that are not in the training text the loss is ${loss(without)}, on all of them ${loss(whole)}; of 5-grams, which know by heart at once, ${loss(counts)} and ${loss(countsAll)}.`,
  };
}

/** The text without what stands in it before: what 5-grams learn of it for the held-out text that is not known, and what the model knows by heart. */
async function tryRepeated(material: Scored, score: Score): Promise<Outcome> {
  const { tokens, tokenizer } = material;
  const size = passageOf({ ...tokens, tokenizer });
  const marks = findBlocks(tokens.train, tokens.train, size);
  const known = findBlocks(tokens.validation, tokens.train, size);
  const clean = taken(tokens.validation, known, size, 0);
  const heldOut = clean.length < 2 * size ? tokens.validation.subarray(0, MOST) : clean;
  const [repeated, alone] = [await score(taken(tokens.train, marks, size, 1)), await score(heldOut)];
  const [before, after] = [tokens.train, taken(tokens.train, marks, size, 0, tokens.train.length)].map((train) =>
    ngramLoss(material, train, heldOut),
  );
  return {
    verdict: before - after > USEFUL || alone - repeated > TELLING ? 'confirmed' : 'not confirmed',
    sentence: `5-grams that are counted without the repetitions have ${loss(after)} on the held-out text, ${loss(before)} with them; the model has ${loss(repeated)} on what is repeated and ${loss(alone)} on held-out text.`,
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
