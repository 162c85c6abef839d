import { UserError } from '../errors.ts';
import type { AdapterSummary } from '../gpu/adapter.ts';
import { Constants, Device, type Wait } from '../gpu/device.ts';
import type { Program } from '../gpu/recorder.ts';
import { Tape } from './autograd.ts';
import type { Capabilities, Precision } from './capabilities.ts';
import { type Dispatched, observe } from './kernel.ts';
import { format, type Shape, sizeOf } from './shape.ts';
import { type DType, ELEMENT_BYTES, Tensor, type TensorEngine } from './tensor.ts';
import { Tuning } from './tuning/table.ts';

/** A recorded piece of work that can be run again and again on the same tensors. */
export interface Recording<T> {
  /** What the recorded function returned: tensors that hold the results after each `run`. */
  readonly outputs: T;
  /** Submits the work, once or so many `times` together, and returns at once. */
  run(times?: number): void;
  /** Submits what is made once of the constants: to be called before the first run, and when they have changed. */
  prepare(): void;
  /** Bytes of device memory that only this recording uses. */
  readonly transientBytes: number;
  readonly program: Program;
  /** Hands its memory, that of the outputs included, back at once; it must not run again. */
  dispose(): void;
}

/** Makes tensors, runs or records ops, and keeps the tape. One engine serves one adapter. */
export class Engine implements TensorEngine {
  readonly tape = new Tape();
  /** Which tuning points are taken before the kernels' own preferences. */
  readonly tuning = new Tuning();
  /** 'naive' runs every op's first variant: the plain kernels that the lessons begin with; 'best' the last one; else the one of that name. */
  variant: 'naive' | 'best' | (string & {}) = 'best';
  /** Extra bytes past the end of each new tensor: tests put canaries there. */
  paddingBytes = 0;
  readonly one: Tensor;
  private readonly capabilitiesAt: Record<Precision, Capabilities>;
  private chosenPrecision: Precision = 'float32';
  private overflowFlag: Tensor | undefined;

  /** `pretended` facts of the adapter hold in place of its own: so a test makes the choices that another one would. */
  constructor(
    readonly device: Device,
    pretended: Partial<AdapterSummary> = {},
  ) {
    const { limits } = device.gpu;
    const capabilities = {
      ...device.adapter,
      ...pretended,
      workgroupStorageBytes: limits.maxComputeWorkgroupStorageSize,
      workgroupInvocations: limits.maxComputeInvocationsPerWorkgroup,
      bindingBytes: limits.maxStorageBufferBindingSize,
      textureSide: limits.maxTextureDimension2D,
    };
    this.capabilitiesAt = {
      float32: { ...capabilities, precision: 'float32' },
      mixed: { ...capabilities, precision: 'mixed' },
    };
    this.one = this.tensor([1], []);
  }

  get capabilities(): Capabilities {
    return this.capabilitiesAt[this.chosenPrecision];
  }

  /** What kernels read operands as from the next dispatch on. */
  get precision(): Precision {
    return this.chosenPrecision;
  }

  /** @throws UserError for mixed precision where the adapter has no f16. */
  set precision(precision: Precision) {
    const { features, name } = this.device.adapter;
    if (precision === 'mixed' && !features.includes('shader-f16')) {
      throw new UserError(`${name} has no 16-bit floats (shader-f16): train with --precision float32, or auto.`);
    }
    if (precision === 'mixed') this.overflowFlag ??= this.zeros([1], 'u32');
    this.chosenPrecision = precision;
  }

  get overflow(): Tensor {
    if (!this.overflowFlag) throw new Error('only mixed precision overflows');
    return this.overflowFlag;
  }

  /** Opens an engine on an adapter; `wait` is how the host waits for the GPU. @throws UserError when the adapter refuses. */
  static async open(adapter: GPUAdapter, wait?: Wait): Promise<Engine> {
    return new Engine(await Device.open(adapter, wait));
  }

  /** A new tensor with undefined contents; `label` names it in errors. @throws UserError for no shape, or too large a one. */
  empty(shape: Shape, dtype: DType = 'f32', label = 'a tensor'): Tensor {
    if (!shape.every((axis) => Number.isInteger(axis) && axis >= 0)) {
      throw new UserError(`${label}: axes must be whole numbers from 0, got ${format(shape)}`);
    }
    const sizeBytes = Math.max(sizeOf(shape), 1) * ELEMENT_BYTES + this.paddingBytes;
    return new Tensor(this, shape, dtype, this.device.allocate(sizeBytes, label));
  }

  /** A tensor of zeros. */
  zeros(shape: Shape, dtype: DType = 'f32', label?: string): Tensor {
    const tensor = this.empty(shape, dtype, label);
    this.device.clear(tensor.view);
    return tensor;
  }

  /** A tensor of the given numbers; Uint32Array makes u32, all else f32. @throws UserError when the count does not fit. */
  tensor(data: ArrayLike<number>, shape: Shape, label?: string): Tensor {
    const numbers = data instanceof Uint32Array ? new Uint32Array(data) : new Float32Array(data);
    return this.empty(shape, numbers instanceof Uint32Array ? 'u32' : 'f32', label).write(numbers);
  }

  /**
   * Records what `work` does instead of doing it. Tensors made inside share memory by lifetime; the returned ones last.
   * `constants` hold what changes only between runs, such as the parameters when sampling: `prepare` makes their images. Recordings
   * that are given the same `constants` share the images, of which each prepares those that it was the first to ask for.
   */
  record<T extends Readonly<Record<string, Tensor>>>(
    work: () => T,
    constants: readonly Tensor[] | Constants = [],
  ): Recording<T> {
    const shared = constants instanceof Constants ? constants : this.constants(constants);
    const { result, commands, preparation } = this.device.capture(work, shared);
    const preparing = this.device.program(preparation, []);
    const program = this.device.program(
      commands,
      Object.values(result).map((tensor) => tensor.view),
    );
    return {
      outputs: result,
      program,
      transientBytes: program.transientBytes,
      run: (times) => this.device.run(program, times),
      prepare: () => this.device.run(preparing),
      dispose: () => {
        this.device.free(program);
        this.device.free(preparing);
      },
    };
  }

  /** Tensors that change only between runs of the recordings that are given this. */
  constants(tensors: readonly Tensor[]): Constants {
    return new Constants(tensors.map(({ view }) => view));
  }

  /**
   * Runs eager `work`, and hands back the memory of all tensors that it makes but the returned ones: at once, and not when they
   * are garbage, which the garbage collector, who does not see its size, finds late. Nothing else may use them afterwards: not
   * the tape, nor a recording.
   */
  scope<T extends Readonly<Record<string, Tensor>>>(work: () => T): T {
    return this.device.scope(work, (made) => Object.values(made).map(({ view }) => view));
  }

  /** Runs (or records) `work` and returns its dispatches. */
  observe(work: () => unknown): Dispatched[] {
    return observe(this, work);
  }

  /** Runs `work` without writing the tape: for evaluation and sampling. */
  withoutGradients<T>(work: () => T): T {
    return this.tape.paused(work);
  }

  /**
   * Runs `work`, whose intermediate tensors are then not kept for the backward pass: that runs it again (activation
   * recomputation: Chen et al., "Training deep nets with sublinear memory cost", 2016). Costs a forward pass of `work`, saves
   * its activations, changes no bit of any gradient. `work` must read only tensors that stay as they are until then.
   */
  checkpoint(work: () => Tensor): Tensor {
    return this.tape.checkpoint(work);
  }

  /**
   * Gradients of a scalar loss (times `dLoss`, 1 unless given), added to the `grad` of every parameter; the tape is empty
   * afterwards.
   */
  backward(loss: Tensor, dLoss?: Tensor): void {
    this.tape.backward(loss, dLoss);
  }
}
