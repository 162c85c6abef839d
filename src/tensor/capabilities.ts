import type { AdapterSummary } from '../gpu/adapter.ts';

/**
 * What kernels read their operands as: `float32`, or `mixed`: f16 copies of them. Tensors are f32 either way, and so are
 * sums (Micikevicius et al., "Mixed precision training", 2018).
 */
export type Precision = 'float32' | 'mixed';

/** Limits and features that decide which tuning points an adapter can run, and the precision that the engine is set to. */
export interface Capabilities extends AdapterSummary {
  precision: Precision;
  workgroupStorageBytes: number;
  workgroupInvocations: number;
  /** The most of a buffer that a kernel can bind at once. */
  bindingBytes: number;
  /** Largest side of a texture. */
  textureSide: number;
}
