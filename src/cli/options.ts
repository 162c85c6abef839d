/** Options that several verbs share. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { expected, jsonSchemaOf } from '../schema.ts';
import { shellWord } from '../shellWord.ts';
import { WEIGHT_FORMATS } from '../tensor/operands/packing.ts';
import { unescapeTemplate } from '../text/chat/escapes.ts';

/** `--json`: machine-readable lines. */
export const jsonOption = (): Option => new Option('--json', 'print machine-readable lines of JSON on standard output');

/** `--adapter`: which GPU, or which software that plays one. */
export const adapterOption = (): Option =>
  new Option(
    '--adapter <name>',
    "auto, gpu, lavapipe, swiftshader, or a part of an adapter's name (default: DAWNLM_ADAPTER, else auto)",
  );

/** A path; '' would be whatever folder the user stands in. */
export const path = (text: string): string => {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('It must name a file or folder; the one that you stand in is "."');
};

/** `--out`: the folder that is written. */
export const outOption = (help: string): Option => new Option('--out <folder>', help).argParser(path);

/** `--run`: the folder that training wrote. */
export const runOption = (help = 'folder of a training run, such as runs/moby-dick'): Option =>
  new Option('--run <folder>', help).argParser(path);

/** `--checkpoint`: the weights of the lowest validation loss, or the last ones. */
export const checkpointOption = (): Option =>
  new Option('--checkpoint <which>', 'weights to take').choices(['best', 'last']).default('best');

/** `--weights`: how the matrices of a model are held while it is used. */
export const weightsOption = (): Option =>
  new Option('--weights <format>', 'hold the matrices as they were trained, as halves, or in 8 or 4 bits')
    .choices(WEIGHT_FORMATS)
    .default('f32');

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

/** A flag for each field of a schema, or some of them, with its help, choices and range: nLayer is --n-layer. */
export function settingOptions({ shape }: z.ZodObject, names: readonly string[] = Object.keys(shape)): Option[] {
  return names.flatMap((name) => {
    const field = shape[name] as z.ZodType;
    const { type, enum: choices, description } = jsonSchemaOf(field);
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (type === 'boolean')
      return [new Option(flag, description), new Option(flag.replace('--', '--no-'), 'without that')];
    const option = new Option(`${flag} <value>`, description);
    if (choices) return option.choices(choices as string[]);
    return type === 'string' ? option : option.argParser(numberBy(field as z.ZodType<number>));
  });
}

/** A parser of numbers that a schema takes, for commander's options. */
const numberBy =
  (schema: z.ZodType<number>) =>
  (text: string): number => {
    const { success, data } = schema.safeParse(text.trim() === '' ? Number.NaN : Number(text));
    if (success) return data;
    throw new InvalidArgumentError(`It must be ${expected(jsonSchemaOf(schema))}.`);
  };

/** A parser of numbers from `least` to `most`, whole ones where `whole` is set, for commander's options. */
export const number = ({ least, most, whole }: { least: number; most?: number; whole?: boolean }) =>
  numberBy((whole ? z.int() : z.number()).min(least).max(most ?? Number.MAX_SAFE_INTEGER));

/** Seeds of random numbers. */
export const seedNumber = number({ least: 0, most: 2 ** 32 - 1, whole: true });

/** The command that goes on with what a verb was doing in a folder. `given`: of its text, where that was `-`, standard input. */
export function resumeCommand(
  verb: string,
  folder: string,
  { given, adapter }: { given?: string; adapter?: string },
): string {
  const words = [...(given === '-' ? ['-'] : []), '--resume', '--out', shellWord(folder)];
  return ['npx dawnlm', verb, ...words, ...(adapter ? ['--adapter', shellWord(adapter)] : [])].join(' ');
}

/** The command that was given, with an option more, and without one that excludes it. */
export function sameCommand(verb: string, option?: string, without?: string): string {
  const given = process.argv.slice(2 + verb.split(' ').length).filter((word) => word !== option && word !== without);
  return ['npx dawnlm', verb, ...(option ? [option] : []), ...given.map(shellWord)].join(' ');
}

/** Options of verbs that read tables: what quotes are. */
export const addQuotes = (verb: Command): Command =>
  verb
    .option(
      '--quotes',
      'quotes in a table enclose fields (the default of .csv, and of .tsv whose column names are quoted)',
    )
    .option('--no-quotes', 'quotes in a table are letters (the default of .tsv)');

/** `--stop`: texts that end what is written, in which `\n` is a new line as it is in templates. */
export const stopOption = (help: string): Option =>
  new Option('--stop <text...>', String.raw`${help}; \n is a new line`).argParser(
    (text: string, before: string[] = []) => {
      if (text === '') throw new InvalidArgumentError('An empty text would end everything at once.');
      return [...before, unescapeTemplate(text)];
    },
  );

/**
 * A verb's argument. A list of values takes all that follows it, so that in `--verbalize a=b c=d file.csv` it has the file too:
 * where the argument is missing, it is the last of the values if that is none of them.
 */
export function argumentOr(
  given: string | undefined,
  values: string[] | undefined,
  isValue: (value: string) => boolean,
): string | undefined {
  const last = values?.at(-1);
  return given ?? (values && values.length > 1 && !isValue(last!) ? values.pop() : undefined);
}

/** Help text that is shown after the options. */
export const examples = (...lines: readonly string[]): string =>
  `\n${lines.length > 1 ? 'Examples' : 'Example'}:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
