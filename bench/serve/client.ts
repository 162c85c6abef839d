/** The load as a process of its own: a load as JSON on standard input, its result as JSON on standard output. */
import { text } from 'node:stream/consumers';
import { runLoad } from './load.ts';

const result = await runLoad(JSON.parse(await text(process.stdin)));
process.stdout.write(`${JSON.stringify(result)}\n`);
