import { createInterface } from 'node:readline';
import { UserError } from '../../errors.ts';
import { say } from './output.ts';

/** Where prompts come from, and where they are asked for. */
interface Streams {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/**
 * Asks for prompts until standard input ends (Ctrl-D) and hands each to `answer`. Ctrl-C ends the answer that is being
 * written (`stopped` says so), and between answers the conversation. A prompt that cannot be used is explained.
 */
export async function converse(
  answer: (prompt: string, stopped: () => boolean) => Promise<void>,
  { input, output }: Streams = { input: process.stdin, output: process.stderr },
): Promise<void> {
  const lines = createInterface({ input, output, prompt: '> ' });
  let answering = false;
  let interrupted = false;
  // The input may end while an answer is written, with lines left to answer: from then on Node 24 refuses to ask.
  let asking = true;
  lines.on('close', () => {
    asking = false;
  });
  lines.on('SIGINT', () => {
    if (answering) interrupted = true;
    else lines.close();
  });
  say('Give the beginning of a text and press Enter; Ctrl-D ends.');
  lines.prompt();
  for await (const line of lines) {
    answering = true;
    interrupted = false;
    try {
      await answer(line, () => interrupted);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      say(error.message);
    }
    answering = false;
    if (asking) lines.prompt();
  }
}
