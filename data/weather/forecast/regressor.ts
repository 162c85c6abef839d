/** A transformer that reads numbers and answers with numbers: a linear layer in, blocks as those of our language models, a linear layer out. */
import { UserError } from '../../../src/errors.ts';
import { add, multiply } from '../../../src/kernels/add.ts';
import { matmul } from '../../../src/kernels/matmul/matmul.ts';
import { embed } from '../../../src/kernels/packedEmbedding.ts';
import { mean } from '../../../src/kernels/reduce.ts';
import { GPT } from '../../../src/model/gpt.ts';
import { RecordedPasses } from '../../../src/model/passes.ts';
import type { Engine } from '../../../src/tensor/engine.ts';
import { Parameters } from '../../../src/tensor/parameters.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { mix, permute } from '../../../src/text/windows/permutation.ts';
import { modelConfig, type TrainConfig } from '../../../src/train/config.ts';
import { Stepper } from '../../../src/train/stepper.ts';

/** What a regressor reads and says of each token, a place or a time: F numbers, O numbers. */
export interface RegressorShape {
  readonly inputs: number;
  readonly outputs: number;
  /** Whether tokens see only those before them, as days do; else all others, as places on a map. */
  readonly causal: boolean;
  /** Where answers are factors: see `Factors`. */
  readonly factors?: Factors;
}

/**
 * A head whose O numbers are factors of what is known of a token in fine detail, which need not go through the model then: the token
 * has `groups` of known numbers, (channels, size) each, and answers with sums over the channels, (leads, size) each.
 */
export interface Factors {
  readonly groups: number;
  readonly leads: number;
  readonly channels: number;
  readonly size: number;
}

/** Settings of model and steps as those of a training run; `blockSize` is the number of tokens. */
export type RegressorSettings = TrainConfig;

/**
 * y = Linear(Blocks(Linear(x) + place)): (B, T, F) -> (B, T, O), times what is known where those are factors. The blocks are GPT's, with
 * one token in its vocabulary, whose embedding is the bias of the layer in. The layer out begins with zeros, so that training begins with
 * the forecast that it is to correct.
 */
export class Regressor {
  readonly trunk: GPT;
  /** `in.weight`: (F, C), `out.weight`: (C, O), `out.bias`: (O). */
  readonly ends: Parameters;
  private readonly passes: RecordedPasses<'x' | 'known'>;

  constructor(
    readonly engine: Engine,
    readonly shape: RegressorShape,
    readonly settings: RegressorSettings,
  ) {
    this.trunk = new GPT(engine, modelConfig({ ...settings, tieEmbeddings: true }, 1));
    const { inputs: F, outputs: O } = shape;
    const C = settings.nEmbd;
    this.ends = new Parameters(engine, [
      { name: 'in.weight', shape: [F, C], init: { std: 1 / Math.sqrt(F) }, decay: true },
      { name: 'out.weight', shape: [C, O], init: 'zeros', decay: true },
      { name: 'out.bias', shape: [O], init: 'zeros', decay: false },
    ]);
    this.passes = new RecordedPasses(engine, ({ x, known }) => this.forward(x, known));
  }

  /** Draws fresh weights. */
  initialize(seed: number): this {
    this.trunk.initialize(seed, this.settings);
    this.ends.initialize(seed);
    return this;
  }

  /** How many numbers are learned. */
  get parameterCount(): number {
    return this.trunk.parameters.count + this.ends.count;
  }

  /** Numbers that a token answers with: O, or those that its factors make. */
  get answers(): number {
    const { factors, outputs } = this.shape;
    return factors ? factors.groups * factors.leads * factors.size : outputs;
  }

  /** Numbers that are known of a token in detail; one, which is not read, where answers are no factors. */
  get details(): number {
    const { factors } = this.shape;
    return factors ? factors.groups * factors.channels * factors.size : 1;
  }

  /** (B, T, F), (B, T, details) -> (B, T, answers).   state: (2) u32 [seed, step], for dropout in training */
  forward(x: Tensor, known: Tensor, state?: Tensor): Tensor {
    const { trunk, ends, engine, shape } = this;
    const [B, T] = x.shape;
    const ids = engine.zeros([B, T], 'u32');
    const places = embed({ ids, tokens: trunk.tokens, positions: trunk.positions }); //              (B, T, C)
    const embedded = matmul({ a: x, b: ends.get('in.weight'), residual: places }); //                (B, T, C)
    const hidden = trunk.through(embedded, { state, bidirectional: !shape.causal }); //              (B, T, C)
    const y = matmul({ a: hidden, b: ends.get('out.weight'), bias: ends.get('out.bias') }); //       (B, T, O)
    if (!shape.factors) return y;
    const { groups, leads, channels, size } = shape.factors;
    const parts = B * T * groups;
    const [a, b] = [y.reshape([parts, leads, channels]), known.reshape([parts, channels, size])];
    return matmul({ a, b }).reshape([B, T, this.answers]);
  }

  /** (T, answers) for each example. */
  async predict(examples: readonly Pick<Example, 'x' | 'known'>[]): Promise<Float32Array[]> {
    const { batchSize: B, blockSize: T } = this.settings;
    const answers: Float32Array[] = [];
    for (let start = 0; start < examples.length; start += B) {
      const some = examples.slice(start, start + B);
      const rows = Array.from({ length: B }, (_, i) => some[i % some.length]);
      const y = await this.passes.run({
        x: [joined(rows.map(({ x }) => x)), [B, T, this.shape.inputs]],
        known: [joined(rows.map((row) => this.knownOf(row))), [B, T, this.details]],
      });
      const size = T * this.answers;
      for (let i = 0; i < some.length; i++) answers.push(y.slice(i * size, (i + 1) * size));
    }
    return answers;
  }

  knownOf({ known }: Pick<Example, 'known'>): Float32Array {
    return known ?? new Float32Array(this.settings.blockSize * this.details);
  }

  /** Hands back the memory of what was recorded; a later prediction records anew. */
  dispose(): void {
    this.passes.dispose();
  }
}

/** What is learned from: numbers that are read, (T, F), what factors are for, (T, details), and answers that are right, (T, answers). */
export interface Example {
  readonly x: Float32Array;
  readonly known?: Float32Array;
  readonly y: Float32Array;
}

export interface Fit {
  /** Mean square error on the validation examples, at its best and before the first step. */
  readonly loss: number;
  readonly before: number;
  /** Steps after which it was the best: its weights are those that stay. */
  readonly step: number;
}

export interface FitOptions {
  readonly train: readonly Example[];
  readonly validation: readonly Example[];
  readonly signal?: AbortSignal;
  readonly onStep?: (step: number, of: number) => void;
}

/**
 * Teaches a regressor by the mean square error, in an order that the seed of its settings says, and leaves it with the weights that
 * were best on the validation examples.
 * @throws UserError where the error is no number any more
 */
export async function fitRegressor(
  regressor: Regressor,
  { train, validation, signal, onStep }: FitOptions,
): Promise<Fit> {
  const { engine, settings, shape, trunk, ends } = regressor;
  const { steps, batchSize: B, blockSize: T, seed, evalEvery } = settings;
  const x = engine.zeros([B, T, shape.inputs]);
  const known = engine.zeros([B, T, regressor.details]);
  const minusY = engine.zeros([B, T, regressor.answers]);
  const loss = (state: Tensor): Tensor => {
    const missed = add({ a: regressor.forward(x, known, state), b: minusY }); //                     (B, T, answers)
    return mean({ x: multiply({ a: missed, b: missed }) });
  };
  const parameters = [trunk.parameters, ends];
  const stepper = new Stepper(engine, { parameters: parameters.map((one) => ({ parameters: one })), loss }, settings);
  const before = await meanSquare(regressor, validation);
  let best = { loss: before, step: 0, values: await Promise.all(parameters.map(({ values }) => values.floats())) };
  for (let step = 0; step < steps; ) {
    const batch = Array.from({ length: B }, (_, row) => train[exampleAt(step * B + row, train.length, seed)]);
    x.write(joined(batch.map((one) => one.x)));
    known.write(joined(batch.map((one) => regressor.knownOf(one))));
    minusY.write(joined(batch.map((one) => one.y)).map((value) => -value));
    stepper.run();
    step++;
    if (step % evalEvery !== 0 && step < steps) continue;
    signal?.throwIfAborted();
    const now = await meanSquare(regressor, validation);
    if (!Number.isFinite(now))
      throw new UserError(`The regression's error is no number after ${step} steps: give it a lower learning rate.`);
    if (now < best.loss)
      best = { loss: now, step, values: await Promise.all(parameters.map(({ values }) => values.floats())) };
    onStep?.(step, steps);
  }
  stepper.dispose();
  parameters.forEach(({ values }, i) => {
    values.write(best.values[i]);
  });
  return { loss: best.loss, before, step: best.step };
}

/** Which example is the `index`-th of the training: each once an epoch, in an order of its own. */
function exampleAt(index: number, count: number, seed: number): number {
  const epoch = Math.floor(index / count);
  return permute(index - epoch * count, count, mix(seed, epoch));
}

/** Over all numbers of all examples. */
async function meanSquare(regressor: Regressor, examples: readonly Example[]): Promise<number> {
  const answers = await regressor.predict(examples);
  let [sum, count] = [0, 0];
  answers.forEach((answer, n) => {
    for (let i = 0; i < answer.length; i++) sum += (answer[i] - examples[n].y[i]) ** 2;
    count += answer.length;
  });
  return sum / count;
}

/** Arrays one after the other. */
function joined(rows: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const size = rows[0].length;
  const all = new Float32Array(rows.length * size);
  for (const [i, row] of rows.entries()) all.set(row, i * size);
  return all;
}
