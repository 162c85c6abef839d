import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';

export const LAUNCHER = new URL('../../bin/dawnlm.mjs', import.meta.url).pathname;

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface Surroundings {
  cwd: string;
  input?: string;
  env?: Record<string, string>;
  /** The program that is Node; the one that runs the tests unless told. */
  node?: string;
  /** Called with all of stderr so far, whenever more has come. */
  onError?: (stderr: string, child: ReturnType<typeof spawn>) => void;
}

/** Runs the command line as a user does: a process of its own. No outcome may show a stack. */
export async function dawnlm(
  args: readonly string[],
  { cwd, input = '', env, node = process.execPath, onError }: Surroundings,
): Promise<Outcome> {
  const child = spawn(node, [LAUNCHER, ...args], { cwd, env: { ...process.env, ...env } });
  const outcome: Outcome = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    outcome.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    outcome.stderr += chunk;
    onError?.(outcome.stderr, child);
  });
  child.stdin.on('error', () => undefined); // it may have ended without reading
  child.stdin.end(input);
  outcome.code = await new Promise((done) => child.on('close', done));
  if (!env?.DAWNLM_DEBUG) expect(outcome.stderr).not.toMatch(/^ +at /m);
  return outcome;
}

/** The outcome of what must succeed. */
export async function succeed(args: readonly string[], surroundings: Surroundings): Promise<Outcome> {
  const outcome = await dawnlm(args, surroundings);
  expect(outcome.code, `dawnlm ${args.join(' ')}: ${outcome.stderr}`).toBe(0);
  return outcome;
}

/** Lines of JSON, all of which must parse. */
export const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

const WORDS = 'the whale sea ship captain white old man of and in a to boat harpoon deep'.split(' ');

/** About 10,000 characters of words in an order that hardly repeats. */
export const TEXT = Array.from(
  { length: 2000 },
  (_, i) => WORDS[(i * i + (i >> 3)) % WORDS.length] + (i % 9 ? ' ' : '.\n'),
).join('');

/** A folder of its own with text.txt in it, removed when the file's tests are done. */
export function workshop(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dawnlm-cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'text.txt'), TEXT);
  return folder;
}

/** Arguments that train a tiny model on the text into `out`: some seconds. */
export const trainTiny = (out: string, ...more: readonly string[]): string[] => [
  'train',
  'text.txt',
  '--preset',
  'tiny',
  '--steps',
  '30',
  '--warmup-steps',
  '5',
  '--out',
  out,
  ...more,
];

/** Puts the run that `trainTiny` leaves into `cwd`, under 'run': the first test file that asks trains it, the others have copies. */
export async function trainedRun(cwd: string, ...more: readonly string[]): Promise<void> {
  const run = join(cwd, 'run');
  const fixtures = process.env.DAWNLM_FIXTURES!;
  const kept = join(fixtures, ['run', process.env.DAWNLM_ADAPTER, ...more].join('-'));
  if (existsSync(kept)) return cpSync(kept, run, { recursive: true });
  await succeed(trainTiny('run', ...more), { cwd });
  const copy = mkdtempSync(join(fixtures, 'copy-'));
  cpSync(run, copy, { recursive: true });
  if (!existsSync(kept)) renameSync(copy, kept); // another file may have been as quick
}
