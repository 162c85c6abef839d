import type { AdapterSummary } from '../../gpu/adapter.ts';
import type { TuningTable } from '../../tensor/tuning/table.ts';
import { lavapipe } from './lavapipe.ts';
import { rdna } from './rdna.ts';

/** The choices that come with the program for an adapter. Most have none: their kernels' preferences hold. */
export function shippedTable({
  name,
  vendor,
  architecture,
}: Pick<AdapterSummary, 'name' | 'vendor' | 'architecture'>): TuningTable {
  if (/llvmpipe|lavapipe/i.test(name)) return lavapipe;
  return vendor === 'amd' && Object.hasOwn(rdna, architecture) ? rdna[architecture] : {};
}
