/**
 * A task that can only be solved from the prompt: each sequence pairs keys with values at random, anew, and asks for the value
 * of a key (associative recall; Ba et al. 2016, "Using fast weights to attend to the recent past"; Olsson et al. 2022, "In-context
 * learning and induction heads"). Weights cannot hold the answer: a model that gives it has learned to read its context.
 */
import { z } from 'zod';
import { threefry } from '../../src/tensor/random.ts';
import { type Batch, IGNORE } from '../../src/text/windows/windows.ts';

/** Tokens 0 ... values - 1 are the values (the classes), the `keys` after them the keys. */
export const RecallTask = z.object({
  ...{ keys: z.int().min(1), values: z.int().min(1) },
  /** Pairs of a training sequence. */
  pairs: z.int().min(1),
  /** Different keys in a sequence at most: as many shots as a model is asked with. */
  mostShots: z.int().min(0),
});
export type RecallTask = Readonly<z.infer<typeof RecallTask>>;

/** A prompt: `shots` pairs with different keys, then one of these keys; what it was paired with is the answer. */
export interface RecallQuestion {
  /** 2 shots + 1 tokens. */
  readonly ids: Uint32Array;
  /** A value, 0 ... values - 1. */
  readonly answer: number;
}

/** Keeps the random numbers of training and of questions apart under one seed. */
const PURPOSES = { training: 1, questions: 2 } as const;

/** The tokens that a task has. */
export const recallVocabulary = ({ keys, values }: RecallTask): number => keys + values;

/** Random numbers of sequence `index`: a function of seed, purpose and index alone. */
function draws(seed: number, purpose: number, index: number): (below: number) => number {
  let drawn = 0;
  return (below) => threefry(seed, purpose, index, drawn++)[0] % below; // below is tiny against 2^32: the bias is nothing
}

/** `count` different keys in random order, each with a random value. */
function drawPairs({ keys, values }: RecallTask, count: number, draw: (below: number) => number): [number, number][] {
  const left = Array.from({ length: keys }, (_, i) => values + i);
  return Array.from({ length: count }, () => [left.splice(draw(left.length), 1)[0], draw(values)]);
}

/**
 * Question `index` of a seed's. Without shots a key stands alone and the answer is a random value: nobody can know it.
 * @param shots at most task.keys
 */
export function recallQuestion(task: RecallTask, shots: number, seed: number, index: number): RecallQuestion {
  const draw = draws(seed, PURPOSES.questions + 2 * shots, index);
  const pairs = drawPairs(task, Math.max(shots, 1), draw);
  const [key, answer] = pairs[draw(pairs.length)];
  return { ids: Uint32Array.from([...pairs.slice(0, shots).flat(), key]), answer };
}

/**
 * A batch for training: sequences of task.pairs pairs, first of 1 to `distinct` different keys, then of these again and again. The
 * targets are the values of keys that have come before; all else is IGNORE. Inputs and targets: (batchSize, 2 pairs).
 * @param distinct different keys at most: the curriculum's dial
 */
export function recallBatch(task: RecallTask, batchSize: number, distinct: number, seed: number, step: number): Batch {
  const width = 2 * task.pairs;
  const batch = {
    inputs: new Uint32Array(batchSize * width),
    targets: new Uint32Array(batchSize * width).fill(IGNORE),
  };
  for (let row = 0; row < batchSize; row++) {
    const draw = draws(seed, PURPOSES.training, step * batchSize + row);
    const known = drawPairs(task, 1 + draw(distinct), draw);
    for (let i = 0; i < task.pairs; i++) {
      const repeated = i >= known.length;
      const pair = repeated ? known[draw(known.length)] : known[i];
      batch.inputs.set(pair, row * width + 2 * i);
      if (repeated) batch.targets[row * width + 2 * i] = pair[1];
    }
  }
  return batch;
}
