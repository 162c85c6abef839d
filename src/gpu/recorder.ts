import { ALIGNMENT_BYTES, type Block, type BufferPool, roundUp, type View } from './memory.ts';
import type { Pipeline } from './pipeline.ts';

/** One compute dispatch. `views` stand in binding order; `uniform`, where there is one, is bound after them. */
export interface Dispatch {
  kind: 'dispatch';
  pipeline: Pipeline;
  views: readonly View[];
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
export type Command = Dispatch | Copy | Clear;

/** The blocks that a command touches. */
export const blocksOf = (command: Command): Block[] =>
  command.kind === 'dispatch'
    ? command.views.map((view) => view.block)
    : command.kind === 'copy'
      ? [command.from.block, command.to.block]
      : [command.view.block];

/** Where a plan puts transient blocks: `slots[i]` bytes for each buffer, and the slot of each block. */
export interface Layout {
  slots: number[];
  slotOf: Map<Block, number>;
  /** Sum of the slots. */
  sizeBytes: number;
}

/**
 * Lays transient blocks out so that blocks whose lifetimes (first to last command) do not overlap share a buffer:
 * greedy first fit, largest first. `kept` blocks live from the start to the end, and on.
 */
export function layOut(commands: readonly Command[], kept: ReadonlySet<Block>): Layout {
  const lives = new Map<Block, { first: number; last: number }>();
  commands.forEach((command, i) => {
    for (const block of blocksOf(command)) {
      if (block.gpu) continue;
      const life = lives.get(block);
      if (life) life.last = i;
      else lives.set(block, { first: kept.has(block) ? -1 : i, last: i });
    }
  });
  for (const block of kept) if (lives.has(block)) lives.get(block)!.last = Number.POSITIVE_INFINITY;
  const slots: number[] = [];
  const tenants: { first: number; last: number }[][] = [];
  const slotOf = new Map<Block, number>();
  for (const [block, life] of [...lives].sort((a, b) => b[0].sizeBytes - a[0].sizeBytes)) {
    const free = tenants.findIndex((lodgers) => lodgers.every((l) => l.last < life.first || life.last < l.first));
    const slot = free >= 0 ? free : slots.push(roundUp(block.sizeBytes, ALIGNMENT_BYTES)) - 1;
    if (free < 0) tenants.push([]);
    tenants[slot].push(life);
    slotOf.set(block, slot);
  }
  return { slots, slotOf, sizeBytes: slots.reduce((sum, size) => sum + size, 0) };
}

interface Prepared {
  pipeline: GPUComputePipeline;
  bindGroup: GPUBindGroup;
  grid: readonly [number, number, number];
  name: string;
}
type Stage = Prepared[] | Copy | Clear;

/** Encodes commands; bind groups are made once, so that encoding again costs a few microseconds a dispatch. */
export class Program {
  private constructor(
    private readonly pool: BufferPool,
    private readonly stages: Stage[],
    private readonly buffers: GPUBuffer[],
    /** Held so that no block of the program is collected while the program may run. */
    readonly commands: readonly Command[],
  ) {}

  /** Gives every block of `commands` memory (transient ones share buffers) and prepares the bind groups. */
  static prepare(gpu: GPUDevice, pool: BufferPool, commands: readonly Command[], kept: ReadonlySet<Block>): Program {
    const { slots, slotOf } = layOut(commands, kept);
    const buffers = slots.map((size) => pool.acquire('storage', size));
    for (const [block, slot] of slotOf) block.gpu = buffers[slot];
    const stages: Stage[] = [];
    for (const command of commands) {
      const last = stages.at(-1);
      if (command.kind !== 'dispatch') stages.push(command);
      else if (Array.isArray(last)) last.push(bind(gpu, command));
      else stages.push([bind(gpu, command)]);
    }
    return new Program(pool, stages, buffers, commands);
  }

  /** Bytes of the buffers that only this program uses. */
  get transientBytes(): number {
    return this.buffers.reduce((sum, buffer) => sum + buffer.size, 0);
  }

  /** Hands the program's buffers back; it must not run again. */
  dispose(): void {
    for (const buffer of this.buffers.splice(0)) this.pool.release('storage', buffer);
    this.stages.length = 0;
  }

  get dispatches(): number {
    return this.stages.reduce((sum, stage) => sum + (Array.isArray(stage) ? stage.length : 0), 0);
  }

  encode(encoder: GPUCommandEncoder): void {
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

/** The buffer behind a view that must have one by now. */
const bufferOf = (view: View): GPUBuffer => {
  if (!view.block.gpu) throw new Error(`block ${view.block.label} was used before it had memory`);
  return view.block.gpu;
};

function encodeTransfer(encoder: GPUCommandEncoder, command: Copy | Clear): void {
  if (command.kind === 'clear') {
    encoder.clearBuffer(bufferOf(command.view), command.view.offsetBytes, command.view.sizeBytes);
  } else {
    const { from, to } = command;
    encoder.copyBufferToBuffer(bufferOf(from), from.offsetBytes, bufferOf(to), to.offsetBytes, to.sizeBytes);
  }
}

function bind(gpu: GPUDevice, { pipeline, views, uniform, grid }: Dispatch): Prepared {
  const entries: GPUBindGroupEntry[] = views.map((view, binding) => ({
    binding,
    resource: { buffer: bufferOf(view), offset: view.offsetBytes, size: view.sizeBytes },
  }));
  if (uniform) entries.push({ binding: views.length, resource: { buffer: uniform } });
  return {
    pipeline: pipeline.gpu,
    bindGroup: gpu.createBindGroup({ layout: pipeline.layout, entries, label: pipeline.name }),
    grid,
    name: pipeline.name,
  };
}
