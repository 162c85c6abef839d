import { ALIGNMENT_BYTES, Block, type BufferPool, type Image, type Resource, roundUp, type View } from './memory.ts';
import type { Pipeline } from './pipeline.ts';

/** One compute dispatch. `resources` stand in binding order; `uniform`, where there is one, is bound after them. */
export interface Dispatch {
  kind: 'dispatch';
  pipeline: Pipeline;
  resources: readonly Resource[];
  uniform?: GPUBuffer;
  grid: readonly [number, number, number];
}
export interface Copy {
  kind: 'copy';
  from: View;
  to: View;
}
export interface Clear {
  kind: 'clear';
  view: View;
}
/** Fills an image from a matrix whose rows have a multiple of 256 bytes. */
export interface Upload {
  kind: 'upload';
  from: View;
  to: Image;
}
export type Command = Dispatch | Copy | Clear | Upload;

const memoryOf = (resource: Resource): Block | Image => ('block' in resource ? resource.block : resource);

/** The blocks and images that a command touches. */
export function touched(command: Command): (Block | Image)[] {
  switch (command.kind) {
    case 'dispatch':
      return command.resources.map(memoryOf);
    case 'copy':
    case 'upload':
      return [command.from.block, memoryOf(command.to)];
    case 'clear':
      return [command.view.block];
  }
}

/** Buffers and textures of a plan, and who uses which. */
export interface Layout {
  /** Bytes of each buffer. */
  slots: number[];
  slotOf: Map<Block, number>;
  /** The first tenant of each texture: all have its size. */
  pictures: Image[];
  pictureOf: Map<Image, number>;
}

/** First and last command that touch a block or image. */
interface Life {
  first: number;
  last: number;
}

/** Lifetimes of what has no memory yet. `kept` blocks live from before the first command to after the last. */
function livesOf(commands: readonly Command[], kept: ReadonlySet<Block>): Map<Block | Image, Life> {
  const lives = new Map<Block | Image, Life>();
  commands.forEach((command, i) => {
    for (const memory of touched(command)) {
      if (memory.gpu) continue;
      const life = lives.get(memory);
      if (memory instanceof Block && kept.has(memory)) lives.set(memory, { first: -1, last: Number.POSITIVE_INFINITY });
      else if (life) life.last = i;
      else lives.set(memory, { first: i, last: i });
    }
  });
  return lives;
}

/** Greedy first fit: lodgers whose lives do not overlap share a slot, if it `fits`. Returns each slot's first lodger. */
function lodge<T>(
  lodgers: readonly [T, Life][],
  fits: (lodger: T, first: T) => boolean,
): { first: T[]; slotOf: Map<T, number> } {
  const first: T[] = [];
  const tenants: Life[][] = [];
  const slotOf = new Map<T, number>();
  for (const [lodger, life] of lodgers) {
    const apart = (other: Life): boolean => other.last < life.first || life.last < other.first;
    let slot = tenants.findIndex((lives, i) => fits(lodger, first[i]) && lives.every(apart));
    if (slot < 0) {
      slot = first.push(lodger) - 1;
      tenants.push([]);
    }
    tenants[slot].push(life);
    slotOf.set(lodger, slot);
  }
  return { first, slotOf };
}

/**
 * Lays transient memory out so that blocks whose lifetimes do not overlap share a buffer, the largest placed first, and
 * likewise images of one size a texture.
 */
export function layOut(commands: readonly Command[], kept: ReadonlySet<Block>): Layout {
  const lives = [...livesOf(commands, kept)];
  const blocks = lives.filter((entry): entry is [Block, Life] => entry[0] instanceof Block);
  const images = lives.filter((entry): entry is [Image, Life] => !(entry[0] instanceof Block));
  blocks.sort((a, b) => b[0].sizeBytes - a[0].sizeBytes);
  const buffers = lodge(blocks, () => true);
  const textures = lodge(images, (image, first) => image.width === first.width && image.height === first.height);
  return {
    slots: buffers.first.map((block) => roundUp(block.sizeBytes, ALIGNMENT_BYTES)),
    slotOf: buffers.slotOf,
    pictures: textures.first,
    pictureOf: textures.slotOf,
  };
}

interface Prepared {
  pipeline: GPUComputePipeline;
  bindGroup: GPUBindGroup;
  grid: readonly [number, number, number];
  name: string;
}
type Stage = Prepared[] | Exclude<Command, Dispatch>;

/** Encodes commands; bind groups are made once, so that encoding again costs a few microseconds a dispatch. */
export class Program {
  private released = false;

  private constructor(
    private readonly stages: Stage[],
    private readonly buffers: GPUBuffer[],
    private readonly textures: GPUTexture[],
    /** Held so that no block of the program is collected while the program may run. */
    readonly commands: readonly Command[],
    /** The blocks and images that were given those buffers and textures. */
    private readonly lodgers: readonly (Block | Image)[],
  ) {}

  /** Gives every block of `commands` memory (transient ones share buffers) and prepares the bind groups. */
  static prepare(gpu: GPUDevice, pool: BufferPool, commands: readonly Command[], kept: ReadonlySet<Block>): Program {
    const { slots, slotOf, pictures, pictureOf } = layOut(commands, kept);
    const buffers = slots.map((size) => pool.acquire('storage', size));
    const textures = pictures.map((image) => pool.acquireTexture(image));
    for (const [block, slot] of slotOf) block.gpu = buffers[slot];
    for (const [image, slot] of pictureOf) image.gpu = textures[slot];
    const stages: Stage[] = [];
    for (const command of commands) {
      const last = stages.at(-1);
      if (command.kind !== 'dispatch') stages.push(command);
      else if (Array.isArray(last)) last.push(bind(gpu, command));
      else stages.push([bind(gpu, command)]);
    }
    return new Program(stages, buffers, textures, commands, [...slotOf.keys(), ...pictureOf.keys()]);
  }

  /** Bytes of the buffers and textures that only this program uses. */
  get transientBytes(): number {
    const bytes = this.buffers.reduce((sum, buffer) => sum + buffer.size, 0);
    return this.textures.reduce((sum, { width, height }) => sum + 16 * width * height, bytes);
  }

  /** Hands the memory that only this program uses back to the pool, its results with it; it must not run again. */
  release(pool: BufferPool): void {
    this.released = true;
    this.stages.length = 0; // bind groups keep buffers alive
    for (const lodger of this.lodgers) lodger.gpu = undefined;
    for (const buffer of this.buffers.splice(0)) pool.release('storage', buffer);
    for (const texture of this.textures.splice(0)) pool.releaseTexture(texture);
  }

  /** Number of dispatches in a run. */
  get dispatches(): number {
    return this.stages.reduce((sum, stage) => sum + (Array.isArray(stage) ? stage.length : 0), 0);
  }

  /** Encodes a run, neighbouring dispatches in one pass. */
  encode(encoder: GPUCommandEncoder): void {
    if (this.released) throw new Error('a program was run after its memory had been handed back');
    for (const stage of this.stages) {
      if (!Array.isArray(stage)) {
        encodeTransfer(encoder, stage);
        continue;
      }
      const pass = encoder.beginComputePass();
      for (const step of stage) dispatch(pass, step);
      pass.end();
    }
  }

  /** Encodes every dispatch as a pass of its own between two timestamps; returns the kernels' names in order. */
  encodeTimed(encoder: GPUCommandEncoder, querySet: GPUQuerySet): string[] {
    const names: string[] = [];
    for (const stage of this.stages) {
      if (!Array.isArray(stage)) {
        encodeTransfer(encoder, stage);
        continue;
      }
      for (const step of stage) {
        const first = 2 * names.length;
        const timestampWrites = { querySet, beginningOfPassWriteIndex: first, endOfPassWriteIndex: first + 1 };
        const pass = encoder.beginComputePass({ timestampWrites });
        dispatch(pass, step);
        pass.end();
        names.push(step.name);
      }
    }
    return names;
  }
}

function dispatch(pass: GPUComputePassEncoder, { pipeline, bindGroup, grid }: Prepared): void {
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  pass.dispatchWorkgroups(grid[0], grid[1], grid[2]);
}

/** The memory behind a resource, which must have some by now. */
function realized<T extends Block | Image>(memory: T): NonNullable<T['gpu']> {
  if (!memory.gpu) throw new Error('a block or image was used before it had memory');
  return memory.gpu;
}

function encodeTransfer(encoder: GPUCommandEncoder, command: Exclude<Command, Dispatch>): void {
  if (command.kind === 'clear') {
    const { block, offsetBytes, sizeBytes } = command.view;
    encoder.clearBuffer(realized(block), offsetBytes, sizeBytes);
  } else if (command.kind === 'copy') {
    const { from, to } = command;
    encoder.copyBufferToBuffer(
      realized(from.block),
      from.offsetBytes,
      realized(to.block),
      to.offsetBytes,
      to.sizeBytes,
    );
  } else {
    const { from, to } = command;
    const source = { buffer: realized(from.block), offset: from.offsetBytes, bytesPerRow: 16 * to.width };
    encoder.copyBufferToTexture(source, { texture: realized(to) }, [to.width, to.height]);
  }
}

const bindingOf = (resource: Resource): GPUBindingResource =>
  'block' in resource
    ? { buffer: realized(resource.block), offset: resource.offsetBytes, size: resource.sizeBytes }
    : realized(resource).createView();

function bind(gpu: GPUDevice, { pipeline, resources, uniform, grid }: Dispatch): Prepared {
  const entries: GPUBindGroupEntry[] = resources.map((resource, binding) => ({
    binding,
    resource: bindingOf(resource),
  }));
  if (uniform) entries.push({ binding: resources.length, resource: { buffer: uniform } });
  return {
    pipeline: pipeline.gpu,
    bindGroup: gpu.createBindGroup({ layout: pipeline.layout, entries, label: pipeline.name }),
    grid,
    name: pipeline.name,
  };
}
