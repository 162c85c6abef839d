import { add, multiply, scale } from '../kernels/add.ts';
import { gradientNorm } from '../kernels/optimizer/gradientNorm.ts';
import { endScaledStep, lossScaleState, scaledGradient } from '../kernels/optimizer/lossScale.ts';
import { METRICS, storeMetrics } from '../kernels/optimizer/metrics.ts';
import { type AdamwSettings, packSettings, SETTINGS } from '../kernels/optimizer/optimizer.ts';
import type { Engine, Recording } from '../tensor/engine.ts';
import type { Dispatched } from '../tensor/kernel.ts';
import type { Parameters } from '../tensor/parameters.ts';
import { type Shape, sizeOf } from '../tensor/shape.ts';
import { ELEMENT_BYTES, type Tensor } from '../tensor/tensor.ts';
import { within } from '../tensor/within.ts';
import type { TrainConfig } from './config.ts';
import { checkOptimizer, type NamedNumbers, type OptimizerSettings, Trained } from './optimizer.ts';
import { learningRateAt, type ScheduleSettings } from './schedule.ts';

/** Parameters that a step moves. */
export interface TrainableParameters {
  readonly parameters: Parameters;
  /** Those of them that are trained, all unless given; the others stay as they are, to the bit. */
  readonly names?: readonly string[];
  /** Their learning rate in units of the schedule's: 1 unless given. */
  readonly rate?: number;
}

/** What is minimized, and over what. */
export interface Objective {
  /** Collections, none of them twice; gradients are clipped by the norm of all of them together. */
  readonly parameters: readonly TrainableParameters[];
  /** Batches whose gradients are averaged in a step: 1 unless given. */
  readonly batches?: number;
  /**
   * The forward pass over batch `index`, from tensors that the caller fills before each step: mean loss, (). It is recorded
   * once for each form, and replayed from then on.   state: (2) u32 [seed, step], for dropout
   * @param form what `run` was told: batches of different lengths are different forms
   */
  loss(state: Tensor, index: number, form: number): Tensor;
}

/** The settings of a run that its steps go by. */
export type StepSettings = ScheduleSettings &
  OptimizerSettings &
  Omit<AdamwSettings, 'learningRate'> &
  Pick<TrainConfig, 'seed'>;

/** What a step tells. */
export interface StepMetrics {
  /** Steps done, counted from 1. */
  step: number;
  /** Mean loss of the step's batches: for language models cross-entropy, nats a token. */
  loss: number;
  /** Euclidean norm of all gradients before clipping; NaN when they overflowed and the step was skipped. */
  gradientNorm: number;
  /** What the loss was multiplied by in the backward pass; 1 without mixed precision. */
  lossScale: number;
}

/** What a stepper needs to go on, bit for bit. */
export interface StepperState {
  /** Trained parameters and their moments. */
  readonly tensors: readonly NamedNumbers[];
  /** In mixed precision, the state of loss scaling. */
  readonly lossScale?: readonly number[];
}

/** Steps whose losses wait on the GPU for the host to look. */
export const RING = 64;

/**
 * One optimizer step of any objective, recorded once and replayed: forward, backward, global norm, AdamW or Muon; in the
 * precision that the engine is set to when the stepper is made. The host uploads the learning rate (and the caller its
 * batches); losses stay in a ring on the GPU until somebody asks, so that no step waits for the host.
 */
export class Stepper {
  /** Optimizer steps done, skipped ones included. */
  step = 0;
  /** In mixed precision, the state of loss scaling: (5). */
  readonly lossScale: Tensor | undefined;
  readonly trained: readonly Trained[];
  private readonly settings: Tensor; // (SETTINGS.size)
  private readonly state: Tensor; // (2) u32 [seed, step]
  private readonly ring: Tensor; //  (RING, METRICS.size)
  /** Where it was restored: of the steps before that the ring knows nothing. */
  private begunAt = 0;
  private readonly recorded = new Map<number, Recording<Record<string, Tensor>>>();

  /** Gives the trained parameters their gradients. @throws Error when nothing is to be trained, UsageError for Muon without matrices */
  constructor(
    private readonly engine: Engine,
    private readonly objective: Objective,
    private readonly config: StepSettings,
  ) {
    this.trained = objective.parameters.flatMap(({ parameters, names, rate = 1 }) =>
      parameters.requireGradients(names).gradients ? new Trained(parameters, rate) : [],
    );
    if (this.trained.length === 0) throw new Error('an objective needs parameters that are trained');
    checkOptimizer(config, this.trained);
    if (engine.precision === 'mixed') this.lossScale = engine.tensor(lossScaleState(), [lossScaleState().length]);
    this.settings = engine.zeros([SETTINGS.size]);
    this.state = engine.zeros([2], 'u32');
    this.ring = engine.zeros([RING, METRICS.size]);
  }

  /** The step of a form, recorded when it is first needed: by then the engine's tables are what they will be. */
  private work(form = 0): Recording<Record<string, Tensor>> {
    let recording = this.recorded.get(form);
    if (!recording) this.recorded.set(form, (recording = this.engine.record(() => this.optimize(form))));
    return recording;
  }

  /** What a step dispatches, without a step being taken or its memory allocated: for tuning. */
  rehearse(): Dispatched[] {
    const { engine } = this;
    return engine.observe(() => engine.device.capture(() => this.optimize(0)));
  }

  /** Bytes of activations and gradients between parameters and loss. */
  get transientBytes(): number {
    return this.work().transientBytes;
  }

  /** Bytes of the gradients of the trained parameters; the moments take twice as many. */
  get gradientBytes(): number {
    return this.trained.reduce((sum, { parameters }) => sum + ELEMENT_BYTES * parameters.gradients!.size, 0);
  }

  /** How many numbers are trained. */
  get trainedCount(): number {
    const specs = this.trained.flatMap(({ parameters }) => parameters.trainedSpecs);
    return specs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  }

  /** The recorded step, for profiles. */
  get program() {
    return this.work().program;
  }

  /** Submits one step, over batches of a form. Returns without waiting for the GPU. */
  run(form = 0): void {
    const { config, step } = this;
    this.settings.write(packSettings({ ...config, learningRate: learningRateAt(step, config) }, step + 1));
    this.state.write(Uint32Array.of(config.seed, step));
    this.work(form).run();
    this.step++;
  }

  /** `run`, when no step of another form is likely to follow: hands back the memory of those. */
  protected runOnly(form: number): void {
    for (const [other, recording] of this.recorded) {
      if (other === form) continue;
      recording.dispose();
      this.recorded.delete(other);
    }
    this.run(form);
  }

  /** Hands back the memory of the recorded steps; a later step records anew. */
  dispose(): void {
    for (const recording of this.recorded.values()) recording.dispose();
    this.recorded.clear();
  }

  /** Waits for the GPU and returns the metrics of the last `count` steps of its own, oldest first; at most 64 are kept. */
  async metrics(count: number): Promise<StepMetrics[]> {
    const ring = await this.ring.floats();
    const kept = Math.min(count, RING, this.step - this.begunAt);
    return Array.from({ length: kept }, (_, i) => {
      const index = this.step - kept + i;
      const [loss, gradientNorm, , lossScale] = ring.subarray(METRICS.size * (index % RING));
      return { step: index + 1, loss, gradientNorm, lossScale };
    });
  }

  /** Waits for the GPU and returns what `restore` needs, the number of steps aside. */
  async save(): Promise<StepperState> {
    const tensors = await Promise.all(this.trained.map((one) => one.save()));
    const lossScale = this.lossScale && [...(await this.lossScale.floats())];
    return { tensors: tensors.flat(), ...(lossScale && { lossScale }) };
  }

  /** Goes on after `step` steps. `part` gives each tensor of `save` by its name, and throws when it is not there. */
  restore(step: number, part: (name: string, shape: Shape) => Float32Array, lossScale?: readonly number[]): void {
    for (const one of this.trained) one.restore(part);
    if (lossScale) this.lossScale?.write(Float32Array.from(lossScale));
    this.step = step;
    this.begunAt = step;
  }

  private optimize(form: number): Record<string, Tensor> {
    const { engine, trained, settings, lossScale, state } = this;
    for (const { parameters } of trained) engine.device.clear(parameters.gradients!.view);
    if (lossScale) engine.device.clear(engine.overflow.view);
    const loss = this.lossAndGradients(form);
    const move = (): void => {
      const norm = this.globalNorm();
      if (lossScale) endScaledStep({ lossScale, norm, settings, overflow: engine.overflow });
      for (const one of trained) one.update({ norm, settings: this.settingsAt(one.rate) }, this.config);
      storeMetrics(this.ring, { state, loss, norm, settings });
    };
    engine.withoutGradients(() => within(engine, 'optimizer', move));
    return {};
  }

  /** The mean loss of the batches, whose gradients are added up where the parameters have them. */
  private lossAndGradients(form: number): Tensor {
    const { engine, objective, state } = this;
    const count = objective.batches ?? 1;
    const dLoss = this.lossGradient(1 / count);
    let mean: Tensor | undefined;
    for (let i = 0; i < count; i++) {
      const loss = objective.loss(state, i, form);
      engine.backward(loss, dLoss);
      const part = engine.withoutGradients(() => (count > 1 ? scale({ x: loss }, { factor: 1 / count }) : loss));
      mean = mean ? engine.withoutGradients(() => add({ a: mean!, b: part })) : part;
    }
    return mean!;
  }

  /** What each batch's loss counts for: its share, times the scale if there is one. Undefined for 1. */
  private lossGradient(share: number): Tensor | undefined {
    if (this.lossScale) return scaledGradient(this.lossScale, share);
    return share === 1 ? undefined : this.engine.tensor([share], []);
  }

  /** The norm of the gradients of all collections: that of their norms.   -> (1) */
  private globalNorm(): Tensor {
    const norms = this.trained.map(({ parameters }) => gradientNorm({ gradients: parameters.gradients! }));
    if (norms.length === 1) return norms[0];
    const all = this.engine.empty([norms.length]);
    norms.forEach((norm, i) => {
      this.engine.device.copy(norm.part(0, [1]).view, all.part(i, [1]).view);
    });
    return gradientNorm({ gradients: all });
  }

  /** The step's settings with the learning rate times `rate`.   -> (SETTINGS.size) */
  private settingsAt(rate: number): Tensor {
    if (rate === 1) return this.settings;
    const factors = new Float32Array(SETTINGS.size).fill(1);
    factors[SETTINGS.at('learningRate')] = rate;
    return multiply({ a: this.settings, b: this.engine.tensor(factors, [SETTINGS.size]) });
  }
}
