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
export type Place = ReturnType<typeof placeFrom>;

/** Sorts records out; of the same measurement on the same adapter and machine the latest counts. */
export function select(records: readonly AnyRecord[]) {
  const latest = new Map<string, AnyRecord>();
  for (const record of records) {
    const key = `${describeRecord(record)} | ${placeOf(record)}`;
    latest.delete(key); // so that the latest also stands last
    latest.set(key, record);
  }
  const kept = [...latest.values()];
  const ofNoPlace: readonly string[] = ['peer', 'claim', 'static'];
  const measured = kept.filter(({ kind }) => !ofNoPlace.includes(kind)).reverse();
  return {
    /** The adapter with the latest records first. */
    places: groupBy(measured, placeOf).map(([, own]) => placeFrom(own.reverse())),
    /** What compilers said: no adapter was at hand. */
    compiled: ofKind<BenchRecord>(kept, 'static'),
    peers: ofKind<PeerRecord>(kept, 'peer'),
    claims: ofKind<ClaimRecord>(kept, 'claim'),
  };
}

const ofKind = <T extends AnyRecord>(records: readonly AnyRecord[], kind: T['kind']): T[] =>
  records.filter((record) => record.kind === kind) as T[];

const placeOf = ({ adapter, machine }: AnyRecord): string => `${adapter.name} ${machine.cpu} ${machine.cores}`;

const placeFrom = (records: readonly AnyRecord[]) => ({
  origin: records.at(-1)! as Provenance,
  roof: ofKind<BenchRecord>(records, 'roof'),
  kernels: ofKind<KernelRecord>(records, 'kernel'),
  rungs: ofKind<RungRecord>(records, 'ladder'),
  training: ofKind<TrainRecord>(records, 'train'),
  sampling: ofKind<BenchRecord>(records, 'sample'),
});

/** Groups in the order in which they are first met. */
export function groupBy<T>(items: readonly T[], key: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return [...groups];
}
