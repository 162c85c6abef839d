/** What every verb of bench does with what it measured: shows it, prints it as JSON, keeps it in a file. */
import { type Command, Option } from 'commander';
import { adapterInWords, type OpenedEngine, openEngine } from '../../src/cli/engine.ts';
import { adapterOption, examples, jsonOption } from '../../src/cli/options.ts';
import { print, printJson, say } from '../../src/cli/terminal/output.ts';
import type { AdapterUse } from '../../src/node/drivers.ts';
import { figure } from '../../src/report/format.ts';
import * as records from '../record.ts';

export interface ResultFlags {
  adapter?: string;
  json?: boolean;
  /** A file, or true for the default one. */
  save?: string | true;
}

/** The options of a verb that makes records, and examples of its use. */
export const withSaving = (verb: Command, ...lines: readonly string[]): Command =>
  verb
    .addOption(new Option('--save [file]', 'also add the records to a file, as JSON (default: bench/results.jsonl)'))
    .addOption(jsonOption())
    .addHelpText('after', examples(...lines));

/** Those of a verb that measures on an adapter. */
export const withResults = (verb: Command, ...lines: readonly string[]): Command =>
  withSaving(verb.addOption(adapterOption()), ...lines);

/** Prints records as JSON and keeps them, where that is asked for. @throws UserError when the file cannot be written */
export async function keep(flags: ResultFlags, ...kept: readonly records.AnyRecord[]): Promise<void> {
  if (flags.json) for (const record of kept) printJson(record);
  const file = flags.save === true ? records.RESULTS : flags.save;
  if (file) await records.appendRecords(file, kept);
}

/** Measurements as they come. */
export class Results {
  private constructor(
    readonly opened: OpenedEngine,
    private readonly flags: ResultFlags,
    private readonly origin = records.provenanceOf(opened.engine, opened.adapter),
  ) {}

  /** Opens the adapter that is measured. */
  static async open(flags: ResultFlags, use?: AdapterUse): Promise<Results> {
    return new Results(await openEngine(flags.adapter, use), flags);
  }

  /** Says, prints and keeps a measurement. @throws UserError when the file cannot be written */
  async take(measurement: records.Measurement): Promise<void> {
    const record = { ...measurement, ...this.origin, date: new Date().toISOString() };
    if (!this.flags.json) say(`${records.describeRecord(record)}: ${figure(record.median)} ${record.unit}`);
    await keep(this.flags, record);
  }

  /** Prints what people read in place of JSON, under the adapter's name. */
  show(text: string): void {
    if (!this.flags.json) print(`\n${adapterInWords(this.opened.adapter)}\n\n${text}`);
  }
}

/** A figure with so many digits; nothing for none. */
export const three = (value: number | undefined, digits = 3): string =>
  value === undefined ? '' : figure(Number(value.toPrecision(digits)));

/** A share in percent; nothing for none. */
export const percent = (share: number | undefined): string =>
  share === undefined ? '' : `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}%`;

/** "1.20 to 1.90" */
export const range = ([low, high]: readonly [number, number]): string => `${three(low)} to ${three(high)}`;
