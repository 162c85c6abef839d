import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AdapterSummary } from '../gpu/adapter.ts';
import { shippedTable } from '../kernels/tables/shipped.ts';
import { cacheFolder, errorCode, writeAtomic } from '../node/files.ts';
import type { Tuning, TuningTable } from '../tensor/tuning/table.ts';
import { isTuningTable } from '../tensor/tuning/table.ts';

/** What a file of the cache holds. */
interface CacheFile {
  /** 2: choices name the shaders that they were made among. */
  version: 2;
  /** The adapter's name, driver version included: choices of another driver do not count. */
  adapter: string;
  table: TuningTable;
}

/** Where an adapter's measured choices are kept: <cache>/tuning/<name>.json. */
export function tuningFile(adapterName: string): string {
  const name = adapterName.toLowerCase().replace(/[^a-z0-9.]+/g, '-');
  return join(cacheFolder(), 'tuning', `${name.replace(/^-|-$/g, '')}.json`);
}

/** The choices measured before on an adapter; none when there are none, or the file is damaged, which `note` is told. */
export async function readTuning(adapterName: string, note: (sentence: string) => void): Promise<TuningTable> {
  const file = tuningFile(adapterName);
  const passedOver = (why: string): TuningTable => {
    note(`${file} ${why}: it is passed over, and written anew by dawnlm autotune`);
    return {};
  };
  let json: Partial<CacheFile> | null;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return {};
    return passedOver(errorCode(error) ? `cannot be read (${errorCode(error)})` : 'is damaged (not JSON)');
  }
  if (json?.version !== 2 || !isTuningTable(json.table)) return passedOver('is damaged, or of another version');
  return json.adapter === adapterName ? json.table : {};
}

/**
 * Adds choices to those kept for an adapter.
 * @throws UserError when the cache folder cannot be written
 */
export async function saveTuning(adapterName: string, found: TuningTable): Promise<void> {
  const before = await readTuning(adapterName, () => undefined);
  const file: CacheFile = { version: 2, adapter: adapterName, table: { ...before, ...found } };
  await writeAtomic(tuningFile(adapterName), `${JSON.stringify(file, undefined, 1)}\n`);
}

/** Makes an engine take the user's measured choices, then those that come with the program, then kernels' preferences. */
export async function useTables(
  tuning: Tuning,
  adapter: Pick<AdapterSummary, 'name' | 'vendor' | 'architecture'>,
  note: (sentence: string) => void,
): Promise<void> {
  tuning.use(await readTuning(adapter.name, note), shippedTable(adapter));
}
