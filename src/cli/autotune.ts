import type { Command } from 'commander';
import { opDispatches } from '../check/dispatches.ts';
import { SIZES, type SizeName } from '../check/workloads.ts';
import type { Engine } from '../tensor/engine.ts';
import type { Dispatched } from '../tensor/kernel.ts';
import { type Tuned, tune, tuningTasks } from '../tensor/tuning/measure.ts';
import { formatPoint } from '../tensor/tuning/table.ts';
import { modelDispatches, takeAndKeep } from '../train/autotune.ts';
import { resolveConfig, type TrainConfig } from '../train/config.ts';
import { PRESETS } from '../train/presets.ts';
import { tuningFile } from '../train/tuningCache.ts';
import { adapterInWords, openEngine } from './engine.ts';
import { adapterOption, examples, jsonOption } from './options.ts';
import { print, printJson, say, table } from './terminal/output.ts';
import { stopSignal } from './terminal/stopSignal.ts';

interface AutotuneOptions {
  preset: string;
  all?: boolean;
  adapter?: string;
  json?: boolean;
}

/** Time for trying points for one model, beside what its preferred points take to compile. */
const BUDGET_MS = 10_000;

export function addAutotune(program: Command): void {
  program
    .command('autotune')
    .description('measure which form of each kernel is best on an adapter, and keep that for later runs')
    .option('--preset <name>', 'tune for the shapes of this model', 'nano')
    .option('--all', 'every preset, kernel and form, however long they take (minutes)')
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('dawnlm autotune --preset small', 'dawnlm autotune --all --adapter lavapipe'))
    .action(autotuneVerb);
}

async function autotuneVerb({ preset, all, adapter: choice, json }: AutotuneOptions): Promise<void> {
  resolveConfig(preset); // refuses an unknown one before anything is opened
  const { engine, adapter } = await openEngine(choice);
  const tasks = tuningTasks(await dispatchesFor(engine, all ? Object.keys(PRESETS) : [preset], all), true);
  say(`measuring ${tasks.length} kernels on shapes of their own${all ? '' : `, for ${BUDGET_MS / 1000} s`}`);
  const unlimited = { budgetMs: Number.POSITIVE_INFINITY, compileMs: Number.POSITIVE_INFINITY };
  const limits = all ? unlimited : { budgetMs: BUDGET_MS };
  const tell = (tuned: Tuned): boolean => (json ? printJson(lineOf(tuned)) : say(cells(tuned).join('  ')));
  const found = await tune(engine, tasks, { ...limits, signal: stopSignal(), onTuned: tell });
  const unsaved = await takeAndKeep(engine, found, adapter.name);
  if (!json) print(`\n${adapterInWords(adapter)}\n\n${table([HEADINGS, ...found.map(cells)], 3)}`);
  say(unsaved ?? `kept in ${tuningFile(adapter.name)}`);
}

/** What training and decoding of presets dispatch; with `ops` also what no model does. */
async function dispatchesFor(engine: Engine, presets: readonly string[], ops = false): Promise<Dispatched[]> {
  const models = presets.flatMap((preset) => modelDispatches(engine, configOf(engine, preset)));
  return ops ? [...models, ...(await opDispatches(engine, ['nano', 'small']))] : models;
}

/** A preset, with a batch that a software adapter bears. */
function configOf({ capabilities }: Engine, preset: string): TrainConfig {
  const size = capabilities.software && Object.hasOwn(SIZES, preset) && SIZES[preset as SizeName];
  return resolveConfig(preset, size ? { batchSize: size.batch } : {});
}

const HEADINGS = ['kernel and shapes', 'preferred', 'chosen', 'ms', 'faster', 'tried'];

function cells({ entry, preferred, chosen, preferredMs, gain, tried, points }: Tuned): string[] {
  const changed = chosen !== preferred;
  const faster = changed ? `${Math.round(100 * (gain - 1))}%` : '';
  const words = [entry, formatPoint(preferred), changed ? formatPoint(chosen) : 'the same'];
  return [...words, (preferredMs / gain).toFixed(3), faster, `${tried + 1} of ${points}`];
}

const lineOf = ({ preferred, chosen, ...tuned }: Tuned): object => ({
  ...{ type: 'tuned', preferred: formatPoint(preferred), chosen: formatPoint(chosen) },
  ...tuned,
});
