/**
 * The command line: argv in, words out. Exit codes: 0 done, 1 something that the user can mend (or a bug), 2 wrong usage,
 * 130 stopped by Ctrl-C. Bad input gets one sentence; stacks are for DAWNLM_DEBUG=1.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { UserError } from '../errors.ts';
import { addAutotune } from './autotune.ts';
import { addClassify } from './classify.ts';
import { addData } from './data.ts';
import { addDoctor } from './doctor.ts';
import { addEval } from './eval.ts';
import { addExport } from './export.ts';
import { addFinetune } from './finetune/finetune.ts';
import { addPrompt } from './prompt.ts';
import { addSample } from './sample.ts';
import { addTag } from './tag.ts';
import { flush, leaveOnBrokenPipe, say } from './terminal/output.ts';
import { addTokenize } from './tokenize.ts';
import { addTrain } from './train.ts';

/** What puts a verb (or a verb of verbs) into the program. */
export type AddVerb = (program: Command) => void;

function makeProgram(more: readonly AddVerb[]): Command {
  const { version, description } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const program = new Command('dawnlm')
    .description(description)
    .version(version)
    .addHelpText('after', '\nExit codes: 0 done, 1 something to mend, 2 wrong usage, 130 stopped by Ctrl-C.')
    .exitOverride() // verbs inherit all of this
    .showHelpAfterError('Add --help to see what is expected.')
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'dawnlm: ')) });
  const verbs = [addTrain, addSample, addEval, addFinetune, addClassify, addTag, addPrompt, addExport];
  const tools = [addTokenize, addData, addDoctor, addAutotune];
  for (const add of [...verbs, ...tools, ...more]) add(program);
  return program;
}

/** Says what went wrong and returns the exit code. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has said it
  if (process.env.DAWNLM_DEBUG === '1') console.error(error);
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
  process.exit(code);
}

/** Runs the command line with the verbs of src/cli and those of other rooms, and ends the process. */
export async function main(more: readonly AddVerb[]): Promise<never> {
  leaveOnBrokenPipe();
  for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, (error) => end(explain(error)));
  try {
    await makeProgram(more).parseAsync();
    return await end(Number(process.exitCode ?? 0));
  } catch (error) {
    return await end(explain(error));
  }
}
