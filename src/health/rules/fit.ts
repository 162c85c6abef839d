/** Whether a model fits its text: what follows from what, what is learned by heart, and what there is no room for. */
import { exact, figure, loss, percent } from '../../report/format.ts';
import { lowest, type Point } from '../../report/series.ts';
import { forecastOf } from '../curve.ts';
import type { Evidence } from '../evidence.ts';
import type { Finding } from '../finding.ts';
import { drowned } from './rates.ts';

/** Nats within which a loss is that of token frequencies: what their own estimate from some 100,000 tokens is good for, and more. */
const SAME = 0.06;
/** Nats that bigrams must be better than frequencies, so that one can say that there was something to be learned. */
const TELLING = 0.2;

const rungOf = ({ rungs }: Evidence, order: number): number | undefined =>
  rungs.find((rung) => rung.order === order)?.loss;

const endOf = ({ curve }: Evidence): number => curve.lastValidation?.value ?? curve.last;

/** Weights have moved, steps were sound, and yet nothing but frequencies was learned where bigrams do far better. */
export function targetsUnrelated(run: Evidence): Finding | undefined {
  const { curve, moved } = run;
  const [frequencies, bigrams] = [rungOf(run, 1), rungOf(run, 2)];
  if (frequencies === undefined || bigrams === undefined || frequencies - bigrams < TELLING) return undefined;
  const learned = moved.some(({ distance }) => distance > 1);
  const flat = forecastOf(curve).gain < SAME && curve.training.length >= 100;
  if (!learned || !flat || drowned(run)) return undefined;
  if (!(Math.min(endOf(run), curve.last) > frequencies - SAME)) return undefined;
  return {
    name: 'targets-unrelated',
    severity: 'problem',
    sentence: `The loss stands at ${loss(curve.last)}, where token frequencies alone are (${loss(frequencies)}), while counts of pairs reach ${loss(bigrams)} on the same held-out text: what the model is to predict does not follow from what it is shown.`,
    advice: {
      sentence:
        'See how batches are made: targets must be the inputs moved by one token. If the text itself is shuffled, use one that is not.',
    },
  };
}

/** Nats above its best at which a held-out loss that rises is worth a word: five times what 20 batches of validation scatter by. */
const RISEN = 0.05;

/** Epochs before which nothing can be known by heart: a loss that rises sooner does so by what was scored. */
const SEEN = 1.5;

/** Validations of the same batches: the last one of a finished run scores more of the held-out text, unless all of it always is. */
function alike({ curve: { validation }, config, status }: Evidence): readonly Point[] {
  const last = status === 'finished' && config.evalBatches > 0 && validation.length > 2 ? -1 : undefined;
  return validation.slice(0, last);
}

/** The held-out loss has turned, and the training text is known far better. */
export function memorizing(run: Evidence): Finding | undefined {
  const { curve, config, card, parameters } = run;
  const validation = alike(run);
  const [best, last] = [lowest(validation), validation.at(-1)];
  if (!best || !last || run.status === 'diverged') return undefined;
  const rise = last.value - best.value;
  const gap = last.value - curve.last;
  const seen = tokensOf(run) / card.trainTokens;
  if (rise < RISEN || gap < 2 * RISEN || seen < SEEN) return undefined;
  const ratio = parameters / card.trainTokens;
  const large = ratio > 1;
  const smaller = { nEmbd: Math.max(config.nHead * 4, Math.ceil(config.nEmbd / 2 / config.nHead) * config.nHead) };
  return {
    name: large ? 'model-too-large' : 'overfitting',
    severity: 'problem',
    sentence: `The held-out loss was lowest at step ${exact(best.step)}, ${loss(best.value)}, and rose by ${loss(rise)} since, while the training loss went down to ${loss(curve.last)}: ${figure(ratio)} parameters a token of a text that was seen ${figure(seen)} times.`,
    advice: {
      sentence: `Use more text; else ${config.dropout < 0.2 ? 'drop out 20%, ' : ''}${large ? `halve the width to ${smaller.nEmbd}, ` : ''}and end at about step ${exact(best.step)}.`,
      settings: { ...(config.dropout < 0.2 && { dropout: 0.2 }), ...(large && smaller) },
    },
  };
}

/** Training tokens seen, repeated ones each time. */
const tokensOf = ({ curve, config }: Evidence): number =>
  curve.training.length * config.batchSize * config.blockSize * config.gradientAccumulation;

/** Nats that twice the steps must bring for a curve not to be called flat. */
const FLAT = 0.03;
/** Tokens seen for each parameter beyond which size is what a model lacks: five times the 20 of Hoffmann et al. (2022). */
const SATURATED = 100;

/** Flat, as good on new text as on the old, many tokens a parameter, and counts of n-grams know more. */
export function tooSmall(run: Evidence): Finding | undefined {
  const { curve, config, parameters } = run;
  const counts = Math.min(...[3, 5].map((order) => rungOf(run, order) ?? Number.POSITIVE_INFINITY));
  const perParameter = tokensOf(run) / parameters;
  const ended = endOf(run);
  const { gain, band } = forecastOf(curve);
  if (perParameter < SATURATED || !(ended > counts + 0.1) || ended - curve.last > 0.15 || drowned(run))
    return undefined;
  if (gain - band > 3 * FLAT) return undefined;
  const wider = {
    nLayer: Math.max(2, config.nLayer),
    nHead: Math.max(2, config.nHead),
    nEmbd: Math.max(32, 4 * config.nEmbd),
  };
  return {
    name: 'model-too-small',
    severity: 'problem',
    sentence: `${exact(parameters)} parameters have seen ${figure(perParameter)} tokens each; the held-out loss of ${loss(ended)} is within ${loss(Math.abs(ended - curve.last))} of the training loss, twice the steps would bring ${loss(Math.max(0, gain))}, and counts of n-grams reach ${loss(counts)}: there is no room for more.`,
    advice: {
      sentence: `Make the model larger: width ${wider.nEmbd}, ${wider.nLayer} layers.`,
      settings: { ...wider, ...lowerRate(run, wider.nEmbd) },
    },
  };
}

/** A wider model takes a lower rate, as 1 over the width (Yang et al., 2022); no higher than it was. */
const lowerRate = ({ config }: Evidence, nEmbd: number) => {
  const learningRate = Math.min(config.learningRate, Math.max(1e-3, (config.learningRate * config.nEmbd) / nEmbd));
  return {
    learningRate,
    minLearningRate: (learningRate * config.minLearningRate) / Math.max(config.learningRate, 1e-12),
  };
};

/** What guessing costs, and the excess that fresh logits of this size have: half of their variance, width times that of a weight. */
export function firstLoss(run: Evidence): Finding | undefined {
  const { curve, card, config, isFresh } = run;
  const guessing = Math.log(card.vocabularySize);
  const excess = (config.nEmbd * 0.02 ** 2) / 2;
  if (!isFresh || curve.training[0].step !== 1 || curve.first < guessing + 4 * excess + 0.2) return undefined;
  return {
    name: 'first-loss',
    severity: 'problem',
    sentence: `The first loss is ${loss(curve.first)}, and fresh weights that favour no token have ${loss(guessing + excess)}: they know less than nothing.`,
    advice: { sentence: 'See how weights are drawn, and whether the tokenizer is that of the text.' },
  };
}

/** Rows of the vocabulary that hardly occur: they are learned from a few examples, and cost what the others cost. */
export function vocabularyTooLarge(run: Evidence): Finding | undefined {
  const { card, config, parameters } = run;
  const { vocabularySize, trainTokens } = card;
  const rows = (vocabularySize * config.nEmbd * (config.tieEmbeddings ? 1 : 2)) / parameters;
  const each = trainTokens / vocabularySize;
  // a token that is seen fewer than 30 times on average, as most then far fewer, has an embedding that is mostly noise
  if (each > 30 || rows < 0.5) return undefined;
  const fitting = Math.max(256, 2 ** Math.floor(Math.log2(Math.sqrt(card.characters) / 2)));
  const tokenizer = fitting <= 320 ? 'char' : `bpe:${fitting}`;
  return {
    name: 'vocabulary-too-large',
    severity: 'problem',
    sentence: `The vocabulary of ${exact(vocabularySize)} is for a larger text: a token of it occurs ${figure(each)} times on average in ${exact(trainTokens)}, and takes ${percent(rows)} of all parameters.`,
    advice: { sentence: `Use a smaller one: ${tokenizer}.`, settings: { tokenizer } },
  };
}
