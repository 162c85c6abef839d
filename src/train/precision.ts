import type { Capabilities, Precision } from '../tensor/capabilities.ts';

/** What people ask for; `auto` is settled when a run begins. */
export const PRECISIONS = ['auto', 'float32', 'mixed'] as const;
export type PrecisionName = (typeof PRECISIONS)[number];

/** Whether an adapter computes in mixed precision what it would take far longer for in float32: no software, with units for it. */
function pays({ software, features, subgroupMatrices }: Capabilities): boolean {
  const units = subgroupMatrices.some(({ component, result }) => component === 'f16' && result === 'f32');
  return !software && features.includes('shader-f16') && units;
}

/** The precision that a run is trained in on an adapter; `before` is what it was trained in so far. */
export function choosePrecision(wanted: PrecisionName, adapter: Capabilities, before?: PrecisionName): Precision {
  if (wanted !== 'auto') return wanted;
  if (before && before !== 'auto') return before;
  return pays(adapter) ? 'mixed' : 'float32';
}
