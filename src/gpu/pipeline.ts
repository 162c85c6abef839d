import type { UserError } from '../errors.ts';
import { explainCompilation } from './failures.ts';

/** How a kernel uses a binding: a storage buffer, an image, or the uniform struct. */
export type Access = 'read' | 'write' | 'image' | 'image write' | 'packed image' | 'uniform';

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
  readonly bindings: readonly Access[];
}

const LAYOUTS: Record<Access, Pick<GPUBindGroupLayoutEntry, 'buffer' | 'storageTexture'>> = {
  read: { buffer: { type: 'read-only-storage' } },
  write: { buffer: { type: 'storage' } },
  uniform: { buffer: { type: 'uniform' } },
  image: { storageTexture: { access: 'read-only', format: 'rgba32float' } },
  'packed image': { storageTexture: { access: 'read-only', format: 'rgba32uint' } },
  'image write': { storageTexture: { access: 'write-only', format: 'rgba32float' } },
};

/** Compiles pipelines once each. The next `settle` tells what did not compile, with the kernel's name and WGSL line. */
export class PipelineCache {
  private readonly pipelines = new Map<string, Pipeline>();
  private pending: Promise<UserError | undefined>[] = [];

  constructor(private readonly gpu: GPUDevice) {}

  get(source: PipelineSource): Pipeline {
    const key = `${source.name}\n${source.bindings.join()}\n${source.wgsl}`;
    let pipeline = this.pipelines.get(key);
    if (!pipeline) this.pipelines.set(key, (pipeline = this.compile(source, key)));
    return pipeline;
  }

  /** Waits for the compilations begun so far and returns the first error: the kernel's name, the line and the message. */
  async settle(): Promise<UserError | undefined> {
    const pending = this.pending;
    this.pending = [];
    return (await Promise.all(pending)).find((failure) => failure);
  }

  private compile({ name, wgsl, bindings }: PipelineSource, key: string): Pipeline {
    const gpu = this.gpu;
    gpu.pushErrorScope('validation');
    const module = gpu.createShaderModule({ code: wgsl, label: name });
    const layout = gpu.createBindGroupLayout({
      label: name,
      entries: bindings.map((access, binding) => ({ binding, visibility: 4, ...LAYOUTS[access] })), // GPUShaderStage.COMPUTE
    });
    const pipeline = gpu.createComputePipeline({
      label: name,
      layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: 'main' },
    });
    const outcome = gpu.popErrorScope().then((error) => {
      if (!error) return undefined;
      this.pipelines.delete(key); // so that whoever uses it again is told again
      return explainCompilation(name, wgsl, module, error);
    });
    // a promise that rejects before anybody waits for it would end the process; a lost device is reported elsewhere
    this.pending.push(outcome.catch(() => undefined));
    return { name, gpu: pipeline, layout, bindings };
  }
}
