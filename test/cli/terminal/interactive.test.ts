import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { converse } from '../../../src/cli/terminal/interactive.ts';

it('answers what came before the input ended, and asks for nothing more', async () => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const answered: string[] = [];
  input.end('The whale\nCall\n');
  await converse(
    async (prompt) => {
      await sleep(20); // by then the input has ended
      answered.push(prompt);
    },
    { input, output },
  );
  output.end();
  expect(answered).toEqual(['The whale', 'Call']);
  expect(await text(output)).toBe('> '); // Node 24 throws where earlier ones ask once more, of nobody
});

it('asks again after each answer as long as there is somebody', async () => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const conversation = converse(
    async (prompt) => {
      if (prompt === 'first') setImmediate(() => input.write('second\n'));
      else setImmediate(() => input.end());
    },
    { input, output },
  );
  input.write('first\n');
  await conversation;
  output.end();
  expect(await text(output)).toBe('> > > ');
});
