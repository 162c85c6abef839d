import { UserError } from '../errors.ts';
import { type AdapterSummary, requestDevice, summarize } from './adapter.ts';
import { Block, BufferPool, Image, type Resource, type View } from './memory.ts';
import { PipelineCache, type PipelineSource } from './pipeline.ts';
import { type Command, type Dispatch, Program, touched } from './recorder.ts';

/** How to wait for the GPU. A host whose event loop spins while a promise is pending hands in something that naps. */
export type Wait = <T>(promise: Promise<T>) => Promise<T>;

/** A dispatch before its pipeline is compiled. */
export interface Work {
  source: PipelineSource;
  resources: readonly Resource[];
  /** Bytes of the uniform struct, bound after the resources. */
  uniform?: Uint8Array<ArrayBuffer>;
  grid: readonly [number, number, number];
}

/** Eager commands are submitted at the latest after this many, so that the GPU starts while JavaScript goes on. */
const EAGER_BATCH = 32;

/** Distinct uniform structs kept; training uses some dozens. */
const UNIFORMS_KEPT = 4096;

const NO_CONSTANTS: { blocks: ReadonlySet<Block>; preparation: Command[] } = { blocks: new Set(), preparation: [] };

/**
 * A WebGPU device as the engine sees it: memory, work, and errors that people can read. Work runs at once (eager), or,
 * inside `record`, is written down and comes back as a program.
 */
export class Device {
  readonly pool: BufferPool;
  private readonly pipelines: PipelineCache;
  private readonly uniforms = new Map<string, GPUBuffer>();
  private recording: Command[] | undefined;
  /** Copies that still show what their blocks hold. A recording begins and ends without any: its copies live inside it. */
  private copies = new WeakMap<Block, Map<string, Resource>>();
  /** What does not change while the recording runs, and the commands that make copies of it. */
  private constants = NO_CONSTANTS;
  private eager: Command[] = [];
  /** The first error since the last `check`. */
  private failure: UserError | undefined;
  /** Why the device is gone, once it is: that stays so. */
  private lost: UserError | undefined;

  private constructor(
    readonly gpu: GPUDevice,
    readonly adapter: AdapterSummary,
    private readonly wait: Wait,
  ) {
    this.pool = new BufferPool(gpu);
    this.pipelines = new PipelineCache(gpu);
    gpu.addEventListener('uncapturederror', (event) => {
      event.preventDefault(); // else hosts print it as well
      this.failure ??= explain((event as GPUUncapturedErrorEvent).error);
    });
    void gpu.lost.then((info) => {
      this.lost = explainLoss(info);
    });
  }

  /** Opens a device on `adapter`. @throws UserError when the adapter refuses. */
  static async open(adapter: GPUAdapter, wait: Wait = (promise) => promise): Promise<Device> {
    return new Device(await requestDevice(adapter), summarize(adapter), wait);
  }

  /** New memory with undefined contents; while recording it belongs to the program. */
  allocate(sizeBytes: number, label: string): View {
    const limit = this.gpu.limits.maxStorageBufferBindingSize;
    if (sizeBytes > limit) {
      throw new UserError(
        `${label} needs ${sizeBytes} bytes in one buffer, and ${this.adapter.name} binds at most ${limit}. Use a smaller model, batch or context.`,
      );
    }
    const block = new Block(sizeBytes, label);
    if (!this.recording) this.pool.materialize(block);
    return { block, offsetBytes: 0, sizeBytes };
  }

  /** Runs or records a dispatch. */
  dispatch({ source, resources, uniform, grid }: Work): void {
    const pipeline = this.pipelines.get(source);
    const command: Dispatch = { kind: 'dispatch', pipeline, resources, grid };
    if (uniform) command.uniform = this.uniform(uniform);
    this.add(command);
    resources.forEach((resource, i) => {
      if (source.bindings[i] === 'write') this.forgetCopies((resource as View).block);
    });
  }

  /**
   * What is in a view, in another form: an image, or numbers of another type. `make` dispatches the copying; it is asked again
   * only when the memory was written since the last time, so that what several kernels read is converted once.
   */
  copyAs<T extends Resource>(view: View, form: string, make: () => T): T {
    const key = `${view.offsetBytes} ${form}`;
    let copies = this.copies.get(view.block);
    if (!copies) this.copies.set(view.block, (copies = new Map()));
    let copy = copies.get(key);
    if (!copy) {
      copy = this.constants.blocks.has(view.block) ? this.prepared(make) : make();
      copies.set(key, copy);
    }
    return copy as T;
  }

  /** Copies of constants are made by the recording's preparation, and outlive a run. */
  private prepared<T extends Resource>(make: () => T): T {
    const { recording } = this;
    this.recording = this.constants.preparation;
    try {
      const copy = make();
      if ('block' in copy) this.pool.materialize(copy.block);
      else this.pool.materializeImage(copy);
      return copy;
    } finally {
      this.recording = recording;
    }
  }

  /** Copies a matrix into an image; its rows must have a multiple of 256 bytes. */
  upload(from: View, to: Image): void {
    this.add({ kind: 'upload', from, to });
  }

  /** Copies `from` to `to` (same size). */
  copy(from: View, to: View): void {
    this.add({ kind: 'copy', from, to });
    this.forgetCopies(to.block);
  }

  /** Sets a view to zero. */
  clear(view: View): void {
    this.add({ kind: 'clear', view });
    this.forgetCopies(view.block);
  }

  /** Uploads bytes; takes effect before any work that is submitted later. */
  write(view: View, data: ArrayBufferView<ArrayBuffer>): void {
    this.flush();
    this.forgetCopies(view.block);
    this.gpu.queue.writeBuffer(this.pool.materialize(view.block), view.offsetBytes, data);
  }

  /** Waits for all work before and returns the bytes of a view. @throws UserError for whatever failed on the way. */
  async read(view: View): Promise<ArrayBuffer> {
    this.flush();
    const staging = this.pool.acquire('staging', view.sizeBytes);
    const encoder = this.gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(this.pool.materialize(view.block), view.offsetBytes, staging, 0, view.sizeBytes);
    this.gpu.queue.submit([encoder.finish()]);
    try {
      await this.wait(staging.mapAsync(1, 0, view.sizeBytes)); // GPUMapMode.READ
    } catch (error) {
      await this.check();
      throw explain(error as Error);
    }
    const bytes = staging.getMappedRange(0, view.sizeBytes).slice(0);
    staging.unmap();
    this.pool.release('staging', staging);
    await this.check();
    return bytes;
  }

  /** Waits until the GPU has finished everything. @throws UserError for whatever failed on the way. */
  async finish(): Promise<void> {
    this.flush();
    await this.wait(this.gpu.queue.onSubmittedWorkDone());
    await this.check();
  }

  /**
   * Collects the commands that `work` gives, without running them. Memory of `constants` changes only between runs: what makes
   * copies of it in other forms stands apart, in `preparation`.
   */
  capture<T>(
    work: () => T,
    constants: readonly View[] = [],
  ): { result: T; commands: Command[]; preparation: Command[] } {
    if (this.recording) throw new Error('recordings cannot be nested');
    this.flush();
    const commands: Command[] = [];
    const preparation: Command[] = [];
    this.recording = commands;
    this.constants = { blocks: new Set(constants.map((view) => view.block)), preparation };
    this.copies = new WeakMap();
    try {
      return { result: work(), commands, preparation };
    } finally {
      this.recording = undefined;
      this.constants = NO_CONSTANTS;
      this.copies = new WeakMap();
    }
  }

  /** Makes captured commands into a program; the blocks of `kept` views stay readable after a run. */
  program(commands: readonly Command[], kept: readonly View[]): Program {
    return Program.prepare(this.gpu, this.pool, commands, new Set(kept.map((view) => view.block)));
  }

  /** Submits a program. Returns at once; `finish` or `read` waits. */
  run(program: Program): void {
    this.flush();
    const encoder = this.gpu.createCommandEncoder();
    program.encode(encoder);
    this.gpu.queue.submit([encoder.finish()]);
    this.copies = new WeakMap(); // the program may have written anything
  }

  /** Frees what a program or a view has in memory, at once and not when it is garbage. Neither may be used any more. */
  free(what: Program | View): void {
    if (what instanceof Program) what.release(this.pool);
    else this.pool.reclaim(what.block);
  }

  /** @throws UserError for errors that the GPU reported since the last check. */
  async check(): Promise<void> {
    const uncompiled = await this.pipelines.settle();
    // a kernel that did not compile also makes its dispatch fail: the cause goes first, the consequence is dropped
    const failure = this.lost ?? uncompiled ?? this.failure;
    this.failure = undefined;
    if (failure) throw failure;
  }

  /** Frees everything. The device must not be used afterwards. */
  destroy(): void {
    this.gpu.destroy();
  }

  private add(command: Command): void {
    if (this.recording) {
      this.recording.push(command);
      return;
    }
    // a block may have been made, and not used, inside a recording: it would be laid out anew by every flush
    for (const memory of touched(command)) {
      if (memory instanceof Image) this.pool.materializeImage(memory);
      else this.pool.materialize(memory);
    }
    this.eager.push(command);
    if (this.eager.length >= EAGER_BATCH) this.flush();
  }

  private forgetCopies(block: Block): void {
    this.copies.delete(block);
  }

  private flush(): void {
    if (this.eager.length === 0) return;
    const commands = this.eager;
    this.eager = [];
    const encoder = this.gpu.createCommandEncoder();
    Program.prepare(this.gpu, this.pool, commands, new Set()).encode(encoder);
    this.gpu.queue.submit([encoder.finish()]);
  }

  private uniform(bytes: Uint8Array<ArrayBuffer>): GPUBuffer {
    const key = bytes.join();
    let buffer = this.uniforms.get(key);
    if (!buffer) {
      if (this.uniforms.size >= UNIFORMS_KEPT) this.uniforms.clear();
      buffer = this.pool.acquire('uniform', bytes.byteLength);
      this.gpu.queue.writeBuffer(buffer, 0, bytes);
      this.uniforms.set(key, buffer);
    }
    return buffer;
  }
}

function explainLoss({ reason, message }: GPUDeviceLostInfo): UserError {
  if (reason === 'destroyed') return new UserError('The GPU device was closed: open a new engine to go on.');
  return new UserError(
    `The GPU device was lost (${message || 'no reason given'}). What was saved is intact: run again with --resume.`,
  );
}

function explain(error: GPUError | Error): UserError {
  if (error.constructor.name === 'GPUOutOfMemoryError') {
    return new UserError(
      `The GPU is out of memory: ${error.message.trim()}. Use a smaller batch, context or model; what was saved is intact.`,
    );
  }
  return new UserError(`The GPU refused work: ${error.message.trim() || 'no reason given'}`);
}
