/** What of a run is fixed before it begins: its memory, and how much it validates. */
import type { MemoryCard } from '../../report/data.ts';
import type { TrainConfig } from '../config.ts';
import type { Evaluator } from '../evaluate.ts';
import type { TextTuning } from '../trainable.ts';
import type { Trainer } from '../trainer.ts';

/** What the parts of a run take of the device's memory. */
export function memoryPlan(trainer: Trainer, evaluator: Evaluator, base?: TextTuning): MemoryCard['planned'] {
  const { gradientBytes, transientBytes, model } = trainer;
  const { adapters } = base ?? {};
  return [
    { what: 'parameters', sizeBytes: 4 * model.parameters.values.size },
    ...(adapters ? [{ what: 'adapters', sizeBytes: 4 * adapters.parameters.values.size }] : []),
    { what: 'gradients', sizeBytes: gradientBytes },
    { what: 'moments of the optimizer', sizeBytes: 2 * gradientBytes },
    { what: 'activations in training', sizeBytes: transientBytes },
    { what: 'activations in validation', sizeBytes: evaluator.transientBytes },
  ];
}

/** Held-out tokens that the last validation scores at most, spread over all of them: a large corpus would take minutes. */
const FINAL_TOKENS = 2 ** 18;

/** Batches that a validation on the way scores, or the last one: 0 for all that there are. */
export function validationBatches({ batchSize, blockSize, evalBatches }: TrainConfig, isLast: boolean): number {
  if (!isLast || evalBatches === 0) return evalBatches;
  return Math.max(Math.ceil(FINAL_TOKENS / (batchSize * blockSize)), evalBatches);
}
