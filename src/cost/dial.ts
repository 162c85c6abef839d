/**
 * One dial in place of a dozen settings: how long, how many operations, or how deep. Size and steps follow from the scaling law,
 * the text and the machine's speed. Pure functions: what is measured is given.
 */
import { modelConfig, resolveConfig, type TrainConfig } from '../train/config.ts';
import { type Expected, effectiveTokens, expectedLoss, type ScalingLaw } from './law.ts';
import { RECIPE, settingsOf, WIDTHS } from './rule.ts';
import { type ModelSize, modelSize } from './size.ts';

/** What the dial needs to know of a text. */
export interface TextSize {
  readonly trainTokens: number;
  readonly heldOutTokens: number;
  readonly vocabSize: number;
}

/** A size, and how long it is taught. */
export interface Choice {
  /** Over those of the recipe. */
  readonly settings: Partial<TrainConfig>;
  readonly config: TrainConfig;
  readonly size: ModelSize;
  /** Tokens trained on, and how often each of the text's is seen. */
  readonly tokens: number;
  readonly epochs: number;
  readonly expected: Expected;
  /** What ended the training, where it was not the dial: the text has no more to give. */
  readonly textEnds: boolean;
}

/** Settings that the dial leaves as they were given. */
export type Wishes = Readonly<Partial<TrainConfig>>;

/** Settings of size: who gives one of them chooses the size. */
const SIZES = ['nLayer', 'nHead', 'nEmbd', 'nHidden', 'nKvHead'] as const;

/**
 * Epochs after which a text has no more to give to a model that may have as many parameters as it has tokens. Repeating is worth
 * half as much as new text after some 10 epochs (Muennighoff et al., 2023), and models that are large for their text learn it by heart.
 */
const MOST_EPOCHS = 20;
/** Parameters for each token of the text at most. */
const MOST_PARAMETERS = 4;
/** A larger model must be better by so much, in nats a token: less is not worth its memory, nor is the law as sure. */
const WORTHWHILE = 0.002;
/** Validations and checkpoints on the way. */
const LOOKS = 10;

/** A model of the ladder, or the one that was asked for. */
export interface Candidate {
  readonly settings: (steps: number) => Partial<TrainConfig>;
  readonly config: TrainConfig;
  readonly size: ModelSize;
}

function candidate(vocabSize: number, settings: Candidate['settings']): Candidate {
  const config = resolveConfig(RECIPE, settings(1000));
  return { settings, config, size: modelSize(modelConfig(config, vocabSize)) };
}

/** The models among which the dial chooses, from small to large: one where the size was given. */
export function candidates(text: TextSize, given: Wishes): Candidate[] {
  const { trainTokens, vocabSize } = text;
  const wishes = { ...contextFor(text), ...given };
  if (SIZES.some((name) => wishes[name] !== undefined)) {
    const { nEmbd = resolveConfig(RECIPE).nEmbd } = wishes;
    const { nLayer: _, nHead: __, nEmbd: ___, ...rates } = settingsOf(nEmbd, 1000);
    return [candidate(vocabSize, (steps) => ({ ...rates, ...timing(steps), ...wishes }))];
  }
  const all = WIDTHS.map((nEmbd) =>
    candidate(vocabSize, (steps) => ({ ...settingsOf(nEmbd, steps), ...timing(steps), ...wishes })),
  );
  const fitting = all.filter(({ size }) => size.parameters <= MOST_PARAMETERS * trainTokens);
  return fitting.length > 0 ? fitting : all.slice(0, 1);
}

/** The recipe's context, or half of it as often as it takes for a window to fit into the held-out text. */
function contextFor({ heldOutTokens }: TextSize): Pick<TrainConfig, 'blockSize'> {
  let { blockSize } = resolveConfig(RECIPE);
  while (blockSize > 1 && heldOutTokens <= blockSize) blockSize /= 2;
  return { blockSize };
}

/** What follows from the number of steps. */
function timing(steps: number): Partial<TrainConfig> {
  const every = Math.max(1, Math.ceil(steps / LOOKS));
  return { steps, warmupSteps: Math.min(100, Math.floor(steps / 8)), evalEvery: every, checkpointEvery: every };
}

const tokensPerStep = ({ batchSize, blockSize, gradientAccumulation }: TrainConfig): number =>
  batchSize * blockSize * gradientAccumulation;

/** Steps that a text has something to give for. */
const mostSteps = (config: TrainConfig, { trainTokens }: TextSize): number =>
  Math.max(1, Math.round((MOST_EPOCHS * trainTokens) / tokensPerStep(config)));

/**
 * The size for which the law promises the least loss, larger ones only where they are worth it, and how many steps it has.
 * @param steps how many steps of a model the dial allows
 */
export function choose(law: ScalingLaw, text: TextSize, wishes: Wishes, steps: (one: Candidate) => number): Choice {
  const lossOfOne = (one: Candidate): number => chosen(law, text, one, steps(one)).expected.loss;
  const [first, ...larger] = candidates(text, wishes);
  let best = first;
  // upwards to the first size that is no better: the losses have one valley
  for (const one of larger) {
    if (lossOfOne(one) > lossOfOne(best) - WORTHWHILE) break;
    best = one;
  }
  return chosen(law, text, best, steps(best));
}

function chosen(
  law: ScalingLaw,
  text: TextSize,
  { settings: of, config: any, size }: Candidate,
  allowed: number,
): Choice {
  const most = mostSteps(any, text);
  const steps = Math.max(1, Math.min(Math.floor(allowed), most));
  const settings = of(steps);
  const config = resolveConfig(RECIPE, settings);
  const tokens = steps * tokensPerStep(config);
  const promised = expectedLoss(law, { parameters: size.parameters, tokens }, text.trainTokens);
  // far below what was measured the law has losses that nobody has
  const guessing = Math.log(text.vocabSize);
  const expected = promised.loss < guessing ? promised : { loss: guessing, low: guessing, high: guessing };
  const epochs = tokens / text.trainTokens;
  return { settings, config, size, tokens, epochs, expected, textEnds: allowed >= most + 1 };
}

/** Steps for so many operations. */
export const stepsForOperations =
  (operations: number) =>
  ({ config, size }: Pick<Candidate, 'config' | 'size'>): number =>
    operations / (size.operations * tokensPerStep(config));

/**
 * Steps after which a model of this size has had the text that goes with it: where a larger model would be no better use of the
 * operations, alpha A / N^alpha = beta B / D^beta.
 */
export const stepsForSize =
  ({ fit, repetition }: ScalingLaw, { trainTokens }: TextSize) =>
  ({ config, size }: Pick<Candidate, 'config' | 'size'>): number => {
    const { A, alpha, B, beta } = fit;
    const worth = ((beta * B * size.parameters ** alpha) / (alpha * A)) ** (1 / beta);
    return tokensWorth(worth, trainTokens, repetition) / tokensPerStep(config);
  };

/** Tokens whose worth is `worth`: the inverse of `effectiveTokens`; as many as there are epochs for where nothing is worth so much. */
function tokensWorth(worth: number, unique: number, repetition: number): number {
  if (worth <= unique) return worth;
  const most = MOST_EPOCHS * unique;
  if (effectiveTokens(most, unique, repetition) <= worth) return most;
  return unique * (1 - repetition * Math.log(1 - (worth / unique - 1) / repetition));
}

/** The settings of a model that is taught for so many steps. */
export const configOf = ({ settings }: Pick<Candidate, 'settings'>, steps: number): TrainConfig =>
  resolveConfig(RECIPE, settings(steps));

/**
 * The most steps whose run is over within `seconds`: what is beside the steps, such as validations, may change with their number.
 * @param step seconds of one
 * @param forecast seconds of a whole run of so many steps
 */
export function stepsForSeconds(seconds: number, step: number, forecast: (steps: number) => number): number {
  let steps = Math.max(1, Math.floor(seconds / step));
  for (let over = forecast(steps) - seconds; over > 0 && steps > 1; over = forecast(steps) - seconds)
    steps = Math.max(1, steps - Math.ceil(over / step));
  return steps;
}
