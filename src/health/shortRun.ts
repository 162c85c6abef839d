/** A training of some hundred steps that leaves nothing behind, to be compared with another. */
import { UserError } from '../errors.ts';
import { GPT } from '../model/gpt.ts';
import type { Point } from '../report/series.ts';
import type { Engine } from '../tensor/engine.ts';
import { countBytes } from '../text/tokenizers/tokenizer.ts';
import { modelConfig, type TrainConfig } from '../train/config.ts';
import { Evaluator } from '../train/evaluate.ts';
import type { Material } from '../train/run/material.ts';
import { RING } from '../train/stepper.ts';
import { Trainer } from '../train/trainer.ts';

export interface ShortRun {
  readonly training: readonly Point[];
  /** Nats a token of the held-out text, and bits a byte, which compare where tokenizers differ. */
  readonly heldOut: number;
  readonly bitsPerByte: number;
  /** With the weights that it ended with, until the next one is asked for. */
  readonly model: GPT;
}

export interface ShortRunOptions {
  readonly engine: Engine;
  /** Its schedule is the whole run's, of which the first steps are taken. */
  readonly config: TrainConfig;
  readonly material: Material;
  readonly steps: number;
  /** Puts other weights into the fresh model. */
  readonly begin?: (model: GPT) => Promise<void> | void;
  readonly signal?: AbortSignal;
  readonly onStep?: (step: number) => void;
}

/** Batches of held-out text that are scored: as many as a run's validation on the way has. */
const SCORED = 20;

/** Trains from fresh weights, or those that `begin` puts there. @throws UserError when it is stopped */
export async function shortRun(options: ShortRunOptions): Promise<ShortRun> {
  const { engine, config, material, steps, begin, signal, onStep } = options;
  const { gradientAccumulation: count, batchSize, seed } = config;
  const model = new GPT(engine, modelConfig(config, material.tokenizer.vocabSize)).initialize(seed, config);
  await begin?.(model);
  const trainer = new Trainer(model, config);
  const training: Point[] = [];
  while (trainer.step < steps) {
    if (signal?.aborted) throw new UserError('Stopped: what was not tried yet is left out.');
    trainer.train(Array.from({ length: count }, (_, i) => material.train.batch(trainer.step * count + i)));
    if (trainer.step % (RING / 4) !== 0 && trainer.step < steps) continue;
    for (const { step, loss } of await trainer.metrics(trainer.step - training.length))
      training.push({ step, value: loss });
    onStep?.(trainer.step);
  }
  trainer.dispose();
  const evaluator = new Evaluator(model, batchSize);
  const { loss: heldOut } = await evaluator.score(material.validation, SCORED);
  evaluator.dispose();
  return { training, heldOut, bitsPerByte: (heldOut * tokensPerByte(material)) / Math.LN2, model };
}

function tokensPerByte({ tokens, tokenizer, card }: Material): number {
  if (!tokens) return (card.trainTokens + card.validationTokens) / card.bytes;
  return tokens.validation.length / countBytes(tokenizer, tokens.validation);
}
