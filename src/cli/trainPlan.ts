/** What `train` is to do: which text, which settings, which folder, and whether to go on with the run that is there. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { corpora, findDomain } from '../../data/corpora.ts';
import { RECIPE } from '../cost/rule.ts';
import { UsageError, UserError } from '../errors.ts';
import { loss } from '../report/format.ts';
import { seriesOf } from '../report/series.ts';
import { check, parseJson } from '../schema.ts';
import { shellWord } from '../shellWord.ts';
import { readText } from '../tasks/data.ts';
import { resolveConfig, SETTINGS, TrainConfig } from '../train/config.ts';
import { type Dial, FILES, isRunFolder, type RunCard, readLog, readRunCard } from '../train/runFolder.ts';
import { corpusName, givenOf, STANDARD_INPUT } from './corpus.ts';
import { resumeCommand, sameCommand } from './options.ts';
import { say } from './terminal/output.ts';

/** The preset under settings that name none: the dial's own. */
export const DEFAULT_PRESET = RECIPE;

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
  minutes?: number;
  operations?: number;
  depth?: number;
}

/** Flags that say nothing of what is trained. */
const ASIDE = ['adapter', 'json', 'autotune'];

/** Flags that size a run by one number. */
const DIALS = ['minutes', 'operations', 'depth'] as const;

/** The dial of a training of which nothing is said: npm start. */
export const DEFAULT_DIAL = { minutes: 3 } satisfies Dial;
/** Settings that leave it at that. */
const BESIDE_DIAL = ['seed', 'precision', 'watch', 'watchEvery', 'canaries', 'clean'];

export interface TrainPlan {
  /** For `openCorpus`. */
  given: string;
  config: TrainConfig;
  /** What size and steps are still to be chosen by, over the settings that were given. */
  dial?: { readonly by: Dial; readonly given: Partial<TrainConfig> };
  folder: string;
  resume: boolean;
  /** Whether the run that is in the folder is to be moved away before. */
  replaces?: boolean;
}

/** The folder that is written. */
export const folderOf = (given: string | undefined, { out, preset }: TrainFlags): string =>
  out ?? join('runs', [corpusName(given ?? corpora[0].name), ...(preset ? [preset] : [])].join('-'));

/**
 * The plan, or undefined when there is nothing to do. Where nothing was said on the command line (`npm start`), an
 * unfinished run is continued, and a finished one is no error.
 * @throws UserError when the folder holds a run and nobody said what becomes of it; UsageError for settings that are wrong
 */
export async function planTraining(given: string | undefined, flags: TrainFlags): Promise<TrainPlan | undefined> {
  const folder = folderOf(given, flags);
  const before = isRunFolder(folder) ? await readRunCard(folder) : undefined;
  if (before?.importedFrom) {
    const tune = `npx dawnlm finetune text file.txt --run ${shellWord(folder)}`;
    throw new UserError(`${folder} holds a model that was imported. Tune it (${tune}), or name another --out.`);
  }
  const { config, dial } = await readSettings(flags, before, given);
  const again = `Give it: npx dawnlm train file.txt --resume --out ${shellWord(folder)}`;
  const sameText = (): string => given ?? givenOf(before!.dataCard, folder, again);
  const plan = { folder, config, ...(dial && { dial }), given: given ?? corpora[0].name };
  if (!before) return { ...plan, resume: flags.resume ?? false };
  if (!existsSync(join(folder, FILES.resume))) {
    say(`${folder} holds a run that was ended before its first checkpoint: it begins anew`);
    await rm(join(folder, FILES.run));
    return { ...plan, ...(flags.resume && { given: sameText() }), resume: false };
  }
  if (flags.resume) return { ...plan, given: sameText(), resume: true };
  if (flags.force) return { ...plan, resume: false, replaces: true };
  const bare = given === undefined && Object.keys(flags).every((flag) => ASIDE.includes(flag));
  const { finished, words, advice } = await progressOf(folder, before, flags);
  if (bare && !finished && (sameDial(before) || sameSettings(config, before.config))) {
    say(`${words}: it is continued`);
    return { folder, given: plan.given, config: before.config, resume: true };
  }
  if (!bare || !finished) throw new UserError(`${words}. ${advice}`);
  say(`${words}. ${advice}`);
  return undefined;
}

/** What a config file may hold: any settings, and where its own schema is. */
export const ConfigFile = TrainConfig.extend({ $schema: z.string().optional() }).describe(
  'Settings of dawnlm train. What is left out is as the preset has it; the defaults are those of the preset nano.',
);

/**
 * The preset, then the config file, then flags. Where a run is resumed and no preset named, its own settings are the base. With a dial
 * the settings are those of the recipe, until it is turned.
 */
async function readSettings(
  flags: TrainFlags,
  before: RunCard | undefined,
  corpus: string | undefined,
): Promise<Pick<TrainPlan, 'config' | 'dial'>> {
  const { preset = DEFAULT_PRESET, config: file, resume } = flags;
  const base = resume && flags.preset === undefined ? { ...before?.config } : {};
  const fromFile = file === undefined ? {} : await readConfigFile(file);
  const given = { ...fromFile, ...settingsIn(flags) };
  const { form, size } = domainSettings(corpus);
  const by = dialOf(flags, given, size !== undefined);
  const wishes = { ...form, ...given };
  if (by) return { config: resolveConfig(RECIPE, wishes), dial: { by, given: wishes } };
  return { config: resolveConfig(preset, flags.preset === undefined ? { ...size } : {}, form, base, given) };
}

/** Settings that the form of a text asks for, whatever size the model has. */
const FORM: readonly (keyof TrainConfig)[] = [
  'tokenizer',
  'blockSize',
  'contextGrowth',
  'wholeLines',
  'fillInMiddle',
  'validationFraction',
];

/** What a domain brings along: the form of its text, and the size that a model of it has where neither preset nor dial says another. */
function domainSettings(corpus = ''): { form: Partial<TrainConfig>; size?: Partial<TrainConfig> } {
  const size = findDomain(corpus)?.settings;
  return {
    size,
    form: Object.fromEntries(FORM.flatMap((name) => (size?.[name] === undefined ? [] : [[name, size[name]]]))),
  };
}

/** The settings among flags. */
const settingsIn = (flags: TrainFlags): Partial<TrainConfig> =>
  Object.fromEntries(SETTINGS.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]]])));

/**
 * The dial that was turned, or the one of a training of which nothing is said.
 * @param hasSize whether the text says of itself how large its model is
 * @throws UsageError for what contradicts it
 */
function dialOf(flags: TrainFlags, given: Partial<TrainConfig>, hasSize: boolean): Dial | undefined {
  const turned = DIALS.filter((name) => flags[name] !== undefined);
  const [name] = turned;
  if (!name) {
    const saysMore = hasSize || flags.preset !== undefined || flags.config !== undefined || flags.resume;
    return saysMore || Object.keys(given).some((one) => !BESIDE_DIAL.includes(one)) ? undefined : DEFAULT_DIAL;
  }
  const refuse = (what: string): Error => new UsageError(`--${name} ${what}`);
  if (turned[1]) throw refuse(`and --${turned[1]} both say how much to train: give one of them`);
  if (given.steps !== undefined) throw refuse('chooses the number of steps: leave --steps away');
  if (flags.preset !== undefined) throw refuse('chooses what a preset would say: leave --preset away');
  if (flags.resume) throw refuse('is for a new run: --resume goes on with what was chosen for the one that is there');
  const depth = (['nLayer', 'nEmbd', 'nHead'] as const).find((size) => given[size] !== undefined);
  if (name === 'depth' && depth) throw refuse(`says the size, and ${depth} does too: give one of them`);
  return { [name]: flags[name] } as Dial;
}

/** Whether a run is one of a training of which nothing was said. */
const sameDial = ({ dial }: RunCard): boolean => JSON.stringify(dial) === JSON.stringify(DEFAULT_DIAL);

/** The settings that a file names. @throws UserError when it cannot be read, UsageError when one of them is wrong */
async function readConfigFile(file: string): Promise<Record<string, unknown>> {
  const text = await readText(file).catch((cause) => {
    throw new UserError(`The config file ${file} cannot be read. ${cause.message}`, { cause });
  });
  const refuse = (problem: string): Error => new UsageError(`${file} holds no settings as {"nLayer": 6}: ${problem}`);
  const given = parseJson(text, refuse);
  check(ConfigFile, given, refuse);
  const { $schema, ...settings } = given as Record<string, unknown>; // without the defaults, which a check fills in
  return settings;
}

/** Whether `wanted` is what a run was trained with, which holds what became of `auto`. */
const sameSettings = (wanted: TrainConfig, trained: TrainConfig): boolean =>
  SETTINGS.every((name) => wanted[name] === trained[name] || (name === 'precision' && wanted.precision === 'auto'));

/** How far the run of a folder is, and what can be done about it. */
async function progressOf(folder: string, { config, dataCard }: RunCard, { adapter }: TrainFlags) {
  const log = await readLog(folder);
  const done = log.at(-1)?.step ?? 0;
  const given = dataCard.source === STANDARD_INPUT ? '-' : undefined;
  const resume = resumeCommand('train', folder, { given, adapter });
  const anew = sameCommand('train', '--force', '--resume');
  if (done < config.steps) {
    const advice = `Continue it with --resume, begin anew with --force, which keeps it under another name, or choose another folder with --out:
  ${resume}
  ${anew}`;
    return { finished: false, words: `${folder} holds a run at step ${done} of ${config.steps}`, advice };
  }
  const validation = seriesOf(log, 'validationLoss').at(-1);
  const scored = validation ? `, validation loss ${loss(validation.value)}` : '';
  const advice = `Sample from it, train anew (it is kept under another name; --out names another folder), or train on:
  npx dawnlm sample --run ${shellWord(folder)}
  ${anew}
  ${resume} --steps ${2 * config.steps}`;
  return { finished: true, words: `${folder} holds a finished run (${done} steps${scored})`, advice };
}
