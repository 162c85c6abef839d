import type { AdapterSummary } from '../../gpu/adapter.ts';
import type { TuningTable } from '../../tensor/tuning/table.ts';
import { lavapipe } from './lavapipe.ts';
import { rdna } from './rdna.ts';
import { swiftshader } from './swiftshader.ts';

const SOFTWARE: readonly { driver: RegExp; table: TuningTable }[] = [
  { driver: /llvmpipe|lavapipe/i, table: lavapipe },
  { driver: /swiftshader/i, table: swiftshader },
];

/** The choices that come with the program for an adapter. Most GPUs have none: their kernels' preferences hold. */
export function shippedTable({
  name,
  vendor,
  architecture,
}: Pick<AdapterSummary, 'name' | 'vendor' | 'architecture'>): TuningTable {
  const software = SOFTWARE.find(({ driver }) => driver.test(name));
  if (software) return software.table;
  return vendor === 'amd' && Object.hasOwn(rdna, architecture) ? rdna[architecture] : {};
}
