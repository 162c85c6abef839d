/** Measurements as lines of JSON, each with where, when and on which commit it was taken, so that files can be compared. */
import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { availableParallelism, cpus, release, type } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../src/errors.ts';
import { errorCode } from '../src/node/files.ts';
import type { Engine } from '../src/tensor/engine.ts';
import type { Point } from '../src/tensor/tuning/table.ts';

/** Something that was measured. */
export interface Measurement {
  kind: 'roof' | 'kernel' | 'ladder' | 'train' | 'sample' | 'static';
  /** What ran: an op, a kernel, or a piece of work such as "decode". */
  op: string;
  /** Which variant of it, or which pass, in words. */
  variant?: string;
  /** The tuning point that was set, where one was. */
  point?: Point;
  shape?: string;
  preset?: string;
  median: number;
  /** Of median and spread. Times are better when lower, rates when higher. */
  unit: 'ms' | 'tokens/s' | 'GFLOP/s' | 'GB/s' | 'share';
  /** The lowest and the highest run. */
  spread: readonly [low: number, high: number];
  runs: number;
  /** Of the median. */
  gflopsPerSecond?: number;
  gigabytesPerSecond?: number;
  /** Of the rate, in the adapter's roof as it was measured in the same run. */
  roofShare?: number;
  /** Largest error against float64, by the magnitude of the result. */
  error?: number;
  /** What else belongs to it: numbers, words, lists of them. */
  details?: Readonly<Record<string, unknown>>;
}

/** Another library's figure on the same work. */
export interface PeerMeasurement {
  kind: 'peer';
  peer: string;
  work: string;
  /** Null where the peer is absent or cannot do the work. */
  value: number | null;
  unit: string;
  spread?: readonly [low: number, high: number];
  version?: string;
  note?: string;
}

/** A figure of dawnlm's against what it should be. */
export interface ClaimMeasurement {
  kind: 'claim';
  /** The work, in words. */
  row: string;
  /** Whom it is held against; undefined where the figure stands by itself. */
  against?: string;
  /** dawnlm's figure, by the other's where there is one ('x'); null where somebody is absent or fails. */
  value: number | null;
  unit: string;
  spread?: readonly [low: number, high: number];
  runs?: number;
  /** Both figures that make a ratio, in `rateUnit`. */
  ours?: number;
  theirs?: number;
  rateUnit?: string;
  must?: number;
  aim?: number;
  /** Whether lower is better. */
  atMost?: true;
  /** Null without a threshold or a figure. */
  met: boolean | null;
  aimMet: boolean | null;
  note?: string;
}

/** Where a measurement comes from. */
export interface Provenance {
  adapter: { name: string; software: boolean; driver: string };
  machine: { cpu: string; cores: number; node: string; os: string };
  /** Null outside of a git checkout. */
  commit: { hash: string; dirty: boolean } | null;
  /** ISO 8601. */
  date: string;
}

export type BenchRecord = Measurement & Provenance;
export type PeerRecord = PeerMeasurement & Provenance;
export type ClaimRecord = ClaimMeasurement & Provenance;
export type AnyRecord = BenchRecord | PeerRecord | ClaimRecord;

const root = fileURLToPath(new URL('..', import.meta.url));

/** Where measurements are kept unless another file is named. */
export const RESULTS = fileURLToPath(new URL('results.jsonl', import.meta.url));

/** Asks git about the checkout; undefined where there is none. */
export function git(...args: string[]): string | undefined {
  try {
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

/** The checkout's commit; dirty when tracked files have changed since. */
export function currentCommit(): Provenance['commit'] {
  const hash = git('rev-parse', 'HEAD');
  return hash ? { hash, dirty: git('status', '--porcelain', '--untracked-files=no') !== '' } : null;
}

/** This machine, commit and moment; `name` is the adapter's as people know it. */
export function provenanceOf(engine: Engine, { name, software }: { name: string; software: boolean }): Provenance {
  return provenance({ name, software, driver: engine.capabilities.name });
}

/** Likewise, for what runs on no adapter of an engine. */
export function provenance(adapter: Provenance['adapter']): Provenance {
  const [{ model } = { model: 'unknown' }] = cpus();
  return {
    adapter,
    machine: {
      cpu: model.trim(),
      cores: availableParallelism(),
      node: process.version,
      os: `${type()} ${release()} ${process.arch}`,
    },
    commit: currentCommit(),
    date: new Date().toISOString(),
  };
}

/** Adds records to a file. @throws UserError when it cannot be written */
export async function appendRecords(file: string, records: readonly object[]): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await appendFile(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  } catch (error) {
    throw new UserError(`${file} cannot be written (${errorCode(error)}). Give --save a file that can.`, {
      cause: error,
    });
  }
}

/** The records of a file, in order. @throws UserError when there is no such file, or a line is no record */
export async function readRecords(file: string): Promise<AnyRecord[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new UserError(
      `There are no results in ${file} (${errorCode(error)}). Measure first: dawnlm bench kernels --save ${file}`,
      { cause: error },
    );
  }
  return text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [parse(line, `${file}:${i + 1}`)]));
}

function parse(line: string, where: string): AnyRecord {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch {
    record = undefined;
  }
  if (isRecord(record)) return record;
  throw new UserError(`${where} is no benchmark record: expected a line of JSON as dawnlm bench ... --save writes it.`);
}

function isRecord(value: unknown): value is AnyRecord {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  if (value.kind === 'claim') return 'adapter' in value && 'row' in value && 'value' in value;
  return 'adapter' in value && ('median' in value || (value.kind === 'peer' && 'peer' in value && 'work' in value));
}

/** A record's number and unit. */
export const figureOf = (record: AnyRecord): number | null =>
  record.kind === 'peer' || record.kind === 'claim' ? record.value : record.median;

/** What was measured, in words: "matmul best nano: logits (12, 64, 128) (83, 128)". Equal where records compare. */
export function describeRecord(record: AnyRecord): string {
  if (record.kind === 'peer') return `${record.peer} ${record.work}`;
  if (record.kind === 'claim') return ['claim', record.row, record.against].filter(Boolean).join(' ');
  const { kind, op, variant, point, preset, shape } = record;
  const words = [kind, op, variant, point && Object.keys(point).length > 0 && JSON.stringify(point), preset, shape];
  return words.filter(Boolean).join(' ');
}
