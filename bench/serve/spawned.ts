import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/errors.ts';
import type { Load, LoadResult } from './load.ts';

const RUN = fileURLToPath(new URL('../run.mjs', import.meta.url));

/** Sends a load from a second process, whose work is not the server's. @throws UserError when that process fails */
export async function spawnLoad(load: Load): Promise<LoadResult> {
  const child = spawn(process.execPath, [RUN, './serve/client.ts'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((done, failed) => child.on('error', failed).on('close', done));
  child.stdin.on('error', () => undefined); // it may have died: `ended` tells
  child.stdin.end(JSON.stringify(load));
  const [output, code] = await Promise.all([text(child.stdout), ended]);
  if (code !== 0) throw new UserError(`the process that sends the load ended with exit code ${code}`);
  return JSON.parse(output) as LoadResult;
}
