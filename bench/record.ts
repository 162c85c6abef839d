/** Measurements as lines of JSON, each with where, when and on which commit it was taken, so that files can be compared. */
import { execFileSync } from 'node:child_process';
import { appendFile, readFile } from 'node:fs/promises';
import { availableParallelism, cpus, release, type } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { UserError } from '../src/errors.ts';
import { errorCode, makeFolder } from '../src/node/files.ts';
import { checkJson } from '../src/schema.ts';
import { shellWord } from '../src/shellWord.ts';
import type { Engine } from '../src/tensor/engine.ts';

const spread = z.tuple([z.number(), z.number()]).readonly();

/** Something that was measured. */
const Measurement = z.object({
  kind: z.enum(['roof', 'kernel', 'ladder', 'train', 'sample', 'serve', 'static']),
  /** What ran: an op, a kernel, or a piece of work such as "decode". */
  op: z.string(),
  /** Which variant of it, or which pass, in words. */
  variant: z.string().optional(),
  /** The tuning point that was set, where one was. */
  point: z.record(z.string(), z.number()).optional(),
  shape: z.string().optional(),
  preset: z.string().optional(),
  median: z.number(),
  /** Of median and spread. Times are better when lower, rates when higher. */
  unit: z.enum(['ms', 'tokens/s', 'GFLOP/s', 'GB/s', 'share']),
  /** The lowest and the highest run. */
  spread,
  runs: z.number(),
  /** Of the median. */
  gflopsPerSecond: z.number().optional(),
  gigabytesPerSecond: z.number().optional(),
  /** Of the rate, in the adapter's roof as it was measured in the same run. */
  roofShare: z.number().optional(),
  /** Largest error against float64, by the magnitude of the result. */
  error: z.number().optional(),
  /** What else belongs to it: numbers, words, lists of them. */
  details: z.record(z.string(), z.unknown()).optional(),
});
export type Measurement = z.infer<typeof Measurement>;

/** What some rounds came to. */
const Figure = z.object({
  /** Null where somebody is absent, cannot do the work or fails. */
  value: z.number().nullable(),
  unit: z.string(),
  spread: spread.optional(),
  runs: z.number().optional(),
  note: z.string().optional(),
});

/** Another library's figure on the same work. */
const PeerMeasurement = Figure.extend({
  ...{ kind: z.literal('peer'), peer: z.string(), work: z.string(), version: z.string().optional() },
});
export type PeerMeasurement = z.infer<typeof PeerMeasurement>;

/** A figure of dawnlm's against what it should be: by the other's where there is one ('x'). */
const ClaimMeasurement = Figure.extend({
  kind: z.literal('claim'),
  /** The work, in words. */
  row: z.string(),
  /** Whom it is held against; undefined where the figure stands by itself. */
  against: z.string().optional(),
  /** Both figures that make a ratio, in `rateUnit`. */
  ours: z.number().optional(),
  theirs: z.number().optional(),
  rateUnit: z.string().optional(),
  must: z.number().optional(),
  aim: z.number().optional(),
  /** Whether lower is better. */
  atMost: z.literal(true).optional(),
  /** Null without a threshold or a figure. */
  met: z.boolean().nullable(),
  aimMet: z.boolean().nullable(),
});
export type ClaimMeasurement = z.infer<typeof ClaimMeasurement>;

/** Where a measurement comes from. */
const Provenance = z.object({
  adapter: z.object({ name: z.string(), software: z.boolean(), driver: z.string() }),
  machine: z.object({ cpu: z.string(), cores: z.number(), node: z.string(), os: z.string() }),
  /** Null outside of a git checkout. */
  commit: z.object({ hash: z.string(), dirty: z.boolean() }).nullable(),
  /** ISO 8601. */
  date: z.string(),
});
export type Provenance = z.infer<typeof Provenance>;

const AnyRecord = z.discriminatedUnion('kind', [
  Measurement.extend(Provenance.shape),
  PeerMeasurement.extend(Provenance.shape),
  ClaimMeasurement.extend(Provenance.shape),
]);
export type AnyRecord = z.infer<typeof AnyRecord>;
export type BenchRecord = Measurement & Provenance;
export type PeerRecord = PeerMeasurement & Provenance;
export type ClaimRecord = ClaimMeasurement & Provenance;

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
function currentCommit(): Provenance['commit'] {
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
  const os = `${type()} ${release()} ${process.arch}`;
  const machine = { cpu: model.trim(), cores: availableParallelism(), node: process.version, os };
  return { adapter, machine, commit: currentCommit(), date: new Date().toISOString() };
}

/** Adds records to a file. @throws UserError when it cannot be written */
export async function appendRecords(file: string, records: readonly object[]): Promise<void> {
  try {
    makeFolder(dirname(file));
    await appendFile(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  } catch (cause) {
    throw new UserError(`${file} cannot be written (${errorCode(cause)}). Give --save a file that can.`, { cause });
  }
}

/** The records of a file, in order. @throws UserError when there is no such file, or a line is no record */
export async function readRecords(file: string): Promise<AnyRecord[]> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    const how = `Measure first: npx dawnlm bench kernels --save ${shellWord(file)}`;
    throw new UserError(`There are no results in ${file} (${errorCode(cause)}). ${how}`, { cause });
  });
  return text.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [parse(line, `${file}:${i + 1}`)]));
}

function parse(line: string, where: string): AnyRecord {
  const expected = 'Expected is a line of JSON as dawnlm bench ... --save writes it.';
  const refuse = (problem: string) => new UserError(`${where} is no benchmark record: ${problem}. ${expected}`);
  return checkJson(AnyRecord, line, refuse);
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
