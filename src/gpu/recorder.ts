import type { Command, Dispatch, Transfer } from './commands.ts';
import type { Memory, MemoryPool, Resource } from './memory.ts';
import { planMemory } from './plan.ts';

/** A dispatch with what it binds. */
interface Bound extends Dispatch {
  bindGroup: GPUBindGroup;
}

/** A flat list of commands to encode again and again: bind groups are made once, so that a dispatch costs a few microseconds. */
export class Program {
  private released = false;
  /** What has its memory from this program alone, and where. */
  private readonly plan: Map<Memory, Memory>;
  private readonly steps: (Bound | Transfer)[];

  /**
   * Gives all that `commands` touch memory; what had none shares it as planned, `kept` blocks aside, which stay readable after a
   * run. Holds the commands, so that no block is collected while the program may run.
   */
  constructor(
    gpu: GPUDevice,
    private readonly pool: MemoryPool,
    readonly commands: readonly Command[],
    kept: ReadonlySet<Memory>,
  ) {
    this.plan = planMemory(commands, kept);
    for (const [memory, owner] of this.plan) Object.assign(memory, { owner, gpu: pool.materialize(owner) });
    this.steps = commands.map((command) => (command.kind === 'dispatch' ? bind(gpu, command) : command));
  }

  /** Bytes of the buffers and textures that only this program uses. */
  get transientBytes(): number {
    return [...new Set(this.plan.values())].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** The kernels of a run, by dispatch. */
  get kernels(): string[] {
    return this.dispatches.map(({ pipeline }) => pipeline.name);
  }

  /** What each dispatch is for, where it was said. */
  get parts(): (string | undefined)[] {
    return this.dispatches.map(({ part }) => part);
  }

  private get dispatches(): Bound[] {
    return this.steps.filter((step) => step.kind === 'dispatch');
  }

  /** Hands the memory that only this program uses back to the pool, its results with it; it must not run again. */
  release(): void {
    this.released = true;
    this.steps.length = 0; // bind groups keep buffers alive
    for (const [memory, owner] of this.plan) {
      Object.assign(memory, { owner: undefined, gpu: undefined });
      this.pool.reclaim(owner);
    }
    this.plan.clear();
  }

  /** Encodes a run: neighbouring dispatches in one pass, or with `querySet` each in one of its own between two timestamps. */
  encode(encoder: GPUCommandEncoder, querySet?: GPUQuerySet): void {
    if (this.released) throw new Error('a program was run after its memory had been handed back');
    let pass: GPUComputePassEncoder | undefined;
    let query = 0;
    const endPass = (): void => {
      pass?.end();
      pass = undefined;
    };
    for (const step of this.steps) {
      if (step.kind !== 'dispatch') {
        endPass();
        encodeTransfer(encoder, step);
        continue;
      }
      const timestampWrites = querySet && {
        ...{ querySet, beginningOfPassWriteIndex: query++, endOfPassWriteIndex: query++ },
      };
      pass ??= encoder.beginComputePass({ timestampWrites });
      pass.setPipeline(step.pipeline.gpu);
      pass.setBindGroup(0, step.bindGroup);
      pass.dispatchWorkgroups(...step.grid);
      if (querySet) endPass();
    }
    endPass();
  }
}

/** The buffer or texture of what must have one by now. */
function realized<T extends Memory>(memory: T): NonNullable<T['gpu']> {
  if (!memory.gpu) throw new Error('a block or image was used before it had memory');
  return memory.gpu;
}

function encodeTransfer(encoder: GPUCommandEncoder, command: Transfer): void {
  if (command.kind === 'clear') {
    const { block, offsetBytes, sizeBytes } = command.to;
    encoder.clearBuffer(realized(block), offsetBytes, sizeBytes);
    return;
  }
  const { block, offsetBytes: offset, sizeBytes } = command.from;
  const buffer = realized(block);
  if (command.kind === 'copy') {
    encoder.copyBufferToBuffer(buffer, offset, realized(command.to.block), command.to.offsetBytes, sizeBytes);
    return;
  }
  const { width, height } = command.to;
  const texture = realized(command.to);
  encoder.copyBufferToTexture({ buffer, offset, bytesPerRow: 16 * width }, { texture }, [width, height]);
}

const bindingOf = (resource: Resource): GPUBindingResource =>
  'block' in resource
    ? { buffer: realized(resource.block), offset: resource.offsetBytes, size: resource.sizeBytes }
    : realized(resource).createView();

function bind(gpu: GPUDevice, dispatch: Dispatch): Bound {
  const { name, layout } = dispatch.pipeline;
  const entries = dispatch.resources.map((resource, binding) => ({ binding, resource: bindingOf(resource) }));
  return { ...dispatch, bindGroup: gpu.createBindGroup({ layout, entries, label: name }) };
}
