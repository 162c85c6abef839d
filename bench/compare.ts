/** Did it get faster? Ratios of the same measurements at two commits, or in two files. */
import { existsSync } from 'node:fs';
import { UserError } from '../src/errors.ts';
import { type AnyRecord, describeRecord, figureOf, git, readRecords } from './record.ts';

/** A measurement that both sides have. */
export interface Comparison {
  what: string;
  adapter: string;
  unit: string;
  before: number;
  after: number;
  /** How many times as fast it is after: above 1 is better, for times and for rates. */
  ratio: number;
  /** Whether the runs of the two do not overlap: else the difference may be the machine's. */
  clear: boolean;
}

/** Both sides of a comparison. */
export interface Sides {
  before: AnyRecord[];
  after: AnyRecord[];
}

/**
 * The records that two names stand for: files where they exist, else commits (whatever git understands, or the beginning of
 * a hash) among the records of `results`.
 * @throws UserError when a name is neither a file nor a commit with records, or `results` cannot be read
 */
export async function sidesOf(before: string, after: string, results: string): Promise<Sides> {
  return { before: await recordsOf(before, results), after: await recordsOf(after, results) };
}

async function recordsOf(name: string, results: string): Promise<AnyRecord[]> {
  if (existsSync(name)) return readRecords(name);
  const records = await readRecords(results);
  const hash = git('rev-parse', '--verify', '--quiet', `${name}^{commit}`) ?? name;
  const found = records.filter(({ commit }) => commit?.hash.startsWith(hash));
  if (found.length > 0) return found;
  const known = [...new Set(records.flatMap(({ commit }) => commit?.hash.slice(0, 10) ?? []))];
  const those = known.join(', ') || 'no commit';
  throw new UserError(`${results} has no records of ${name}, which is no file either. It has those of ${those}.`);
}

/** Ratios of what both sides measured on the same adapter and CPU, the latest record of each counting; the largest change first. */
export function compare({ before, after }: Sides): Comparison[] {
  const old = latest(before);
  const pairs = [...latest(after)].flatMap(([key, record]) => (old.has(key) ? [ratioOf(old.get(key)!, record)] : []));
  const change = ({ ratio }: Comparison): number => Math.abs(Math.log(ratio));
  return pairs.filter(({ ratio }) => Number.isFinite(ratio)).sort((a, b) => change(b) - change(a));
}

/** The last of each measurement. */
const latest = (records: readonly AnyRecord[]): Map<string, AnyRecord> =>
  new Map(records.map((one) => [`${describeRecord(one)} | ${one.adapter.name} | ${one.machine.cpu}`, one]));

function ratioOf(before: AnyRecord, after: AnyRecord): Comparison {
  const [was, is] = [figureOf(before) ?? Number.NaN, figureOf(after) ?? Number.NaN];
  const lower = after.unit === 'ms' || (after.kind === 'claim' && after.atMost);
  const [low, high] = [before.spread ?? [was, was], after.spread ?? [is, is]];
  const clear = low[1] < high[0] || high[1] < low[0];
  const { unit, adapter } = after;
  const ratio = lower ? was / is : is / was;
  return { what: describeRecord(after), adapter: adapter.name, unit, before: was, after: is, ratio, clear };
}
