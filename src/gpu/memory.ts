/** Storage buffers must be bound at multiples of this many bytes on every adapter (minStorageBufferOffsetAlignment's default). */
export const ALIGNMENT_BYTES = 256;

/** `bytes` rounded up to a multiple of `to`. */
export const roundUp = (bytes: number, to: number): number => Math.ceil(bytes / to) * to;

/** What buffers are for. */
const USAGE = {
  storage: 0x80 | 0x4 | 0x8, // STORAGE | COPY_SRC | COPY_DST
  uniform: 0x40 | 0x8, // UNIFORM | COPY_DST
  staging: 0x1 | 0x8, // MAP_READ | COPY_DST
  queries: 0x200 | 0x4, // QUERY_RESOLVE | COPY_SRC
} as const;

/**
 * A piece of device memory. It has no GPUBuffer until it is first used: eager work takes one from the pool, and a recorded
 * program plans the memory of all of its blocks together, so that blocks that are never alive at the same time share a buffer.
 */
export class Block {
  gpu: GPUBuffer | undefined;
  /** The block whose buffer this one shares; that goes back to the pool when no one of them is reachable. */
  owner: Memory | undefined;
  constructor(
    readonly sizeBytes: number,
    readonly label: string,
    readonly kind: keyof typeof USAGE = 'storage',
  ) {}
}

/**
 * Texels after each row of an image whose rows would take a power of two of bytes: those share few sets of a CPU's cache, and
 * push each other out (a product of two (1024, 1024) matrices on lavapipe: 1.1 times as fast with them).
 */
const PADDING = 4;
const PADDED = 32;

const TEXEL_BYTES = 16;

/** What texels are: four numbers, or 16 bytes of packed ones. */
export type TexelFormat = 'rgba32float' | 'rgba32uint';

/**
 * A matrix as a texture of rgba32float texels: texel (x, y) holds columns 4x to 4x + 3 of row y. Software adapters load from
 * textures four times faster than from buffers. Like a block, it has no GPUTexture until it is used. Packed numbers are texels
 * of rgba32uint, which lie without padding: they are there to be small.
 */
export class Image {
  readonly kind = 'image';
  gpu: GPUTexture | undefined;
  owner: Memory | undefined;
  constructor(
    /** In texels. */
    readonly width: number,
    readonly height: number,
    readonly format: TexelFormat = 'rgba32float',
  ) {}

  /** Texels of the texture along x. */
  get pitch(): number {
    return this.format === 'rgba32float' && this.width % PADDED === 0 ? this.width + PADDING : this.width;
  }

  get sizeBytes(): number {
    return this.pitch * this.height * TEXEL_BYTES;
  }
}

export type Memory = Block | Image;

/** A range of a block. */
export interface View {
  readonly block: Block;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** All of a block. */
export const viewOf = (block: Block): View => ({ block, offsetBytes: 0, sizeBytes: block.sizeBytes });

/** What a kernel binds. */
export type Resource = View | Image;

export const memoryOf = (resource: Resource): Memory => ('block' in resource ? resource.block : resource);

type Gpu = GPUBuffer | GPUTexture;

/** What must be alike, or near, to be used again: the size of a buffer; both sides of a texture, and what its texels are. */
const formOf = (gpu: Gpu): number =>
  'width' in gpu ? (gpu.width * 2 ** 16 + gpu.height) * (gpu.format === 'rgba32uint' ? -1 : 1) : gpu.size;
const bytesOf = (gpu: Gpu): number => ('width' in gpu ? gpu.width * gpu.height * TEXEL_BYTES : gpu.size);

/** Bytes that may be free whatever is in use. */
const SPARE_BYTES = 2 ** 26;

/** Makes buffers and textures, keeps those that came back for reuse as long as they are no excess, and counts bytes. */
export class MemoryPool {
  /** Bytes of all that there is, free or in use. */
  allocatedBytes = 0;
  /** The most that there ever were. */
  peakBytes = 0;
  /** Buffers and textures made so far: a steady training step must not change it. */
  created = 0;
  private freeBytes = 0;
  /** What came back, by kind and form; of one form the latest last. */
  private readonly free: Record<Memory['kind'], Map<number, Gpu[]>> = {
    ...{ storage: new Map(), uniform: new Map(), staging: new Map(), queries: new Map(), image: new Map() },
  };
  /** All of it, the longest free first. */
  private readonly waiting = new Map<Gpu, Memory['kind']>();
  private readonly garbage = new FinalizationRegistry<[Memory['kind'], Gpu]>(([kind, gpu]) => this.release(kind, gpu));

  constructor(private readonly gpu: GPUDevice) {}

  /** Gives memory its buffer or texture, of undefined contents: the pool has it back when the memory is garbage. */
  materialize<T extends Memory>(memory: T): NonNullable<T['gpu']> {
    if (!memory.gpu) {
      const gpu = memory instanceof Block ? this.buffer(memory) : this.texture(memory);
      memory.gpu = gpu;
      this.garbage.register(memory, [memory.kind, gpu], memory);
    }
    return memory.gpu as NonNullable<T['gpu']>;
  }

  /** Takes back what `materialize` gave, before the memory is garbage. */
  reclaim(memory: Memory): void {
    if (!memory.gpu || !this.garbage.unregister(memory)) return;
    this.release(memory.kind, memory.gpu);
    memory.gpu = undefined;
  }

  /**
   * Destroys what has been free for longest, down to as many bytes as are in use (a program that is recorded anew finds those of
   * the one before), or a few. What is free must not be wanted by commands that have not been submitted.
   */
  trim(): void {
    for (const [gpu, kind] of this.waiting) {
      if (this.freeBytes <= Math.max(SPARE_BYTES, this.allocatedBytes - this.freeBytes)) return;
      this.take(kind, formOf(gpu), 0);
      this.allocatedBytes -= bytesOf(gpu);
      gpu.destroy();
    }
  }

  /** The smallest free buffer that is large enough, and no more than twice so, or a new one. */
  private buffer({ sizeBytes, kind }: Block): GPUBuffer {
    const size = roundUp(Math.max(sizeBytes, 4), ALIGNMENT_BYTES);
    const sizes = this.free[kind];
    let best = sizes.has(size) ? size : Number.POSITIVE_INFINITY;
    if (best > size) for (const free of sizes.keys()) if (free > size && free <= 2 * size) best = Math.min(best, free);
    return best <= 2 * size
      ? (this.take(kind, best) as GPUBuffer)
      : this.made(this.gpu.createBuffer({ size, usage: USAGE[kind] }));
  }

  /** A texture of exactly the image's size. */
  private texture({ pitch: width, height, format }: Image): GPUTexture {
    const form = formOf({ width, height, format } as GPUTexture);
    return this.free.image.has(form)
      ? (this.take('image', form) as GPUTexture)
      : this.made(this.gpu.createTexture({ size: [width, height], format, usage: 0x8 | 0x2 })); // STORAGE_BINDING | COPY_DST
  }

  private made<G extends Gpu>(gpu: G): G {
    this.allocatedBytes += bytesOf(gpu);
    this.peakBytes = Math.max(this.peakBytes, this.allocatedBytes);
    this.created++;
    return gpu;
  }

  private release(kind: Memory['kind'], gpu: Gpu): void {
    const form = formOf(gpu);
    const alike = this.free[kind].get(form);
    if (alike) alike.push(gpu);
    else this.free[kind].set(form, [gpu]);
    this.waiting.set(gpu, kind);
    this.freeBytes += bytesOf(gpu);
  }

  /** Takes out what is free: the latest of its form, which caches may still hold, or the one at `index`. */
  private take(kind: Memory['kind'], form: number, index = -1): Gpu {
    const alike = this.free[kind].get(form)!;
    const [gpu] = alike.splice(index, 1);
    if (alike.length === 0) this.free[kind].delete(form);
    this.waiting.delete(gpu);
    this.freeBytes -= bytesOf(gpu);
    return gpu;
  }
}
