import { UserError } from '../errors.ts';
import { type AdapterSummary, requestDevice, summarize } from './adapter.ts';
import { type Command, touched, written } from './commands.ts';
import { explain, explainLoss } from './failures.ts';
import { Block, type Image, type Memory, MemoryPool, memoryOf, type Resource, type View, viewOf } from './memory.ts';
import { PipelineCache, type PipelineSource } from './pipeline.ts';
import { Program } from './recorder.ts';

/** How to wait for the GPU. A host whose event loop spins while a promise is pending hands in something that backs off. */
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

/** What was copied into other forms, by memory and form. */
type Copies = WeakMap<Memory, Map<string, Resource>>;

/** Memory that changes only between runs, and the copies of it that all captures share which are given the same one. */
export class Constants {
  readonly copies: Copies = new WeakMap();
  private readonly blocks: ReadonlySet<Block>;

  constructor(views: readonly View[]) {
    this.blocks = new Set(views.map(({ block }) => block));
  }

  has(block: Block): boolean {
    return this.blocks.has(block);
  }
}

/** Commands that are collected and not run. */
interface Capture {
  readonly commands: Command[];
  /** What makes copies of `constants` in other forms: the memory that does not change while the commands run. */
  readonly preparation: Command[];
  readonly constants: Constants;
}

/**
 * A WebGPU device as the engine sees it: memory, work, and errors that people can read. Work runs at once (eager), or,
 * inside `capture`, is written down to become a program.
 */
export class Device {
  readonly pool: MemoryPool;
  /** What dispatches from now on are noted to be for: a part of a model, or of a step. */
  part: string | undefined;
  private readonly pipelines: PipelineCache;
  private readonly uniforms = new Map<string, View>();
  private capturing: Capture | undefined;
  private eager: Command[] = [];
  /** Copies that still show what their blocks hold. A capture begins and ends without any: its copies live inside it. */
  private copies: Copies = new WeakMap();
  /** What eager work in the innermost `scope` was given memory for. */
  private scoped: Set<Memory> | undefined;
  /** The first error since the last `check`. */
  private failure: UserError | undefined;
  /** Why the device is gone, once it is: that stays so. */
  private lost: UserError | undefined;

  private constructor(
    readonly gpu: GPUDevice,
    readonly adapter: AdapterSummary,
    private readonly wait: Wait,
  ) {
    this.pool = new MemoryPool(gpu);
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

  /** New memory with undefined contents; while capturing it belongs to the program. */
  allocate(sizeBytes: number, label: string): View {
    const limit = this.gpu.limits.maxBufferSize;
    if (sizeBytes > limit) throw this.tooLarge(label, sizeBytes, `makes none of more than ${limit}`);
    const block = new Block(sizeBytes, label);
    if (!this.capturing) this.give(block);
    return viewOf(block);
  }

  private tooLarge(label: string, sizeBytes: number, why: string): UserError {
    const advice =
      'Use a smaller model, batch or context, or weights of fewer bits (--weights f16) where a verb has them.';
    return new UserError(`${label} needs ${sizeBytes} bytes in one buffer, and ${this.adapter.name} ${why}. ${advice}`);
  }

  /** Runs or captures a dispatch. @throws UserError where more of a buffer is to be bound than can be */
  dispatch({ source, resources, uniform, grid }: Work): void {
    const limit = this.gpu.limits.maxStorageBufferBindingSize;
    for (const one of resources) {
      if ('block' in one && one.sizeBytes > limit) {
        throw this.tooLarge(one.block.label, one.sizeBytes, `binds at most ${limit}`);
      }
    }
    const bound = uniform ? [...resources, this.uniform(uniform)] : resources;
    this.add({ kind: 'dispatch', pipeline: this.pipelines.get(source), resources: bound, grid, part: this.part });
  }

  /**
   * What is in a view, in another form: an image, or numbers of another type. `make` dispatches the copying; it is asked again
   * only when the memory was written since the last time, so that what several kernels read is converted once.
   */
  copyAs<T extends Resource>(view: View, form: string, make: () => T): T {
    const key = `${view.offsetBytes} ${form}`;
    const { capturing } = this;
    const constant = capturing?.constants.has(view.block);
    const copies = constant ? capturing!.constants.copies : this.copies;
    const known = copies.get(view.block)?.get(key);
    // one that was made inside a scope lives no longer than that
    if (known && (capturing || memoryOf(known).gpu)) return known as T;
    const copy = constant ? this.prepared(capturing!, make) : make();
    const ofBlock = copies.get(view.block) ?? new Map<string, Resource>();
    copies.set(view.block, ofBlock.set(key, copy));
    return copy;
  }

  /** Copies of constants are made by a capture's preparation, and outlive a run. */
  private prepared<T extends Resource>(capture: Capture, make: () => T): T {
    this.capturing = { ...capture, commands: capture.preparation };
    try {
      const copy = make();
      this.pool.materialize(memoryOf(copy));
      return copy;
    } finally {
      this.capturing = capture;
    }
  }

  /** Copies a matrix into an image; its rows must have a multiple of 256 bytes. */
  upload(from: View, to: Image): void {
    this.add({ kind: 'upload', from, to });
  }

  /** Copies `from` to `to` (same size). */
  copy(from: View, to: View): void {
    this.add({ kind: 'copy', from, to });
  }

  /** Sets a view to zero. */
  clear(to: View): void {
    this.add({ kind: 'clear', to });
  }

  /** Uploads bytes; takes effect before any work that is submitted later. */
  write({ block, offsetBytes }: View, data: ArrayBufferView<ArrayBuffer>): void {
    this.flush();
    this.copies.delete(block);
    this.gpu.queue.writeBuffer(this.pool.materialize(block), offsetBytes, data);
  }

  /** Uploads all texels of an image, row after row; takes effect as `write` does. @throws UserError when it is too large a texture */
  writeImage(image: Image, texels: Uint32Array<ArrayBuffer>): void {
    const { width, height } = image;
    const side = this.gpu.limits.maxTextureDimension2D;
    if (Math.max(width, height) > side) {
      throw new UserError(`a texture of ${width} x ${height} is more than the ${side} that ${this.adapter.name} takes`);
    }
    this.flush();
    const texture = this.pool.materialize(image);
    this.gpu.queue.writeTexture({ texture }, texels, { bytesPerRow: 16 * width }, [width, height]);
  }

  /** Waits for all work before and returns the bytes of a view. @throws UserError for whatever failed on the way. */
  read(view: View): Promise<ArrayBuffer> {
    return this.readLater(view)();
  }

  /**
   * The same in two steps: what the view holds now, after all work before, is what the returned function waits for and returns,
   * whatever is submitted in between. To be called once.
   */
  readLater({ block, offsetBytes, sizeBytes }: View): () => Promise<ArrayBuffer> {
    const staging = new Block(sizeBytes, 'a readback', 'staging');
    const buffer = this.pool.materialize(staging);
    const source = this.pool.materialize(block);
    this.submit((encoder) => encoder.copyBufferToBuffer(source, offsetBytes, buffer, 0, sizeBytes));
    return () => this.map(staging, buffer);
  }

  private async map(staging: Block, buffer: GPUBuffer): Promise<ArrayBuffer> {
    const { sizeBytes } = staging;
    let bytes: ArrayBuffer;
    try {
      await this.wait(buffer.mapAsync(1, 0, sizeBytes)); // GPUMapMode.READ
      bytes = buffer.getMappedRange(0, sizeBytes).slice(0);
    } catch (error) {
      await this.check();
      throw explain(error as Error);
    } finally {
      buffer.unmap();
      this.pool.reclaim(staging);
    }
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
   * Collects the commands that `work` gives, without running them. What makes copies of `constants` in other forms stands apart,
   * in `preparation`; those that another capture with the same constants has made are not made again.
   */
  capture<T>(work: () => T, constants = new Constants([])): { result: T } & Capture {
    if (this.capturing) throw new Error('recordings cannot be nested');
    this.flush();
    const capture = { commands: [], preparation: [], constants };
    this.capturing = capture;
    this.copies = new WeakMap();
    try {
      return { result: work(), ...capture };
    } finally {
      this.capturing = undefined;
      this.copies = new WeakMap();
    }
  }

  /** Makes captured commands into a program; the blocks of `kept` views stay readable after a run. */
  program(commands: readonly Command[], kept: readonly View[]): Program {
    return new Program(this.gpu, this.pool, commands, new Set(kept.map(({ block }) => block)));
  }

  /** Submits `times` runs of a program. Returns at once; `finish` or `read` waits. */
  run(program: Program, times = 1): void {
    this.submit((encoder) => {
      for (let i = 0; i < times; i++) program.encode(encoder);
    });
    this.copies = new WeakMap(); // the program may have written anything
  }

  /** Submits what `encode` writes, after all work before. */
  submit(encode: (encoder: GPUCommandEncoder) => void): void {
    this.flush();
    const encoder = this.gpu.createCommandEncoder();
    encode(encoder);
    this.gpu.queue.submit([encoder.finish()]);
    this.pool.trim();
  }

  /** Frees what a program, a view or an image has in memory, at once and not when it is garbage. None may be used any more. */
  free(what: Program | Resource): void {
    if (what instanceof Program) what.release();
    else this.reclaim([memoryOf(what)]);
  }

  /**
   * Runs eager `work` and frees, at once and not when it is garbage, all that it allocated but what `kept` finds in its result.
   * The GPU may still be busy with it: whatever is given the same memory is queued behind. Inside a capture, whose program
   * plans its memory, only runs it.
   */
  scope<T>(work: () => T, kept: (result: T) => readonly View[]): T {
    if (this.capturing) return work();
    const outer = this.scoped;
    const made = new Set<Memory>();
    this.scoped = made;
    try {
      const result = work();
      for (const { block } of kept(result)) if (made.delete(block)) outer?.add(block);
      return result;
    } finally {
      this.scoped = outer;
      this.reclaim(made);
    }
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
    for (const memory of written(command)) this.copies.delete(memory);
    if (this.capturing) {
      this.capturing.commands.push(command);
      return;
    }
    // a block may have been made, and not used, inside a capture: it would be planned anew by every flush
    for (const memory of touched(command)) this.give(memory);
    this.eager.push(command);
    if (this.eager.length >= EAGER_BATCH) this.flush();
  }

  /** Gives memory of eager work its buffer or texture. */
  private give(memory: Memory): void {
    if (!memory.gpu) this.scoped?.add(memory);
    this.pool.materialize(memory);
  }

  /** Takes back memory of eager work, and that of copies of it. */
  private reclaim(memories: Iterable<Memory>): void {
    this.flush(); // what is not yet submitted still needs it
    for (const memory of memories) {
      for (const copy of this.copies.get(memory)?.values() ?? []) this.pool.reclaim(memoryOf(copy));
      this.copies.delete(memory);
      this.pool.reclaim(memory);
    }
  }

  private flush(): void {
    if (this.eager.length === 0) return;
    const program = this.program(this.eager, []);
    this.eager = [];
    this.submit((encoder) => program.encode(encoder));
  }

  private uniform(bytes: Uint8Array<ArrayBuffer>): View {
    const key = bytes.join();
    const known = this.uniforms.get(key);
    if (known) return known;
    // commands hold the uniforms that they bind; the others come back to the pool as garbage
    if (this.uniforms.size >= UNIFORMS_KEPT) this.uniforms.clear();
    const view = viewOf(new Block(bytes.byteLength, 'a uniform', 'uniform'));
    this.gpu.queue.writeBuffer(this.pool.materialize(view.block), 0, bytes);
    this.uniforms.set(key, view);
    return view;
  }
}
