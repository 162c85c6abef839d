import { UserError } from '../errors.ts';

/** How a kernel uses a binding. */
export type Access = 'read' | 'write' | 'uniform';

/** Everything that a pipeline is made of. */
export interface PipelineSource {
  /** The kernel's name: errors begin with it. */
  name: string;
  wgsl: string;
  bindings: readonly Access[];
}

export interface Pipeline {
  readonly name: string;
  readonly gpu: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

const BINDING_TYPE = { read: 'read-only-storage', write: 'storage', uniform: 'uniform' } as const;

/** Compiles pipelines once each. Compilation errors are thrown by the next `settle`, with the kernel's name and WGSL line. */
export class PipelineCache {
  private readonly pipelines = new Map<string, Pipeline>();
  private pending: Promise<void>[] = [];

  constructor(private readonly gpu: GPUDevice) {}

  get(source: PipelineSource): Pipeline {
    const key = `${source.name}\n${source.bindings.join()}\n${source.wgsl}`;
    let pipeline = this.pipelines.get(key);
    if (!pipeline) this.pipelines.set(key, (pipeline = this.compile(source)));
    return pipeline;
  }

  /** Waits for the compilations begun so far. @throws UserError with the kernel's name, the line and the message. */
  async settle(): Promise<void> {
    const pending = this.pending;
    this.pending = [];
    await Promise.all(pending);
  }

  private compile({ name, wgsl, bindings }: PipelineSource): Pipeline {
    const gpu = this.gpu;
    gpu.pushErrorScope('validation');
    const module = gpu.createShaderModule({ code: wgsl, label: name });
    const layout = gpu.createBindGroupLayout({
      label: name,
      entries: bindings.map((access, binding) => ({
        binding,
        visibility: 4, // GPUShaderStage.COMPUTE
        buffer: { type: BINDING_TYPE[access] },
      })),
    });
    const pipeline = gpu.createComputePipeline({
      label: name,
      layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: 'main' },
    });
    this.pending.push(gpu.popErrorScope().then((error) => this.report(name, wgsl, module, error)));
    return { name, gpu: pipeline, layout };
  }

  private async report(name: string, wgsl: string, module: GPUShaderModule, error: GPUError | null): Promise<void> {
    if (!error) return;
    const { messages } = await module.getCompilationInfo();
    const first = messages.find((message) => message.type === 'error');
    if (!first) throw new UserError(`kernel ${name}: ${error.message}`);
    const line = wgsl.split('\n')[first.lineNum - 1]?.trim() ?? '';
    throw new UserError(`kernel ${name}: WGSL line ${first.lineNum}: ${first.message}\n  ${line}`);
  }
}
