import { waitWithBackOff } from '../node/backOff.ts';
import { type AdapterUse, openAdapter } from '../node/drivers.ts';
import { Engine } from '../tensor/engine.ts';
import type { WeightFormat } from '../tensor/operands/packing.ts';
import { loadRun, type SavedRun } from '../train/savedRun.ts';
import { useTables } from '../train/tuningCache.ts';
import type { RunFlags } from './options.ts';
import { say } from './terminal/output.ts';

/** An engine, and the adapter that it works on. */
export interface OpenedEngine {
  engine: Engine;
  adapter: { name: string; software: boolean };
}

/** What is said of an adapter wherever it is named: figures of a software one must not be taken for a GPU's. */
export const adapterInWords = ({ name, software }: OpenedEngine['adapter']): string =>
  software ? `${name} (software: the CPU plays the GPU)` : name;

/** Opens the adapter that `choice` names (see openAdapter), says which it is and takes what was measured on it. @throws UserError when there is none */
export async function openEngine(choice?: string, use?: AdapterUse): Promise<OpenedEngine> {
  const { adapter, description: name, software } = await openAdapter(choice, use);
  say(`adapter: ${adapterInWords({ name, software })}`);
  const engine = await Engine.open(adapter, waitWithBackOff);
  const { vendor, architecture } = engine.capabilities;
  await useTables(engine.tuning, { name, vendor, architecture }, say);
  return { engine, adapter: { name, software } };
}

/** Opens an engine, and the run that was asked for, its weights in the format that was. @throws UserError when there is none, or it is damaged */
export async function openRun(
  { run, checkpoint, adapter, weights }: RunFlags & { weights?: WeightFormat },
  use?: AdapterUse,
): Promise<SavedRun> {
  const { engine } = await openEngine(adapter, use);
  return loadRun(engine, run, checkpoint, weights);
}
