/** The most that an adapter was seen to do, measured once and kept in the user's cache. */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { measureRates } from '../check/roof.ts';
import { cacheFolder, writeAtomic } from '../node/files.ts';
import { Roof } from '../report/costCard.ts';
import { checkJson } from '../schema.ts';
import type { Engine } from '../tensor/engine.ts';

const CacheFile = z.object({ version: z.literal(1), machine: z.string(), roof: Roof });

/** What a roof is of: the adapter, the precision that products are in, and of software the cores that play the GPU. */
const machineOf = ({ capabilities, precision }: Engine, adapter: string): string =>
  [adapter, precision, ...(capabilities.software ? [`${availableParallelism()} cores`] : [])].join(', ');

const fileOf = (machine: string): string =>
  join(cacheFolder(), 'roof', `${machine.toLowerCase().replace(/[^a-z0-9.]+/g, '-')}.json`);

/**
 * The roof of an adapter, as it is kept or measured now; a busy machine measures too low a one. What a run `achieved` is the least
 * that it can be: where that is more, the roof is measured again, and if need be raised to it, so that no share of it passes 1.
 */
export async function roofAbove(engine: Engine, adapter: string, achieved: number): Promise<Roof> {
  const machine = machineOf(engine, adapter);
  const known = await readRoof(machine);
  let roof = known ?? (await measureRates(engine));
  if (roof.operationsPerSecond < achieved) roof = higher(roof, await measureRates(engine));
  roof = higher(roof, { operationsPerSecond: achieved, bytesPerSecond: 0 });
  if (roof.operationsPerSecond !== known?.operationsPerSecond) await keep(machine, roof);
  return roof;
}

const higher = (a: Roof, b: Roof): Roof => ({
  operationsPerSecond: Math.max(a.operationsPerSecond, b.operationsPerSecond),
  bytesPerSecond: Math.max(a.bytesPerSecond, b.bytesPerSecond),
});

async function readRoof(machine: string): Promise<Roof | undefined> {
  try {
    const found = checkJson(CacheFile, await readFile(fileOf(machine), 'utf8'), Error);
    return found.machine === machine ? found.roof : undefined;
  } catch {
    return undefined; // there is none, or none that can be used: it is measured anew
  }
}

/** A cache that cannot be written is measured anew the next time. */
const keep = (machine: string, roof: Roof): Promise<void> =>
  writeAtomic(fileOf(machine), `${JSON.stringify({ version: 1, machine, roof }, undefined, 1)}\n`).catch(
    () => undefined,
  );
