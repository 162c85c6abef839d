import { UserError } from '../errors.ts';

/**
 * A product that subgroups compute on matrices as a whole: (M, K) by (K, N) of `component` numbers, added up in `result` ones.
 * Dawn's experimental `chromium_experimental_subgroup_matrix`; the hardware is known as tensor cores, WMMA or simdgroup matrices.
 */
export interface SubgroupMatrix {
  component: string;
  result: string;
  M: number;
  N: number;
  K: number;
}

/** What the engine needs to know of an adapter, in plain data: it is printed, saved with runs and used to choose kernels. */
export interface AdapterSummary {
  /** Human-readable name, e.g. "llvmpipe (LLVM 15.0.6, 256 bits)". */
  name: string;
  vendor: string;
  architecture: string;
  /** True for CPU implementations of Vulkan (lavapipe, SwiftShader) and fallback adapters. */
  software: boolean;
  /** Lanes of a subgroup where the adapter has subgroups and all have one size, else 0. */
  subgroupSize: number;
  /** The largest size that a subgroup may have, 0 without subgroups. */
  subgroupMost: number;
  /** Empty where subgroups know no matrices. */
  subgroupMatrices: SubgroupMatrix[];
  features: string[];
}

/** Features that are switched on wherever the adapter has them. */
const WANTED = [
  'subgroups',
  'shader-f16',
  'timestamp-query',
  'chromium-experimental-subgroup-matrix',
] as GPUFeatureName[];

/** Limits that default far below what adapters offer and that matter to tensors. */
const RAISED = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxStorageBuffersPerShaderStage',
  'maxTextureDimension2D',
] as const;

/** What Dawn tells beyond the types at hand. */
export interface AdapterInfo extends GPUAdapterInfo {
  subgroupMinSize: number;
  subgroupMaxSize: number;
  subgroupMatrixConfigs?: { componentType: string; resultComponentType: string; M: number; N: number; K: number }[];
}

function matricesOf({ features, info }: GPUAdapter): SubgroupMatrix[] {
  if (!features.has('chromium-experimental-subgroup-matrix' as GPUFeatureName)) return [];
  const configs = [...((info as AdapterInfo).subgroupMatrixConfigs ?? [])];
  return configs.map(({ componentType, resultComponentType, M, N, K }) => ({
    ...{ component: componentType, result: resultComponentType, M, N, K },
  }));
}

/** Describes an adapter. */
export function summarize(adapter: GPUAdapter): AdapterSummary {
  const info = adapter.info as AdapterInfo;
  const name = info.description || info.device || info.architecture || 'unnamed adapter';
  const fixedSize = info.subgroupMinSize === info.subgroupMaxSize ? (info.subgroupMinSize ?? 0) : 0;
  return {
    name,
    vendor: info.vendor,
    architecture: info.architecture,
    software:
      info.isFallbackAdapter ||
      /llvmpipe|swiftshader|software|basic render/i.test(`${name} ${info.device} ${info.architecture}`),
    subgroupSize: adapter.features.has('subgroups') ? fixedSize : 0,
    subgroupMost: adapter.features.has('subgroups') ? info.subgroupMaxSize : 0,
    subgroupMatrices: matricesOf(adapter),
    features: [...adapter.features].sort(),
  };
}

/**
 * Requests a device with every wanted feature and the adapter's own limits.
 * @throws UserError when the adapter refuses.
 */
export async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredLimits = Object.fromEntries(RAISED.map((limit) => [limit, adapter.limits[limit]]));
  const requiredFeatures = WANTED.filter((feature) => adapter.features.has(feature));
  try {
    return await adapter.requestDevice({ requiredFeatures, requiredLimits });
  } catch (error) {
    throw new UserError(`The adapter "${summarize(adapter).name}" gave no device: ${(error as Error).message}`);
  }
}
