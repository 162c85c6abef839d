/**
 * The peer's side of the protocol: a job is a line of JSON on standard input, its answer a line of JSON on standard output.
 * A process answers one job after the other until its input ends, and does nothing in between.
 */
import { createInterface } from 'node:readline';
import type { Answer, Job, WorkName } from './job.ts';

/** What a peer prepares for a job. */
export interface Prepared {
  /** What one repetition does, in units a second once divided by time: tokens, or 10^9 operations. */
  amount: number;
  unit: string;
  /** How this peer does the work, where it differs from the others. */
  note?: string;
  /** Numbers of the result that all peers must agree on. */
  check: number[];
  /** Does the work once, or submits it. */
  step(): unknown;
  /** Resolves when all that was submitted is done; absent where `step` waits by itself. */
  finish?(): Promise<unknown>;
}

/** A library among the peers. */
export interface Served {
  version: string;
  /** What it runs on where that is no plain CPU. */
  adapter?: Answer['adapter'];
  works: Partial<Record<WorkName, (job: Job) => Promise<Prepared>>>;
}

/** A call takes about this long, so that what it costs to wait hardly counts. */
const CALL_MS = 200;

/** Answers jobs until standard input ends, then ends the process. */
export async function serve({ version, adapter, works }: Served): Promise<never> {
  const write = process.stdout.write.bind(process.stdout);
  console.log = console.info = console.error; // libraries talk; standard output is for answers
  const prepared = new Map<string, Promise<Prepared & { count: number }>>();
  const answer = async (job: Job): Promise<Answer> => {
    if (!prepared.has(job.name)) prepared.set(job.name, works[job.work]!(job).then(warmUp));
    const work = await prepared.get(job.name)!;
    const value = job.seconds > 0 ? await measure(work, job.seconds) : null;
    return { work: job.work, value, unit: work.unit, note: work.note, check: work.check, version, adapter };
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const job: Job = JSON.parse(line);
    const result = await answer(job).catch((error: unknown) => failure(job, error));
    write(`${JSON.stringify(result)}\n`);
  }
  return process.exit(0); // Dawn's handles and workers would keep the process alive
}

function failure({ work }: Job, error: unknown): Answer {
  console.error(error);
  const [message] = String(error instanceof Error ? error.message : error).split('\n');
  return { work, error: message };
}

async function repeat({ step, finish }: Prepared, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await step();
  await finish?.();
}

/** Compiles whatever is left to compile, and finds how many repetitions a call should have. */
async function warmUp(work: Prepared): Promise<Prepared & { count: number }> {
  await repeat(work, 1);
  const start = performance.now();
  await repeat(work, 1);
  const onceMs = performance.now() - start;
  return { ...work, count: Math.max(1, Math.round(CALL_MS / onceMs)) };
}

async function measure(work: Prepared & { count: number }, seconds: number): Promise<number> {
  const start = performance.now();
  let done = 0;
  do {
    await repeat(work, work.count);
    done += work.count;
  } while (performance.now() - start < seconds * 1000);
  return (work.amount * done * 1000) / (performance.now() - start);
}
