import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { dawnlm, LAUNCHER, trainedRun, workshop } from '../helpers/dawnlm.ts';

const cwd = workshop();
beforeAll(() => trainedRun(cwd));

/** A server that is up, and all that it has said. */
async function start(...words: readonly string[]) {
  const child: ChildProcess = spawn(process.execPath, [LAUNCHER, 'serve', '--port', '0', ...words], { cwd });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]!.on('data', (chunk) => {
      said[stream] += chunk;
    });
  }
  while (!said.stdout.includes('\n')) await once(child.stdout!, 'data');
  const exit = once(child, 'exit').then(([code]) => code as number);
  return { child, said, exit };
}

const body = (tokens: number, stream = true): string =>
  JSON.stringify({ prompt: 'the whale secret', max_tokens: tokens, stream, seed: 1 });
const post = (url: string, tokens: number) => fetch(`${url}/v1/completions`, { method: 'POST', body: body(tokens) });

it('serves runs, says where, and ends what is open when it is told to stop', async () => {
  cpSync(join(cwd, 'run'), join(cwd, 'other/run'), { recursive: true });
  const { child, said, exit } = await start('--run', 'run', 'other/run', '--json');
  const { url, models } = JSON.parse(said.stdout);
  expect(models.map(({ id }: { id: string }) => id)).toEqual(['run', 'run-2']);
  const open = await post(url, 400);
  child.kill('SIGTERM');
  expect((await open.text()).endsWith('data: [DONE]\n\n')).toBe(true);
  expect(await exit).toBe(143);
  expect(said.stderr).toMatch(/Stopping when what is open has been answered/);
  expect(said.stdout + said.stderr).not.toMatch(/secret|^ +at /m); // no prompt is logged
});

it('prints a line to try it with, which works; a second signal ends it at once', async () => {
  const { child, said, exit } = await start('--run', 'run', '--weights', 'int8');
  while (!said.stdout.includes('Ctrl-C')) await once(child.stdout!, 'data');
  expect(said.stdout).toMatch(/^serving run at http:\/\/127\.0\.0\.1:\d+\n/);
  const curl = /^try: (curl .*)$/m.exec(said.stdout)![1];
  const answer = spawn('sh', ['-c', `${curl} -s`], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [text] = await once(answer.stdout!, 'data');
  expect(JSON.parse(text).choices[0].text).toHaveLength(40);
  const url = /http:\S+/.exec(said.stdout)![0];
  const open = await post(url, 60_000);
  child.kill('SIGINT');
  setTimeout(() => child.kill('SIGINT'), 1200); // npm passes on what the terminal has sent already: that is no second one
  await expect(open.text()).rejects.toThrow();
  expect(await exit).toBe(130);
});

it.each([
  ['other machines without a key', ['--host', '0.0.0.0'], 2, /lets other machines in: give a --key/],
  ['an empty key', ['--key', ''], 2, /the key is empty/],
  [
    'an address of another machine',
    ['--host', '192.0.2.1', '--key', 'x', '--port', '0'],
    1,
    /192\.0\.2\.1 is no address/,
  ],
])('refuses %s', async (_, words, code, message) => {
  const outcome = await dawnlm(['serve', '--run', 'run', ...words], { cwd });
  expect(outcome.stderr).toMatch(message);
  expect(outcome.code).toBe(code);
});
