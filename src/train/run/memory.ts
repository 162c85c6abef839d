import type { MemoryCard } from '../../report/data.ts';
import type { Evaluator } from '../evaluate.ts';
import type { TextTuning } from '../trainable.ts';
import type { Trainer } from '../trainer.ts';
import type { Watch } from '../watch/watch.ts';

/** What the parts of a run take of the device's memory. */
export function memoryPlan(
  trainer: Trainer,
  evaluator: Evaluator,
  { base, watch }: { base?: TextTuning; watch?: Watch } = {},
): MemoryCard['planned'] {
  const { gradientBytes, transientBytes, model } = trainer;
  const { adapters } = base ?? {};
  return [
    { what: 'parameters', sizeBytes: 4 * model.parameters.values.size },
    ...(adapters ? [{ what: 'adapters', sizeBytes: 4 * adapters.parameters.values.size }] : []),
    { what: 'gradients', sizeBytes: gradientBytes },
    { what: 'moments of the optimizer', sizeBytes: 2 * gradientBytes },
    { what: 'activations in training', sizeBytes: transientBytes },
    { what: 'activations in validation', sizeBytes: evaluator.transientBytes },
    ...(watch ? [{ what: 'measurements inside', sizeBytes: watch.sizeBytes }] : []),
  ];
}
