import type { TuningTable } from '../../tensor/tuning.ts';
import { lavapipe } from './lavapipe.ts';
import { swiftshader } from './swiftshader.ts';

const TABLES: readonly { driver: RegExp; table: TuningTable }[] = [
  { driver: /llvmpipe|lavapipe/i, table: lavapipe },
  { driver: /swiftshader/i, table: swiftshader },
];

/** The choices that come with the program for an adapter, by its name. GPUs have none: their kernels' preferences hold. */
export const shippedTable = (adapterName: string): TuningTable =>
  TABLES.find(({ driver }) => driver.test(adapterName))?.table ?? {};
