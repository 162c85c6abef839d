/** Options that several verbs share. */
import { type Command, InvalidArgumentError, Option } from 'commander';

/** `--json`: machine-readable lines. */
export const jsonOption = (): Option => new Option('--json', 'print machine-readable lines of JSON on standard output');

/** `--adapter`: which GPU, or which software that plays one. */
export const adapterOption = (): Option =>
  new Option(
    '--adapter <name>',
    "auto, gpu, lavapipe, swiftshader, or a part of an adapter's name (default: DAWNLM_ADAPTER, else auto)",
  );

/** `--run`: the folder that training wrote. */
export const runOption = (): Option =>
  new Option('--run <folder>', 'folder of a training run, such as runs/moby-dick-quick');

/** `--checkpoint`: the weights of the lowest validation loss, or the last ones. */
export const checkpointOption = (): Option =>
  new Option('--checkpoint <which>', 'weights to take').choices(['best', 'last']).default('best');

/** What the options of `addRunOptions` give. */
export interface RunFlags {
  run: string;
  checkpoint: 'best' | 'last';
  adapter?: string;
  json?: boolean;
}

/** Options of the verbs that use a run. */
export const addRunOptions = (verb: Command): Command =>
  verb
    .addOption(runOption().makeOptionMandatory())
    .addOption(checkpointOption())
    .addOption(adapterOption())
    .addOption(jsonOption());

/** A parser of numbers from `least` to `most`, whole ones where `whole` is set, for commander's options. */
export function number({ least, most = Number.POSITIVE_INFINITY, whole = false }: Range): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isFinite(value) && value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
    const range = most === Number.POSITIVE_INFINITY ? `of ${least} or more` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`It must be a ${whole ? 'whole ' : ''}number ${range}.`);
  };
}

/** Seeds of random numbers. */
export const seedNumber = number({ least: 0, most: 2 ** 32 - 1, whole: true });

interface Range {
  least: number;
  most?: number;
  whole?: boolean;
}

/** Help text that is shown after the options. */
export const examples = (...lines: readonly string[]): string =>
  `\n${lines.length > 1 ? 'Examples' : 'Example'}:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;

/** A path as it can be pasted into a shell. */
export const shellWord = (path: string): string =>
  /^[\w./@+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
