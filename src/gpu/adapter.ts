import { UserError } from '../errors.ts';

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
  features: string[];
}

/** Features that are switched on wherever the adapter has them. */
const WANTED: GPUFeatureName[] = ['subgroups' as GPUFeatureName, 'shader-f16', 'timestamp-query'];

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

/** Describes an adapter. */
export function summarize(adapter: GPUAdapter): AdapterSummary {
  const info = adapter.info as GPUAdapterInfo & { subgroupMinSize?: number; subgroupMaxSize?: number };
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
    features: [...adapter.features].sort(),
  };
}

/**
 * Requests a device with every wanted feature and the adapter's own limits.
 * @throws UserError when the adapter refuses.
 */
export async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredLimits: Record<string, number> = {};
  for (const limit of RAISED) requiredLimits[limit] = adapter.limits[limit];
  const requiredFeatures = WANTED.filter((feature) => adapter.features.has(feature));
  try {
    return await adapter.requestDevice({ requiredFeatures, requiredLimits });
  } catch (error) {
    throw new UserError(`The adapter "${summarize(adapter).name}" gave no device: ${(error as Error).message}`);
  }
}
