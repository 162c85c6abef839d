/** What every verb of bench does with what it measured: shows it, prints it as JSON, keeps it in a file. */
import { Option } from 'commander';
import { adapterInWords, type OpenedEngine, openEngine } from '../../src/cli/engine.ts';
import { print, printJson, say } from '../../src/cli/terminal/output.ts';
import { figure } from '../../src/report/format.ts';
import { appendRecords, describeRecord, type Measurement, type Provenance, provenanceOf, RESULTS } from '../record.ts';

export interface ResultFlags {
  adapter?: string;
  json?: boolean;
  /** A file, or true for the default one. */
  save?: string | true;
}

/** `--save`: where records are kept. */
export const saveOption = (): Option =>
  new Option('--save [file]', 'also add the records to a file, a line of JSON each (default: bench/results.jsonl)');

/** The file that `--save` names. */
export const savedTo = ({ save }: ResultFlags): string | undefined => (save === true ? RESULTS : save);

/** Measurements as they come. */
export class Results {
  private readonly origin: Provenance;

  private constructor(
    readonly opened: OpenedEngine,
    private readonly flags: ResultFlags,
  ) {
    this.origin = provenanceOf(opened.engine, opened.adapter);
  }

  /** Opens the adapter that is measured. */
  static async open(flags: ResultFlags): Promise<Results> {
    return new Results(await openEngine(flags.adapter), flags);
  }

  /** Says, prints and keeps a measurement. @throws UserError when the file cannot be written */
  async take(measurement: Measurement): Promise<void> {
    const record = { ...measurement, ...this.origin, date: new Date().toISOString() };
    if (this.flags.json) printJson(record);
    else say(`${describeRecord(record)}: ${figure(record.median)} ${record.unit}`);
    const file = savedTo(this.flags);
    if (file) await appendRecords(file, [record]);
  }

  /** Prints what people read in place of JSON, under the adapter's name. */
  show(text: string): void {
    if (!this.flags.json) print(`\n${adapterInWords(this.opened.adapter)}\n\n${text}`);
  }
}

/** A figure with three digits; nothing for none. */
export const three = (value: number | undefined): string =>
  value === undefined ? '' : figure(Number(value.toPrecision(3)));

/** A share in percent; nothing for none. */
export const percent = (share: number | undefined): string =>
  share === undefined ? '' : `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}%`;

/** "1.20 to 1.90" */
export const range = ([low, high]: readonly [number, number]): string => `${three(low)} to ${three(high)}`;
