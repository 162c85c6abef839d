/**
 * A mock adapter: it says what a GPU can do, takes all work and does none. An engine on it writes the shaders that it would
 * write for that GPU, and its pipelines hold what they would be compiled from.
 */
import type { AdapterInfo, SubgroupMatrix } from '../src/gpu/adapter.ts';
import { Engine } from '../src/tensor/engine.ts';
import { type Choices, type Dispatched, observeLong } from '../src/tensor/kernel.ts';
import { formatPoint, type Point } from '../src/tensor/tuning/table.ts';

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
  limits: Partial<GPUSupportedLimits>;
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
    ...{ vendor: 'mock', architecture: 'mock', device: 'a mock adapter', subgroupMinSize, subgroupMaxSize },
    subgroupMatrixConfigs: matrices.map(asDawnTells),
  },
  features: ['subgroups', 'shader-f16', ...(matrices.length ? ['chromium-experimental-subgroup-matrix'] : [])],
  limits: {
    ...{ maxBufferSize: 2 ** 32, maxStorageBufferBindingSize: 2 ** 32 - 4, maxTextureDimension2D: 16384 },
    ...{ maxComputeWorkgroupStorageSize: 32768, maxComputeInvocationsPerWorkgroup: 1024 },
    ...{ maxComputeWorkgroupSizeX: 1024, maxComputeWorkgroupSizeY: 1024, maxStorageBuffersPerShaderStage: 16 },
  },
});

/** What is known of an object of Dawn's, and silence for all else that it might be asked to do. */
const silent = <T extends object>(known: T): T =>
  new Proxy(known, {
    get: (target, name) => (name in target || name === 'then' ? Reflect.get(target, name) : () => undefined),
  });

const encoder = silent({ beginComputePass: () => silent({}) });
const mappable = ({ size }: GPUBufferDescriptor) =>
  silent({
    size,
    mapAsync: async () => undefined,
    getMappedRange: (_: number, bytes: number) => new ArrayBuffer(bytes),
  });

/** A pipeline keeps the words that it would be compiled from. */
function pipelineOf({ label, layout, compute }: GPUComputePipelineDescriptor): Shader {
  const { bindGroupLayouts } = layout as unknown as { bindGroupLayouts: [GPUBindGroupLayoutDescriptor] };
  const { code } = compute.module as unknown as GPUShaderModuleDescriptor;
  return { name: label ?? '', wgsl: code, entries: [...bindGroupLayouts[0].entries] };
}

const itself = <T>(descriptor: T): T => descriptor;

const mockDevice = ({ limits, features }: Traits) =>
  silent({
    ...{ limits, features: new Set(features), lost: new Promise(() => undefined) },
    queue: silent({ onSubmittedWorkDone: async () => undefined }),
    popErrorScope: async () => null,
    createBuffer: mappable,
    createTexture: ({ size }: { size: number[] }) => silent({ width: size[0], height: size[1] }),
    createCommandEncoder: () => encoder,
    ...{ createShaderModule: itself, createBindGroupLayout: itself, createPipelineLayout: itself },
    createComputePipeline: pipelineOf,
  });

/** An engine on a mock adapter. Results are zeros; nothing is held in memory but what JavaScript uploads. */
export function mockEngine(traits: Traits): Promise<Engine> {
  const { info, features, limits } = traits;
  const adapter = { info, limits, features: new Set(features), requestDevice: async () => mockDevice(traits) };
  return Engine.open(adapter as unknown as GPUAdapter);
}

/** A mock of an engine's adapter, with its measured choices of tuning points. */
export async function mockOf({ device: { gpu, adapter }, tuning }: Engine): Promise<Engine> {
  const { device } = await mockEngine({ info: {}, features: adapter.features, limits: gpu.limits });
  const mock = new Engine(device, adapter);
  mock.tuning.use(tuning.table);
  return mock;
}

/** The shaders that `work` dispatches, in order, each once. */
export function shadersOf(engine: Engine, work: () => void): Shader[] {
  const { commands } = engine.device.capture(work);
  const shaders = commands.flatMap((command) => {
    return command.kind === 'dispatch' ? [command.pipeline.gpu as unknown as Shader] : [];
  });
  return [...new Map(shaders.map((shader) => [shader.wgsl, shader])).values()];
}

/** The kernels that `work` dispatches, each once for every `key`; by default in every form and for every point that it prefers. */
export async function usesOf(
  engine: Engine,
  work: () => Promise<unknown>,
  key: (choices: Choices) => string = ({ shaders, points }) => `${shaders} ${formatPoint(points[0])}`,
): Promise<Dispatched[]> {
  const uses = new Map<string, Dispatched>();
  for (const use of await observeLong(engine, work)) {
    const name = `${use.kernel.spec.name} ${key(use.kernel.choices(use.tensors, use.params))}`;
    if (!uses.has(name)) uses.set(name, use);
  }
  return [...uses.values()];
}

/** A kernel's shader at a tuning point. */
export interface Candidate {
  shader: Shader;
  point: Point;
  /** What it makes of the work. */
  workgroups: number;
}

/** The shaders of a dispatch at all tuning points that can do it, the preferred one first. */
export function candidatesOf(engine: Engine, { kernel, tensors, params }: Dispatched): Candidate[] {
  const { points, workgroups } = kernel.choices(tensors, params);
  const shaderAt = (point: Point): Shader =>
    engine.tuning.during(kernel.spec.name, point, () => shadersOf(engine, () => kernel(tensors, params)).at(-1)!);
  return points.map((point) => ({ shader: shaderAt(point), point, workgroups: workgroups(point) }));
}
