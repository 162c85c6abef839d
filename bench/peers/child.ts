import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
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
  private readonly ended: Promise<void>;
  /** Takes the answer that is waited for. */
  private settle: ((answer: Omit<Answer, 'work'>) => void) | undefined;
  private lastWords = '';
  private failure: string | undefined;

  constructor(
    { argv: [program, ...words], env }: Command,
    private readonly limitMs = LIMIT_MS,
  ) {
    this.child = spawn(program, words, { env: { ...process.env, ...env } });
    this.child.stdin.on('error', () => undefined); // it may have died: 'close' tells
    createInterface({ input: this.child.stdout }).on('line', (line) => this.hear(line));
    createInterface({ input: this.child.stderr }).on('line', (line) => {
      if (line.trim()) this.lastWords = line.trim();
    });
    this.ended = new Promise((done) => {
      this.child.on('error', ({ message }) => this.fail(`it could not be started: ${message}`));
      this.child.on('close', (code, signal) => {
        this.fail(`it ended with ${signal ?? `exit code ${code}`}${this.lastWords && `: ${this.lastWords}`}`);
        done();
      });
    });
  }

  /** Asks for a job and waits for the answer. One at a time. */
  async ask(job: Job): Promise<Answer> {
    const { work } = job;
    if (this.failure) return { work, error: this.failure };
    const answered = new Promise<Omit<Answer, 'work'>>((settle) => {
      this.settle = settle;
    });
    const alarm = setTimeout(() => this.stop(`it took longer than ${this.limitMs / 1000} s`), this.limitMs);
    this.child.stdin.write(`${JSON.stringify(job)}\n`);
    const answer = await answered;
    clearTimeout(alarm);
    return { ...answer, work };
  }

  /** Ends the process and waits until it is gone. */
  async end(): Promise<void> {
    this.failure ??= 'it was ended';
    this.child.stdin.end();
    const alarm = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    await this.ended;
    clearTimeout(alarm);
  }

  private stop(why: string): void {
    this.fail(why);
    this.child.kill('SIGKILL');
  }

  private fail(why: string): void {
    this.failure ??= why;
    this.answer({ error: this.failure });
  }

  /** Lines that are no answers are a library's talk. */
  private hear(line: string): void {
    try {
      const answer: unknown = JSON.parse(line);
      if (typeof answer === 'object' && answer !== null && 'work' in answer) this.answer(answer as Answer);
    } catch {
      // talk
    }
  }

  private answer(answer: Omit<Answer, 'work'>): void {
    this.settle?.(answer);
    this.settle = undefined;
  }
}
