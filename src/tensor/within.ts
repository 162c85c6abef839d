import type { TensorEngine } from './tensor.ts';

/** Runs (or records) `work` with its dispatches, and those of its gradients, noted to be for a part of a model: for profiles. */
export function within<T>({ device }: Pick<TensorEngine, 'device'>, part: string | undefined, work: () => T): T {
  const before = device.part;
  device.part = part;
  try {
    return work();
  } finally {
    device.part = before;
  }
}
