/**
 * An adapter on paper: it says what a GPU can do, takes all work and does none. An engine on it writes the shaders that it
 * would write for that GPU, and its pipelines hold what they would be compiled from.
 */
import type { AdapterInfo, SubgroupMatrix } from '../../src/gpu/adapter.ts';
import type { Device } from '../../src/gpu/device.ts';
import { Engine } from '../../src/tensor/engine.ts';
import { type Dispatched, observeLong } from '../../src/tensor/kernel.ts';
import { formatPoint, type Point } from '../../src/tensor/tuning/table.ts';

/** What a GPU compiles. */
export interface Shader {
  name: string;
  wgsl: string;
  entries: GPUBindGroupLayoutEntry[];
}

/** A GPU as far as kernels ask. */
export interface Traits {
  info: Partial<AdapterInfo>;
  features: readonly string[];
  limits: Record<string, number>;
}

/** What subgroups of RDNA 3 and of NVIDIA's GPUs multiply, as far as matmul asks. */
export const MATRICES_OF_16: SubgroupMatrix = { component: 'f16', result: 'f32', M: 16, N: 16, K: 16 };

const asDawnTells = ({ component, result, ...sizes }: SubgroupMatrix) => ({
  ...{ componentType: component, resultComponentType: result, ...sizes },
});

/**
 * What GPUs of the last years offer; those whose subgroups are 32 wide (NVIDIA, Apple), or 32 or 64 as the driver likes (AMD),
 * and know `matrices`.
 */
export const gpuTraits = (
  subgroupMinSize: number,
  subgroupMaxSize: number,
  ...matrices: readonly SubgroupMatrix[]
): Traits => ({
  info: {
    ...{ vendor: 'paper', architecture: 'paper', device: 'a GPU on paper', subgroupMinSize, subgroupMaxSize },
    subgroupMatrixConfigs: matrices.map(asDawnTells),
  },
  features: ['subgroups', 'shader-f16', ...(matrices.length ? ['chromium-experimental-subgroup-matrix'] : [])],
  limits: {
    ...{ maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 32 - 4, maxTextureDimension2D: 16384 },
    ...{ maxComputeWorkgroupStorageSize: 32768, maxComputeInvocationsPerWorkgroup: 1024 },
    ...{ maxComputeWorkgroupSizeX: 1024, maxComputeWorkgroupSizeY: 1024, maxStorageBuffersPerShaderStage: 16 },
  },
});

/** The traits of an adapter that exists, for the shaders that its engine writes. */
export function traitsOf({ gpu, adapter }: Device): Traits {
  const { name, vendor, architecture, subgroupSize, subgroupMatrices, features } = adapter;
  const limits = Object.fromEntries(Object.keys(gpuTraits(0, 0).limits).map((name) => [name, limitOf(gpu, name)]));
  const subgroups = {
    ...{ subgroupMinSize: subgroupSize, subgroupMaxSize: adapter.subgroupMost },
    subgroupMatrixConfigs: subgroupMatrices.map(asDawnTells),
  };
  return { info: { description: name, vendor, architecture, ...subgroups }, features, limits };
}

const limitOf = ({ limits }: GPUDevice, name: string): number => limits[name as keyof GPUSupportedLimits] as number;

const paperBuffer = ({ size }: GPUBufferDescriptor) => ({
  size,
  mapAsync: async () => undefined,
  getMappedRange: (_offset: number, sizeBytes: number) => new ArrayBuffer(sizeBytes),
  unmap: () => undefined,
  destroy: () => undefined,
});

const paperTexture = ({ size }: GPUTextureDescriptor) => {
  const [width, height] = size as number[];
  return { width, height, createView: () => ({}) };
};

const ignored = () => undefined;
const paperPass = () => ({
  setPipeline: ignored,
  setBindGroup: ignored,
  dispatchWorkgroups: ignored,
  end: ignored,
});
const paperEncoder = () => ({
  beginComputePass: paperPass,
  copyBufferToBuffer: ignored,
  copyBufferToTexture: ignored,
  clearBuffer: ignored,
  finish: () => ({}),
});

/** A pipeline keeps the words that it would be compiled from. */
function paperPipeline({ label, layout, compute }: GPUComputePipelineDescriptor): Shader {
  const { bindGroupLayouts } = layout as unknown as { bindGroupLayouts: [GPUBindGroupLayoutDescriptor] };
  const { code } = compute.module as unknown as GPUShaderModuleDescriptor;
  return { name: label ?? '', wgsl: code, entries: [...bindGroupLayouts[0].entries] };
}

const itself = <T>(descriptor: T): T => descriptor;

function paperDevice({ limits, features }: Traits): GPUDevice {
  const device = {
    limits,
    features: new Set(features),
    lost: new Promise(ignored),
    queue: { writeBuffer: ignored, submit: ignored, onSubmittedWorkDone: async () => undefined },
    addEventListener: ignored,
    pushErrorScope: ignored,
    popErrorScope: async () => null,
    createBuffer: paperBuffer,
    createTexture: paperTexture,
    createCommandEncoder: paperEncoder,
    createBindGroup: () => ({}),
    createShaderModule: itself,
    createBindGroupLayout: itself,
    createPipelineLayout: itself,
    createComputePipeline: paperPipeline,
  };
  return device as unknown as GPUDevice;
}

/** An engine on a GPU on paper. Results are zeros; nothing is held in memory but what JavaScript uploads. */
export function paperEngine(traits: Traits): Promise<Engine> {
  const { info, features, limits } = traits;
  const adapter = { info, limits, features: new Set(features), requestDevice: async () => paperDevice(traits) };
  return Engine.open(adapter as unknown as GPUAdapter);
}

/** The shaders that `work` dispatches, in order, each once. */
export function shadersOf(engine: Engine, work: () => void): Shader[] {
  const { commands } = engine.device.capture(work);
  const shaders = commands.flatMap((command) => {
    return command.kind === 'dispatch' ? [command.pipeline.gpu as unknown as Shader] : [];
  });
  return [...new Map(shaders.map((shader) => [shader.wgsl, shader])).values()];
}

/** The kernels that `work` dispatches, each once in every form that its shader has and for every point that it prefers. */
export async function usesOf(engine: Engine, work: () => Promise<unknown>): Promise<Dispatched[]> {
  const uses = new Map<string, Dispatched>();
  for (const use of await observeLong(engine, work)) {
    const { shaders, points } = use.kernel.choices(use.tensors, use.params);
    const key = `${use.kernel.spec.name} ${shaders} ${formatPoint(points[0])}`;
    if (!uses.has(key)) uses.set(key, use);
  }
  return [...uses.values()];
}

/** The shader of a kernel's use at a tuning point. */
export const shaderAt = (engine: Engine, { kernel, tensors, params }: Dispatched, point: Point): Shader =>
  engine.tuning.during(kernel.spec.name, point, () => shadersOf(engine, () => kernel(tensors, params)).at(-1)!);
