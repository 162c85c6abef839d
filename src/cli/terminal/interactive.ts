import { createInterface } from 'node:readline';
import { UserError } from '../../errors.ts';
import { say } from './output.ts';

/**
 * Asks for prompts until standard input ends (Ctrl-D) and hands each to `answer`. Ctrl-C ends the answer that is being
 * written (`stopped` says so), and between answers the conversation. A prompt that cannot be used is explained.
 */
export async function converse(answer: (prompt: string, stopped: () => boolean) => Promise<void>): Promise<void> {
  const lines = createInterface({ input: process.stdin, output: process.stderr, prompt: '> ' });
  let answering = false;
  let interrupted = false;
  let ended = false;
  lines.on('close', () => {
    ended = true; // lines that came before are still answered
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
    if (!ended) lines.prompt(); // Node 24 throws where there is nothing left to read
  }
}
