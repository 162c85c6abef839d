import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from './catalog.ts';
import type { Answer, Job } from './job.ts';

/** Longest that a peer may take for an answer: TensorFlow.js takes minutes for a step of `small` on a software adapter. */
const LIMIT_MS = 15 * 60_000;

/**
 * A peer as a process: it is asked job by job and idle in between. Whatever goes wrong with it becomes an answer with an
 * `error`; a process that has died answers every later job so.
 */
export class PeerProcess {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly answers: AsyncGenerator<Answer, undefined>;
  /** Why the process is no more, once it is. */
  private readonly over: Promise<string>;
  private failure: string | undefined;

  constructor(
    { argv: [program, ...words], env }: Command,
    private readonly limitMs = LIMIT_MS,
  ) {
    this.child = spawn(program, words, { env: { ...process.env, ...env } });
    this.child.stdin.on('error', () => undefined); // it may have died: `over` tells
    this.answers = answersIn(this.child.stdout);
    this.over = endOf(this.child);
  }

  /** Asks for a job and waits for the answer. One at a time. */
  async ask(job: Job): Promise<Answer> {
    const { work } = job;
    if (this.failure) return { work, error: this.failure };
    this.child.stdin.write(`${JSON.stringify(job)}\n`);
    const alarm = new AbortController();
    const late = pause(this.limitMs, `it took longer than ${this.limitMs / 1000} s`, alarm).catch(() => '');
    const result = await Promise.race([this.answer(), this.over, late]);
    alarm.abort();
    if (typeof result === 'object') return { ...result, work };
    this.failure = result;
    this.child.kill('SIGKILL');
    return { work, error: result };
  }

  private async answer(): Promise<Answer | string> {
    const { value } = await this.answers.next();
    return value ?? this.over;
  }

  /** Ends the process and waits until it is gone. */
  async end(): Promise<void> {
    this.failure ??= 'it was ended';
    this.child.stdin.end();
    const alarm = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    await this.over;
    clearTimeout(alarm);
  }
}

/** The answers among what a process writes; other lines are a library's talk. */
async function* answersIn(stdout: Readable): AsyncGenerator<Answer, undefined> {
  for await (const line of createInterface({ input: stdout })) {
    try {
      const answer: unknown = JSON.parse(line);
      if (typeof answer === 'object' && answer !== null && 'work' in answer) yield answer as Answer;
    } catch {
      // talk
    }
  }
}

/** Waits for the end of a process and says why it came, with its last words. */
function endOf(child: ChildProcessWithoutNullStreams): Promise<string> {
  let lastWords = '';
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.trim()) lastWords = `: ${line.trim()}`;
  });
  return new Promise((done) => {
    child.on('error', ({ message }) => done(`it could not be started: ${message}`));
    // an answer that came with the end still counts
    child.on('close', (code, signal) =>
      setImmediate(done, `it ended with ${signal ?? `exit code ${code}`}${lastWords}`),
    );
  });
}
