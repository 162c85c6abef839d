/** What a report shows of a file of records: the latest of each measurement, by kind. */
import type { KernelMeasurement } from '../kernels.ts';
import type { RungMeasurement } from '../ladder.ts';
import {
  type AnyRecord,
  type BenchRecord,
  type ClaimRecord,
  describeRecord,
  type PeerRecord,
  type Provenance,
} from '../record.ts';
import type { TrainMeasurement } from '../train.ts';

export type KernelRecord = KernelMeasurement & Provenance;
export type RungRecord = RungMeasurement & Provenance;
export type TrainRecord = TrainMeasurement & Provenance;

/** The records of one adapter on one machine. */
export interface Place {
  origin: Provenance;
  roof: BenchRecord[];
  kernels: KernelRecord[];
  rungs: RungRecord[];
  training: TrainRecord[];
  sampling: BenchRecord[];
}

export interface Selection {
  /** The adapter with the latest records first. */
  places: Place[];
  /** What compilers said: no adapter was at hand. */
  compiled: BenchRecord[];
  peers: PeerRecord[];
  claims: ClaimRecord[];
}

/** Sorts records out; of the same measurement on the same adapter and machine the latest counts. */
export function select(records: readonly AnyRecord[]): Selection {
  const latest = new Map<string, AnyRecord>();
  for (const record of records) {
    const key = `${describeRecord(record)} | ${placeOf(record)}`;
    latest.delete(key); // so that the latest also stands last
    latest.set(key, record);
  }
  const kept = [...latest.values()];
  const OTHERS: readonly string[] = ['peer', 'claim', 'static'];
  const measured = kept.filter((record): record is BenchRecord => !OTHERS.includes(record.kind));
  const places = [...new Set([...measured].reverse().map(placeOf))];
  return {
    places: places.map((place) => placeFrom(measured.filter((record) => placeOf(record) === place))),
    compiled: kept.filter((record): record is BenchRecord => record.kind === 'static'),
    peers: kept.filter((record): record is PeerRecord => record.kind === 'peer'),
    claims: kept.filter((record): record is ClaimRecord => record.kind === 'claim'),
  };
}

const placeOf = ({ adapter, machine }: AnyRecord): string => `${adapter.name} ${machine.cpu} ${machine.cores}`;

function placeFrom(records: readonly BenchRecord[]): Place {
  const of = <T extends BenchRecord>(kind: T['kind']): T[] => records.filter((record) => record.kind === kind) as T[];
  const { adapter, machine, commit, date } = records.at(-1)!;
  return {
    origin: { adapter, machine, commit, date },
    roof: of('roof'),
    kernels: of<KernelRecord>('kernel'),
    rungs: of<RungRecord>('ladder'),
    training: of<TrainRecord>('train'),
    sampling: of('sample'),
  };
}

/** Groups in the order in which they are first met. */
export function groupBy<T>(items: readonly T[], key: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return [...groups];
}
