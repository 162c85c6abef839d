/**
 * The command line: argv in, words out. Exit codes: 0 done, 1 something that the user can mend (or a bug), 2 wrong usage,
 * 130 stopped by Ctrl-C. Bad input gets one sentence; stacks are for DAWNLM_DEBUG=1.
 */
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { Command, CommanderError } from 'commander';
import { UserError } from '../errors.ts';
import { exitCodeOf, flush, hearLostOutput, print, say } from './terminal/output.ts';

/** Verbs by their names: each is loaded when it is asked for, since to load them all takes longer than most of them work. */
export type Verbs = Readonly<Record<string, () => Promise<(program: Command) => void>>>;

const VERBS: Verbs = {
  train: async () => (await import('./train.ts')).addTrain,
  sample: async () => (await import('./sample.ts')).addSample,
  draw: async () => (await import('./draw.ts')).addDraw,
  eval: async () => (await import('./eval.ts')).addEval,
  complete: async () => (await import('./complete.ts')).addComplete,
  checkup: async () => (await import('./checkup.ts')).addCheckup,
  trust: async () => (await import('./trust.ts')).addTrust,
  cost: async () => (await import('./cost.ts')).addCost,
  finetune: async () => (await import('./finetune/finetune.ts')).addFinetune,
  classify: async () => (await import('./classify.ts')).addClassify,
  tag: async () => (await import('./tag.ts')).addTag,
  prompt: async () => (await import('./prompt.ts')).addPrompt,
  import: async () => (await import('./import.ts')).addImport,
  serve: async () => (await import('./serve.ts')).addServe,
  export: async () => (await import('./export.ts')).addExport,
  tokenize: async () => (await import('./tokenize.ts')).addTokenize,
  data: async () => (await import('./data.ts')).addData,
  doctor: async () => (await import('./doctor.ts')).addDoctor,
  autotune: async () => (await import('./autotune.ts')).addAutotune,
};

/** The verbs that a command line needs: the one that it begins with or wants help for, none for the version, else all, to be listed or guessed from. */
function needed(all: Verbs, [word = '', next = '']: readonly string[]): Verbs[string][] {
  if (word === '--version' || word === '-V') return [];
  const verb = word === 'help' ? next : word;
  return Object.hasOwn(all, verb) ? [all[verb]] : Object.values(all);
}

/** The program that reads the command line `words`, with the verbs of src/cli and those of other rooms. */
export async function makeProgram(more: Verbs, words: readonly string[]): Promise<Command> {
  const { version, description } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const program = new Command('dawnlm')
    .description(description)
    .version(version)
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 something to mend, 2 wrong usage, 130 stopped by Ctrl-C (129 by SIGHUP, 143 by SIGTERM).',
    )
    .exitOverride() // verbs inherit all of this
    .showHelpAfterError('Add --help to see what is expected.')
    .configureOutput({
      writeOut: print,
      writeErr: (text) => say(text.replace(/\n$/, '')),
      outputError: (text, write) => write(text.replace(/^error: /, 'dawnlm: ')),
    });
  const verbs = needed({ ...VERBS, ...more }, words);
  for (const add of await Promise.all(verbs.map((load) => load()))) add(program);
  return program;
}

/** Says what went wrong and returns the exit code. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has said it
  if (process.env.DAWNLM_DEBUG === '1') say(inspect(error));
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof UserError) {
    say(`dawnlm: ${message}`);
    return error.exitCode;
  }
  say(`dawnlm: this should not have happened: ${message} (DAWNLM_DEBUG=1 shows where)`);
  return 1;
}

/** Dawn's handles would keep Node alive, so that it is ended by hand. */
async function end(code: number): Promise<never> {
  await flush();
  process.exit(exitCodeOf(code));
}

/** Runs the command line with the verbs of src/cli and those of other rooms, and ends the process. */
export async function main(more: Verbs): Promise<never> {
  hearLostOutput();
  for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, (error) => end(explain(error)));
  try {
    const program = await makeProgram(more, process.argv.slice(2));
    await program.parseAsync();
    return await end(Number(process.exitCode ?? 0));
  } catch (error) {
    return await end(explain(error));
  }
}
