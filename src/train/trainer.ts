import { adamwHyper, HYPER_SIZE } from '../kernels/adamw.ts';
import { add, scale } from '../kernels/elementwise.ts';
import { gradientNorm } from '../kernels/gradientNorm.ts';
import { endScaledStep, lossScaleState, scaledGradient } from '../kernels/lossScale.ts';
import { METRICS, storeMetrics } from '../kernels/record.ts';
import type { GPT } from '../model/gpt.ts';
import type { Dispatched, Engine, Recording } from '../tensor/engine.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Batch } from '../text/batches.ts';
import type { TrainConfig } from './config.ts';
import { updateParameters } from './optimizer.ts';
import { learningRateAt } from './schedule.ts';

/** What a step tells. */
export interface StepMetrics {
  /** Steps done, counted from 1. */
  step: number;
  /** Mean cross-entropy of the step's batches, nats a token. */
  loss: number;
  /** Euclidean norm of all gradients before clipping; NaN when they overflowed and the step was skipped. */
  gradientNorm: number;
  /** What the loss was multiplied by in the backward pass; 1 without mixed precision. */
  lossScale: number;
}

/** Steps whose losses wait on the GPU for the host to look. */
const RING = 64;

/**
 * One optimizer step, recorded once and replayed: forward, backward, global norm, AdamW or Muon; in the precision that the engine is
 * set to when the trainer is made. The host uploads the batch and the
 * learning rate; losses stay in a ring on the GPU until somebody asks, so that no step waits for the host.
 */
export class Trainer {
  /** Running means of the gradients and of their squares: (N), in the layout of the parameters. */
  readonly firstMoment: Tensor;
  readonly secondMoment: Tensor;
  /** In mixed precision, the state of loss scaling: (5). Checkpoints hold it. */
  readonly lossScale: Tensor | undefined;
  /** Optimizer steps done, skipped ones included. */
  step = 0;
  private readonly engine: Engine;
  private readonly batches: { ids: Tensor; targets: Tensor }[]; // (B, T) u32 each
  private readonly hyper: Tensor;
  private readonly state: Tensor; // (2) u32 [seed, step]
  private readonly ring: Tensor; //  (RING, METRICS)
  private recorded: Recording<Record<string, Tensor>> | undefined;

  constructor(
    readonly model: GPT,
    private readonly config: TrainConfig,
  ) {
    const { values } = model.parameters.requireGradients();
    const { engine } = values;
    this.engine = engine;
    this.firstMoment = engine.zeros(values.shape, 'f32', "the optimizer's moments");
    this.secondMoment = engine.zeros(values.shape, 'f32', "the optimizer's moments");
    if (engine.precision === 'mixed') this.lossScale = engine.tensor(lossScaleState(), [lossScaleState().length]);
    const window = [config.batchSize, config.blockSize];
    this.batches = Array.from({ length: config.gradientAccumulation }, () => ({
      ids: engine.zeros(window, 'u32'),
      targets: engine.zeros(window, 'u32'),
    }));
    this.hyper = engine.zeros([HYPER_SIZE]);
    this.state = engine.zeros([2], 'u32');
    this.ring = engine.zeros([RING, METRICS]);
  }

  /** The step, recorded when it is first needed: by then the engine's tables are what they will be. */
  private get work(): Recording<Record<string, Tensor>> {
    this.recorded ??= this.engine.record(() => this.optimize());
    return this.recorded;
  }

  /** What a step dispatches, without a step being taken or its memory allocated: for tuning. */
  rehearse(): Dispatched[] {
    const { engine } = this;
    return engine.observe(() => engine.device.capture(() => this.optimize()));
  }

  /** Bytes of activations and gradients between parameters and loss. */
  get transientBytes(): number {
    return this.work.transientBytes;
  }

  /** The recorded step, for profiles. */
  get program() {
    return this.work.program;
  }

  /** The learning rate of the next step. */
  get learningRate(): number {
    return learningRateAt(this.step, this.config);
  }

  /** Submits one step; `batches` are as many as gradientAccumulation says. Returns without waiting for the GPU. */
  train(batches: readonly Batch[]): void {
    const { beta1, beta2, epsilon, weightDecay, clipNorm, seed } = this.config;
    batches.forEach(({ inputs, targets }, i) => {
      this.batches[i].ids.write(inputs as Uint32Array<ArrayBuffer>);
      this.batches[i].targets.write(targets as Uint32Array<ArrayBuffer>);
    });
    const settings = { learningRate: this.learningRate, beta1, beta2, epsilon, weightDecay, clipNorm };
    this.hyper.write(adamwHyper(settings, this.step + 1));
    this.state.write(Uint32Array.of(seed, this.step));
    this.work.run();
    this.step++;
  }

  /** Waits for the GPU and returns the metrics of the last `count` steps, oldest first; at most 64 are kept. */
  async metrics(count: number): Promise<StepMetrics[]> {
    const ring = await this.ring.floats();
    return Array.from({ length: Math.min(count, RING, this.step) }, (_, i, n = Math.min(count, RING, this.step)) => {
      const index = this.step - n + i;
      const slot = METRICS * (index % RING);
      return { step: index + 1, loss: ring[slot], gradientNorm: ring[slot + 1], lossScale: ring[slot + 3] };
    });
  }

  private optimize(): Record<string, Tensor> {
    const { engine, model, state, hyper, lossScale, firstMoment, secondMoment } = this;
    const { gradients } = model.parameters;
    engine.device.clear(gradients!.view);
    if (lossScale) engine.device.clear(engine.overflow.view);
    const { length: count } = this.batches;
    const dLoss = this.lossGradient(1 / count);
    let mean: Tensor | undefined;
    for (const { ids, targets } of this.batches) {
      const loss = model.loss(ids, targets, { state, recompute: this.config.recompute });
      engine.backward(loss, dLoss);
      const part = engine.withoutGradients(() => (count > 1 ? scale(loss, { factor: 1 / count }) : loss));
      mean = mean ? engine.withoutGradients(() => add(mean!, part)) : part;
    }
    const norm = gradientNorm(gradients!);
    if (lossScale) endScaledStep({ lossScale, norm, hyper, overflow: engine.overflow });
    updateParameters(model.parameters, { firstMoment, secondMoment, norm, hyper }, this.config);
    storeMetrics(this.ring, { state, loss: mean!, norm, hyper });
    return {};
  }

  /** What each batch's loss counts for: its share, times the scale if there is one. Undefined for 1. */
  private lossGradient(share: number): Tensor | undefined {
    if (this.lossScale) return scaledGradient(this.lossScale, share);
    return share === 1 ? undefined : this.engine.tensor([share], []);
  }
}
