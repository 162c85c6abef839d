import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { AdapterSummary } from '../gpu/adapter.ts';
import { shippedTable } from '../kernels/tables/shipped.ts';
import { cacheFolder, errorCode, writeAtomic } from '../node/files.ts';
import { checkJson, damaged } from '../schema.ts';
import type { Tuning, TuningTable } from '../tensor/tuning/table.ts';

/** Measured choices as JSON. Points that a kernel no longer has do not matter: they are passed over. */
export const Table = z.record(z.string(), z.string());

/** What a file of the cache holds. */
const CacheFile = z.object({
  /** 2: choices name the shaders that they were made among. */
  version: z.literal(2),
  /** The adapter's name, driver version included: choices of another driver do not count. */
  adapter: z.string(),
  table: Table,
});

/** Where an adapter's measured choices are kept: <cache>/tuning/<name>.json. */
export function tuningFile(adapterName: string): string {
  const name = adapterName.toLowerCase().replace(/[^a-z0-9.]+/g, '-');
  return join(cacheFolder(), 'tuning', `${name.replace(/^-|-$/g, '')}.json`);
}

/** The choices measured before on an adapter; none when there are none, or the file is damaged, which `note` is told. */
export async function readTuning(adapterName: string, note: (sentence: string) => void): Promise<TuningTable> {
  const file = tuningFile(adapterName);
  try {
    const { adapter, table } = checkJson(CacheFile, await readFile(file, 'utf8'), damaged(file, ''));
    return adapter === adapterName ? table : {};
  } catch (error) {
    const why = error instanceof UserError ? error.message : `${file} cannot be read (${errorCode(error)}).`;
    if (errorCode(error) !== 'ENOENT') note(`${why.trim()} It is passed over, and written anew by dawnlm autotune.`);
    return {};
  }
}

/**
 * Adds choices to those kept for an adapter.
 * @throws UserError when the cache folder cannot be written
 */
export async function saveTuning(adapterName: string, found: TuningTable): Promise<void> {
  const before = await readTuning(adapterName, () => undefined);
  const file: z.infer<typeof CacheFile> = { version: 2, adapter: adapterName, table: { ...before, ...found } };
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
