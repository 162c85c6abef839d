/** What `train` is to do: which text, which settings, which folder, and whether to go on with the run that is there. */
import { existsSync } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { corpora } from '../../data/corpora.ts';
import { UsageError, UserError } from '../errors.ts';
import { errorCode } from '../node/files.ts';
import { loss } from '../report/format.ts';
import { seriesOf } from '../report/series.ts';
import { checkJson } from '../schema.ts';
import { resolveConfig, SETTINGS, TrainConfig } from '../train/config.ts';
import { FILES, isRunFolder, type RunCard, readLog, readRunCard } from '../train/runFolder.ts';
import { corpusName, givenOf } from './corpus.ts';
import { shellWord } from './options.ts';
import { say } from './terminal/output.ts';

export const DEFAULT_PRESET = 'quick';

export interface TrainFlags extends Partial<TrainConfig> {
  preset?: string;
  /** Path of a JSON file. */
  config?: string;
  printSchema?: boolean;
  out?: string;
  resume?: boolean;
  force?: boolean;
  adapter?: string;
  json?: boolean;
  /** False with --no-autotune. */
  autotune?: boolean;
}

/** Flags that say nothing of what is trained. */
const ASIDE = ['adapter', 'json', 'autotune'];

export interface TrainPlan {
  /** For `openCorpus`. */
  given: string;
  config: TrainConfig;
  folder: string;
  resume: boolean;
}

/**
 * The plan, or undefined when there is nothing to do. Where nothing was said on the command line (`npm start`), an
 * unfinished run is continued, and a finished one is no error.
 * @throws UserError when the folder holds a run and nobody said what becomes of it; UsageError for settings that are wrong
 */
export async function planTraining(given: string | undefined, flags: TrainFlags): Promise<TrainPlan | undefined> {
  const { preset = DEFAULT_PRESET } = flags;
  const folder = flags.out ?? join('runs', `${corpusName(given ?? corpora[0].name)}-${preset}`);
  const before = isRunFolder(folder) ? await readRunCard(folder) : undefined;
  const config = await readSettings(flags, before);
  const plan = { folder, config, given: given ?? corpora[0].name };
  if (!before) return { ...plan, resume: flags.resume ?? false };
  if (!existsSync(join(folder, FILES.resume))) {
    say(`${folder} holds a run that was ended before its first checkpoint: it begins anew`);
    await rm(join(folder, FILES.run));
    return { ...plan, ...(flags.resume && { given: given ?? givenOf(before.dataCard) }), resume: false };
  }
  if (flags.resume) return { ...plan, given: given ?? givenOf(before.dataCard), resume: true };
  if (flags.force) {
    await moveAside(folder);
    return { ...plan, resume: false };
  }
  const bare = given === undefined && Object.keys(flags).every((flag) => ASIDE.includes(flag));
  const state = await stateOf(folder, before);
  if (bare && !state.finished && sameSettings(config, before.config)) {
    say(`${folder} ${state.words}: it is continued`);
    return { ...plan, resume: true };
  }
  const advice = `${folder} ${state.words}. ${adviceFor(folder, state.finished)}`;
  if (!bare || !state.finished) throw new UserError(advice);
  say(advice);
  return undefined;
}

/** What a config file may hold: any settings, and where its own schema is. */
export const ConfigFile = TrainConfig.extend({ $schema: z.string().optional() }).describe(
  'Settings of dawnlm train. What is left out is as the preset has it; the defaults are those of the preset nano.',
);

/** The preset, then the config file, then flags. Where a run is resumed and no preset named, its own settings are the base. */
async function readSettings(flags: TrainFlags, before: RunCard | undefined): Promise<TrainConfig> {
  const { preset = DEFAULT_PRESET, config: file, resume } = flags;
  const base = resume && flags.preset === undefined ? { ...before?.config } : {};
  const fromFile = file === undefined ? {} : await readConfigFile(file);
  return resolveConfig(preset, base, fromFile, Object.fromEntries(SETTINGS.map((name) => [name, flags[name]])));
}

/** The settings that a file names. @throws UserError when it cannot be read, UsageError when one of them is wrong */
async function readConfigFile(file: string): Promise<Record<string, unknown>> {
  const text = await readFile(file, 'utf8').catch((error) => {
    throw new UserError(`The config file ${file} cannot be read (${errorCode(error)}). Give --config a JSON file.`);
  });
  checkJson(ConfigFile, text, (problem) => new UsageError(`${file} holds no settings as {"nLayer": 6}: ${problem}`));
  const { $schema, ...settings } = JSON.parse(text); // without the defaults, which a check fills in
  return settings;
}

/** Whether `wanted` is what a run was trained with, which holds what became of `auto`. */
const sameSettings = (wanted: TrainConfig, trained: TrainConfig): boolean =>
  SETTINGS.every((name) => wanted[name] === trained[name] || (name === 'precision' && wanted.precision === 'auto'));

/** How far the run of a folder is. */
async function stateOf(folder: string, { config }: RunCard): Promise<{ finished: boolean; words: string }> {
  const log = await readLog(folder);
  const done = log.at(-1)?.step ?? 0;
  const validation = seriesOf(log, 'validationLoss').at(-1);
  const scored = validation ? `, validation loss ${loss(validation.value)}` : '';
  const finished = done >= config.steps;
  const words = finished
    ? `holds a finished run (${done} steps${scored})`
    : `holds a run at step ${done} of ${config.steps}`;
  return { finished, words };
}

function adviceFor(folder: string, finished: boolean): string {
  const run = shellWord(folder);
  if (!finished) return 'Continue it with --resume, begin anew with --force, or choose another folder with --out.';
  return `Sample from it: npx dawnlm sample --run ${run}. Train anew: npx dawnlm train --force, or another folder with --out. Train on: --resume with more --steps.`;
}

/** Keeps a run under the first free name of <folder>.1, <folder>.2 and so on. */
async function moveAside(folder: string): Promise<void> {
  let number = 1;
  while (existsSync(`${folder}.${number}`)) number++;
  await rename(folder, `${folder}.${number}`);
  say(`the run that was in ${folder} is now in ${folder}.${number}`);
}
