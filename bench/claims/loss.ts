/** How long until a model of nano's size knows the text so well? Both from the start of the process, one after the other. */
import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../../src/node/files.ts';
import { type Command, findPytorch } from '../peers/catalog.ts';
import type { ClaimMeasurement } from '../record.ts';
import { LOSS } from './catalog.ts';
import { judged } from './judge.ts';

/** Steps of a run of `fast` whose rate has fallen to nothing when it is there: of fewer it ends above. */
const STEPS = 200;

/** Both look at this many batches of held-out text, this often. */
const EVALUATION = { batches: 50, every: 100 };

const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** Time in s and step at which a process first reports a validation loss at or below the target. */
interface Reached {
  seconds: number;
  step: number;
  loss: number;
}

/** Runs a command until a line of its output has such a loss, if one ever has. Its `why` is what it says of having none. */
async function race(
  { argv: [program, ...words], env }: Command,
  say: (sentence: string) => void,
  signal?: AbortSignal,
): Promise<{ reached?: Reached; why?: string }> {
  const startedAt = performance.now();
  const child = spawn(program, words, {
    ...{ env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'ignore'], signal, killSignal: 'SIGINT' },
  });
  const ended = new Promise<void>((done) => child.on('error', () => done()).on('close', () => done()));
  let reached: Reached | undefined;
  let why: string | undefined;
  for await (const line of createInterface({ input: child.stdout! })) {
    const { step, loss, note } = validationIn(line);
    why ??= note;
    if (loss === undefined || reached) continue;
    const seconds = (performance.now() - startedAt) / 1000;
    say(`${basename(program)}: step ${step}, validation loss ${loss.toFixed(3)}, ${seconds.toFixed(0)} s`);
    if (loss > LOSS.nats) continue;
    reached = { step, loss, seconds };
    child.kill('SIGINT');
  }
  await ended;
  return { reached, why };
}

/** What a line says of a validation: ours has it in the record of a log line, nanogpt.py's is it. */
function validationIn(line: string): { step: number; loss?: number; note?: string } {
  const json = line.startsWith('{') ? JSON.parse(line) : {};
  const { step, validationLoss, note } = json.record ?? json;
  return { step, loss: step === undefined ? undefined : validationLoss, note };
}

/** PyTorch's time by dawnlm's. Absent where PyTorch is; undefined when it was stopped. */
export async function lossClaim(
  say: (sentence: string) => void,
  signal?: AbortSignal,
): Promise<ClaimMeasurement | undefined> {
  const about = { row: `time to validation loss ${LOSS.nats}`, against: 'nanoGPT in PyTorch', unit: 'x' };
  const thresholds = { must: LOSS.must, aim: LOSS.aim };
  const without = (note: string) => judged({ ...about, value: null, note, ...thresholds });
  const pytorch = await findPytorch();
  if (!pytorch) return without('absent');
  const folder = await temporaryFolder('loss');
  try {
    const { reached: ours } = await race(ourCommand(folder), say, signal);
    const { reached: theirs, why } = await race(theirCommand(pytorch), say, signal);
    if (signal?.aborted) return undefined;
    if (!ours || !theirs) return without(why ?? `${ours ? 'PyTorch' : 'dawnlm'} does not reach it`);
    const note = `seconds; steps ${ours.step} and ${theirs.step}, losses ${ours.loss.toFixed(3)} and ${theirs.loss.toFixed(3)}`;
    const figures = { rateUnit: 's', ours: ours.seconds, theirs: theirs.seconds, runs: 1 };
    return judged({ ...about, value: theirs.seconds / ours.seconds, ...figures, note, ...thresholds });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const ourCommand = (folder: string): Command => ({
  argv: [
    ...([process.execPath, pathOf('../../bin/dawnlm.mjs'), 'train', 'moby-dick', '--preset', 'fast'] as const),
    ...['--steps', String(STEPS)],
    ...['--out', join(folder, 'run'), '--json', '--eval-every', String(EVALUATION.every)],
    ...['--eval-batches', String(EVALUATION.batches)],
  ],
  env: {},
});

const theirCommand = ({ argv: [python], env }: Command): Command => ({
  argv: [python, pathOf('nanogpt.py'), String(EVALUATION.every), String(EVALUATION.batches)],
  env,
});
