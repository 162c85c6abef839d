/** Storage buffers must be bound at multiples of this many bytes on every adapter (minStorageBufferOffsetAlignment's default). */
export const ALIGNMENT_BYTES = 256;

/** `bytes` rounded up to a multiple of `to`. */
export const roundUp = (bytes: number, to: number): number => Math.ceil(bytes / to) * to;

/**
 * A piece of device memory. It has no GPUBuffer until it is first used: eager work takes one from the pool, and a recorded
 * program lays all of its blocks out together, so that blocks that are never alive at the same time share one buffer.
 */
export class Block {
  gpu: GPUBuffer | undefined;
  constructor(
    readonly sizeBytes: number,
    readonly label: string,
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
  gpu: GPUTexture | undefined;
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

/** A range of a block. */
export interface View {
  readonly block: Block;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** What a kernel binds. */
export type Resource = View | Image;

const USAGE = { storage: 0x80 | 0x4 | 0x8, staging: 0x1 | 0x8, uniform: 0x40 | 0x8 } as const; // STORAGE|COPY_SRC|COPY_DST, MAP_READ|COPY_DST, UNIFORM|COPY_DST
export type BufferKind = keyof typeof USAGE;

/** Makes buffers, keeps the freed ones for reuse and counts bytes. */
export class BufferPool {
  /** Bytes of all live and kept buffers. */
  allocatedBytes = 0;
  /** Buffers created so far: a steady training step must not change it. */
  created = 0;
  private readonly free: Record<BufferKind, GPUBuffer[]> = { storage: [], staging: [], uniform: [] };
  private readonly freeTextures: GPUTexture[] = [];
  private readonly returned = new FinalizationRegistry<GPUBuffer>((buffer) => this.release('storage', buffer));
  private readonly returnedTextures = new FinalizationRegistry<GPUTexture>((texture) => this.releaseTexture(texture));

  constructor(private readonly gpu: GPUDevice) {}

  /** A buffer of at least `sizeBytes`; its contents are undefined. */
  acquire(kind: BufferKind, sizeBytes: number): GPUBuffer {
    const size = roundUp(Math.max(sizeBytes, 4), ALIGNMENT_BYTES);
    const kept = this.free[kind];
    let best = -1;
    kept.forEach((buffer, i) => {
      const fits = buffer.size >= size && buffer.size <= 2 * size;
      if (fits && (best < 0 || buffer.size < kept[best].size)) best = i;
    });
    if (best >= 0) return kept.splice(best, 1)[0];
    this.allocatedBytes += size;
    this.created++;
    return this.gpu.createBuffer({ size, usage: USAGE[kind] });
  }

  /** Hands a buffer back for reuse. */
  release(kind: BufferKind, buffer: GPUBuffer): void {
    this.free[kind].push(buffer);
  }

  /** Gives an eager block its buffer, which returns to the pool when the block is garbage. */
  materialize(block: Block): GPUBuffer {
    if (!block.gpu) {
      block.gpu = this.acquire('storage', block.sizeBytes);
      this.returned.register(block, block.gpu, block);
    }
    return block.gpu;
  }

  /** Takes an eager block's buffer back before the block is garbage. */
  reclaim(block: Block): void {
    if (!block.gpu || !this.returned.unregister(block)) return;
    this.release('storage', block.gpu);
    block.gpu = undefined;
  }

  /** A texture of exactly the image's size; its contents are undefined. */
  acquireTexture({ pitch, height, sizeBytes }: Image): GPUTexture {
    const kept = this.freeTextures.findIndex((texture) => texture.width === pitch && texture.height === height);
    if (kept >= 0) return this.freeTextures.splice(kept, 1)[0];
    this.allocatedBytes += sizeBytes;
    this.created++;
    return this.gpu.createTexture({ size: [pitch, height], format: 'rgba32float', usage: 0x8 | 0x2 }); // STORAGE_BINDING|COPY_DST
  }

  releaseTexture(texture: GPUTexture): void {
    this.freeTextures.push(texture);
  }

  /** Gives an eager image its texture, which returns to the pool when the image is garbage. */
  materializeImage(image: Image): GPUTexture {
    if (!image.gpu) {
      image.gpu = this.acquireTexture(image);
      this.returnedTextures.register(image, image.gpu);
    }
    return image.gpu;
  }
}
