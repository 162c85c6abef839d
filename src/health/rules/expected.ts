/** A run against the scaling law of its text: what the law's own recipe reaches with as many parameters and tokens. */
import { type Expected, expectedLoss, type Size } from '../../cost/law.ts';
import { lawFor } from '../../cost/laws.ts';
import { RECIPE } from '../../cost/rule.ts';
import { count, figure, loss } from '../../report/format.ts';
import type { Evidence } from '../evidence.ts';
import type { Finding } from '../finding.ts';

/** A law is trusted this far beyond the sizes and lengths that it was fitted on. */
const BEYOND = 2;

/** Undefined where no law is of this text, context and size. */
export function expectedOf(run: Evidence): (Expected & Size & { better?: Size & { loss: number } }) | undefined {
  const { card, config, curve } = run;
  const found = lawFor(card.name, card.tokenizer);
  if (!found?.own || found.law.blockSize !== config.blockSize || !run.isFresh) return undefined;
  const { law } = found;
  const embeddings = card.vocabularySize * config.nEmbd * (config.tieEmbeddings ? 1 : 2);
  const parameters = law.parameters === 'all' ? run.parameters : run.parameters - embeddings;
  const tokens = curve.training.length * config.batchSize * config.blockSize * config.gradientAccumulation;
  const within = (value: number, [least, most]: readonly number[]): boolean =>
    value > least / BEYOND && value < most * BEYOND;
  if (!within(parameters, law.range.parameters) || !within(tokens, law.range.tokens)) return undefined;
  const size = { parameters, tokens };
  const expected = expectedLoss(law, size, card.trainTokens);
  // the same operations, spent otherwise: they go as parameters times tokens
  const others = [1 / 4, 1 / 2, 2, 4].map((by) => ({ parameters: by * parameters, tokens: tokens / by }));
  const [best] = others
    .map((other) => ({ ...other, loss: expectedLoss(law, other, card.trainTokens).loss }))
    .sort((a, b) => a.loss - b.loss);
  return { ...expected, ...size, ...(expected.loss - best.loss > WORTH && { better: best }) };
}

/** Nats that another size must be better by at equal operations. */
const WORTH = 0.05;

/** A run that ended above the band of its law. No problem by itself: the law's recipe is a good one. */
export function behindLaw(run: Evidence): Finding | undefined {
  const expected = expectedOf(run);
  const ended = run.curve.best?.value;
  if (!expected || ended === undefined || ended <= expected.high || run.status !== 'finished') return undefined;
  return {
    name: 'behind-the-law',
    severity: 'note',
    sentence: `The held-out loss of ${loss(ended)} is above what the preset ${RECIPE} reaches with as many parameters and tokens on this text, ${loss(expected.loss)} (${loss(expected.low)} to ${loss(expected.high)}).`,
    advice: { sentence: `Train with --preset ${RECIPE}.` },
  };
}

/** Another size that the law has far ahead at the same operations. */
export function sizeByLaw(run: Evidence): Finding | undefined {
  const expected = expectedOf(run);
  if (!expected?.better || run.status !== 'finished') return undefined;
  const { parameters, tokens, loss: other } = expected.better;
  return {
    name: parameters > expected.parameters ? 'larger-is-better' : 'smaller-is-better',
    severity: 'note',
    sentence: `By the law of this text a model ${figure(parameters / expected.parameters)} times as large, ${count(parameters)} parameters for ${count(tokens)} tokens, ends ${loss(expected.loss - other)} nats lower at the same operations.`,
    advice: { sentence: 'Let --operations or --minutes choose the size.' },
  };
}
