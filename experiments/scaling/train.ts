/** One training of the miniseries. */
import { mean } from 'simple-statistics';
import { GPT } from '../../src/model/gpt.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import type { Tokenizer } from '../../src/text/tokenizers/tokenizer.ts';
import type { Dataset } from '../../src/text/windows/dataset.ts';
import { Windows } from '../../src/text/windows/windows.ts';
import { modelConfig, type TrainConfig } from '../../src/train/config.ts';
import { Evaluator } from '../../src/train/evaluate.ts';
import { diagnose } from '../../src/train/run/diagnose.ts';
import type { StepMetrics } from '../../src/train/stepper.ts';
import { Trainer } from '../../src/train/trainer.ts';

/** A text as all runs see it. */
export interface ScalingText {
  readonly tokenizer: Tokenizer;
  readonly dataset: Dataset;
  /** Tokens from the beginning of the held-out text that score a run. */
  readonly heldOut: number;
}

export interface Trained {
  /** Held out, and mean of the last steps, nats a token; null where they are no numbers. */
  readonly loss: number | null;
  readonly trainingLoss: number | null;
  /** A sentence where it went wrong. */
  readonly failed?: string;
}

/** Steps between two looks at the losses, and that the last training loss is a mean of. */
const LOOK_EVERY = 50;
/** Windows that are scored at once. */
const SCORED_AT_ONCE = 64;

/** Trains and scores; undefined where the signal cut it short. The same settings on the same adapter give the same losses. */
export async function trainPoint(
  engine: Engine,
  { tokenizer, dataset, heldOut }: ScalingText,
  config: TrainConfig,
  signal: AbortSignal,
  onStep: (step: number, loss: number) => void = () => undefined,
): Promise<Trained | undefined> {
  const model = new GPT(engine, modelConfig(config, tokenizer.vocabSize)).initialize(config.seed);
  const trainer = new Trainer(model, config);
  try {
    const windows = new Windows(dataset.train, config);
    const log: StepMetrics[] = [];
    while (trainer.step < config.steps) {
      trainer.train([windows.batch(trainer.step)]);
      if (trainer.step % LOOK_EVERY !== 0 && trainer.step < config.steps) continue;
      for (const one of await trainer.metrics(trainer.step - (log.at(-1)?.step ?? 0))) log.push(one);
      if (signal.aborted) return undefined;
      const records = log.map((one) => ({ ...one, tokens: 0, timeMs: 0 }));
      const failed = diagnose(records.slice(-LOOK_EVERY), config, tokenizer.vocabSize, false);
      if (failed) return { loss: null, trainingLoss: null, failed };
      onStep(trainer.step, log.at(-1)!.loss);
    }
    const evaluator = new Evaluator(model, SCORED_AT_ONCE);
    const { loss } = await evaluator.run(dataset.validation.subarray(0, heldOut + 1));
    evaluator.dispose();
    return { loss, trainingLoss: mean(log.slice(-LOOK_EVERY).map((one) => one.loss)) };
  } finally {
    trainer.dispose();
  }
}
