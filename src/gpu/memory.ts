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

/**
 * A matrix as a texture of rgba32float texels: texel (x, y) holds columns 4x to 4x + 3 of row y. Software adapters load from
 * textures four times faster than from buffers. Like a block, it has no GPUTexture until it is used.
 */
export class Image {
  readonly kind = 'image';
  gpu: GPUTexture | undefined;
  owner: Memory | undefined;
  constructor(
    /** In texels. */
    readonly width: number,
    readonly height: number,
  ) {}

  /** Texels of the texture along x. */
  get pitch(): number {
    return this.width % PADDED === 0 ? this.width + PADDING : this.width;
  }

  get sizeBytes(): number {
    return this.pitch * this.height * 16;
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

/** Makes buffers and textures, keeps those that came back for reuse, and counts bytes. */
export class MemoryPool {
  /** Bytes of all that was made, free or in use: nothing is given back to the device. */
  allocatedBytes = 0;
  /** Buffers and textures made so far: a steady training step must not change it. */
  created = 0;
  /** What came back, by its kind. */
  private readonly free: Record<string, Gpu[]> = { storage: [], uniform: [], staging: [], queries: [], image: [] };
  private readonly garbage = new FinalizationRegistry<[string, Gpu]>(([kind, gpu]) => this.free[kind].push(gpu));

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
    this.free[memory.kind].push(memory.gpu);
    memory.gpu = undefined;
  }

  /** The smallest free buffer that is large enough, and no more than twice so, or a new one. */
  private buffer({ sizeBytes, kind }: Block): GPUBuffer {
    const size = roundUp(Math.max(sizeBytes, 4), ALIGNMENT_BYTES);
    const free = this.free[kind] as GPUBuffer[];
    let best = -1;
    for (let i = free.length - 1; i >= 0 && free[best]?.size !== size; i--) {
      if (free[i].size >= size && free[i].size <= (free[best]?.size ?? 2 * size)) best = i;
    }
    if (best >= 0) return free.splice(best, 1)[0];
    this.count(size);
    return this.gpu.createBuffer({ size, usage: USAGE[kind] });
  }

  /** A texture of exactly the image's size. */
  private texture({ pitch, height, sizeBytes }: Image): GPUTexture {
    const free = this.free.image as GPUTexture[];
    const fitting = free.findIndex((texture) => texture.width === pitch && texture.height === height);
    if (fitting >= 0) return free.splice(fitting, 1)[0];
    this.count(sizeBytes);
    return this.gpu.createTexture({ size: [pitch, height], format: 'rgba32float', usage: 0x8 | 0x2 }); // STORAGE_BINDING | COPY_DST
  }

  private count(sizeBytes: number): void {
    this.allocatedBytes += sizeBytes;
    this.created++;
  }
}
