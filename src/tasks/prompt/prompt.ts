/** How well a model labels texts when it is only prompted. */

import { mean } from 'simple-statistics';
import { UserError } from '../../errors.ts';
import type { GPT } from '../../model/gpt.ts';
import { Scorer } from '../../model/score.ts';
import { largest, smallest } from '../../numbers.ts';
import type { LabelledText } from '../../text/labels/labelled.ts';
import type { Tokenizer } from '../../text/tokenizers/tokenizer.ts';
import { type ClassificationReport, classificationReport } from '../metrics/classification.ts';
import { deviation } from '../metrics/statistics.ts';
import { softmax } from '../metrics/temperature.ts';
import { drawShots, PromptBuilder } from './builder.ts';
import type { LabelTemplate, Verbalizer } from './template.ts';

export interface PromptingOptions {
  model: GPT;
  tokenizer: Tokenizer;
  template: LabelTemplate;
  /** Of all classes, in the order in which reports give them. */
  verbalizer: Verbalizer;
  /** Where shots are drawn from: never from the tested. */
  pool: readonly LabelledText[];
  tested: readonly LabelledText[];
  /** Solved examples in a prompt. */
  shots: number;
  /** Each seed draws its own shots and order. */
  seeds: readonly number[];
  /** Contextual calibration: see `labelProbabilities`. */
  calibrate: boolean;
  /** Words are compared by their mean log-likelihood a token, in place of the sum. */
  perToken: boolean;
  onProgress?: (seed: number, done: number, total: number) => void;
}

/** One seed's shots and what came of them. */
export interface PromptingRun {
  readonly seed: number;
  /** Shots that found room in the context, averaged over the tested. */
  readonly meanShots: number;
  /** Tested texts that did not fit even without shots and lost their end. */
  readonly shortened: number;
  readonly report: ClassificationReport;
}

/** A score over the seeds; the deviation is the sample's, 0 of one seed. */
export interface Spread {
  readonly mean: number;
  readonly deviation: number;
  readonly low: number;
  readonly high: number;
}

export interface PromptingReport {
  readonly classes: readonly string[];
  readonly words: readonly string[];
  readonly shots: number;
  /** The content-free text that calibration asked about; null without calibration. */
  readonly contentFree: string | null;
  readonly runs: readonly PromptingRun[];
  readonly accuracy: Spread;
  readonly macroF1: Spread;
  readonly calibrationError: Spread;
  /** Share of the commonest class among the tested: what always saying it would reach. */
  readonly majority: number;
}

/** A content-free text, the first of the three that Zhao et al. (2021) average; nothing at all serves tokenizers that cannot write it. */
const CONTENT_FREE = 'N/A';

/**
 * P(class) of one prompt from the log-likelihoods of the classes' words: their softmax. Given those of the words after a
 * content-free text too, each probability is divided by what the word has there, and all are normalized anew: contextual
 * calibration (Zhao et al. 2021, "Calibrate before use"), which takes away what a prompt favours whatever the text.
 */
export const labelProbabilities = (logLikelihoods: readonly number[], contentFree?: readonly number[]): Float64Array =>
  softmax(logLikelihoods.map((score, c) => score - (contentFree?.[c] ?? 0)));

/**
 * Prompts a model with every tested text and `shots` solved examples before it, seed by seed.
 * @throws UserError without enough examples for the shots, and when template and words do not fit into the context
 */
export async function evaluatePrompting(options: PromptingOptions): Promise<PromptingReport> {
  const { model, tokenizer, template, verbalizer, pool, tested, shots, calibrate } = options;
  if (shots > pool.length) {
    throw new UserError(
      `${shots} shots were asked for, but only ${pool.length} examples can be shown; give fewer shots`,
    );
  }
  const builder = new PromptBuilder(tokenizer, template, verbalizer, model.config.blockSize);
  const contentFree = calibrate ? contentFreeText(tokenizer) : null;
  const scorer = new Scorer(model);
  const runs: PromptingRun[] = [];
  try {
    // without shots there is nothing that a seed could change
    for (const seed of shots === 0 ? options.seeds.slice(0, 1) : options.seeds) {
      runs.push(await runSeed(options, builder, scorer, contentFree, seed));
    }
  } finally {
    scorer.dispose();
  }
  const spread = (score: 'accuracy' | 'macroF1' | 'calibrationError'): Spread =>
    spreadOf(runs.map(({ report }) => report[score]));
  return {
    classes: [...verbalizer.keys()],
    words: [...verbalizer.values()],
    ...{ shots, contentFree, runs },
    accuracy: spread('accuracy'),
    macroF1: spread('macroF1'),
    calibrationError: spread('calibrationError'),
    majority: largest(runs[0].report.perClass.map(({ support }) => support)) / tested.length,
  };
}

async function runSeed(
  { verbalizer, pool, tested, shots, perToken, onProgress }: PromptingOptions,
  builder: PromptBuilder,
  scorer: Scorer,
  contentFree: string | null,
  seed: number,
): Promise<PromptingRun> {
  const examples = drawShots(pool, shots, seed);
  const prompts = tested.map(({ text }) => builder.build(text, examples));
  // the content-free text is asked about after each number of shots that some prompt has room for
  const numbers = contentFree === null ? [] : [...new Set(prompts.map((prompt) => prompt.shots))];
  const empty = numbers.map((count) => builder.build(contentFree!, examples.slice(examples.length - count)));
  const scored = await scorer.score(
    [...prompts, ...empty].map(({ question }) => question),
    (done, total) => onProgress?.(seed, done, total),
  );
  const scores = scored.map((likelihoods) => likelihoods.map(({ mean, sum }) => (perToken ? mean : sum)));
  const classes = [...verbalizer.keys()];
  const truth = tested.map(({ label }) => classes.indexOf(label));
  const favoured = new Map(numbers.map((count, i) => [count, scores[prompts.length + i]]));
  const probabilities = prompts.map((prompt, i) => labelProbabilities(scores[i], favoured.get(prompt.shots)));
  return {
    seed,
    meanShots: mean(prompts.map((prompt) => prompt.shots)),
    shortened: prompts.filter(({ shortened }) => shortened).length,
    report: classificationReport(classes, truth, probabilities),
  };
}

/** The content-free text, or none where the tokenizer cannot write it. */
function contentFreeText(tokenizer: Tokenizer): string {
  try {
    tokenizer.encode(CONTENT_FREE);
    return CONTENT_FREE;
  } catch (error) {
    if (error instanceof UserError) return '';
    throw error;
  }
}

const spreadOf = (values: readonly number[]): Spread => ({
  mean: mean(values),
  deviation: deviation(values),
  low: smallest(values),
  high: largest(values),
});
