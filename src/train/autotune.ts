import { UserError } from '../errors.ts';
import { Generator } from '../model/generate.ts';
import { GPT } from '../model/gpt.ts';
import type { Engine } from '../tensor/engine.ts';
import type { Dispatched } from '../tensor/kernel.ts';
import { type Tuned, type TuneOptions, tableOf, tune, tuningTasks } from '../tensor/tuning/measure.ts';
import { modelConfig, type TrainConfig } from './config.ts';
import { Trainer } from './trainer.ts';
import { saveTuning } from './tuningCache.ts';

/** What tuning before a run came to. */
export interface AutotuneSummary {
  /** Kernels on shape classes that no table knew, and those of them that were measured in the time there was. */
  unknown: number;
  measured: number;
  /** Those for which another point than the preferred one is taken now. */
  changed: number;
  timeMs: number;
  /** Why the choices are not kept for the next run. */
  unsaved?: string;
}

/** Vocabulary of the models that are tuned for without a text: Moby-Dick has 83 characters, tiny Shakespeare 65. */
const VOCABULARY = 83;

/** What a model of these settings dispatches: a step of training, and one of decoding a single sequence. */
export function modelDispatches(engine: Engine, config: TrainConfig): Dispatched[] {
  const trainer = new Trainer(new GPT(engine, modelConfig(config, VOCABULARY)), config);
  return [...trainer.rehearse(), ...engine.observe(() => new Generator(trainer.model))];
}

/** Time that a run may spend on trying points before it begins. */
const BUDGET_MS = 4000;

/**
 * Tunes what `dispatches` need and no table knows, lets the engine use it and keeps it for later runs on the adapter.
 *
 * Software adapters are left alone unless `dawnlm autotune` asks: their kernels' preferences were measured, tuning found
 * nothing better and took 5 to 16 s of compiling, and a table that grows from run to run would change bits from run to run.
 */
export async function autotune(
  engine: Engine,
  dispatches: readonly Dispatched[],
  adapter: { name: string; software: boolean },
  options: Pick<TuneOptions, 'signal'> & { onBegin?: (unknown: number, budgetMs: number) => void },
): Promise<AutotuneSummary | undefined> {
  const tasks = adapter.software ? [] : tuningTasks(dispatches);
  if (tasks.length === 0) return undefined;
  options.onBegin?.(tasks.length, BUDGET_MS);
  const startedAt = performance.now();
  const found = await tune(engine, tasks, { budgetMs: BUDGET_MS, signal: options.signal });
  const changed = found.filter(({ preferred, chosen }) => chosen !== preferred).length;
  const timeMs = performance.now() - startedAt;
  const unsaved = await takeAndKeep(engine, found, adapter.name);
  return { unknown: tasks.length, measured: found.length, changed, timeMs, ...(unsaved && { unsaved }) };
}

/** Puts choices before the engine's tables and into the user's cache. Returns why that could not be written, if so. */
export async function takeAndKeep(
  engine: Engine,
  found: readonly Tuned[],
  adapter: string,
): Promise<string | undefined> {
  if (found.length === 0) return undefined;
  const table = tableOf(found);
  engine.tuning.use(table, engine.tuning.table);
  const unsaved = (error: unknown): string => {
    if (error instanceof UserError) return error.message; // a run does not fail for want of a cache
    throw error;
  };
  return saveTuning(adapter, table).then(() => undefined, unsaved);
}
