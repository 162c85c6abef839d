/**
 * Where words go: results to standard output, everything else to standard error, so that pipes and `--json` stay clean. What comes
 * out of files and models is printed through these gates, so that no byte of it steers a terminal.
 */
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { largest } from '../../numbers.ts';
import { printable } from '../../quote.ts';

/** What texts may steer of a terminal: lines and columns. */
export const LAYOUT = '\n\t';

const shown = (text: string): string => printable(text.replaceAll('\r\n', '\n'), LAYOUT);

/** A line for the person who watches: standard error. */
export const say = (line: string): boolean => process.stderr.write(`${shown(line)}\n`);

/** A piece of a result: standard output. */
export const print = (text: string): boolean => write(shown(text));

/** A piece of what a model writes, or of what it was given: files and pipes get it as it is. */
export const printText = (piece: string): boolean => write(process.stdout.isTTY ? forTerminal(piece) : piece);

/** The first half of a line end of Windows, whose second half is in the next piece. */
let half = '';

function forTerminal(piece: string): string {
  const text = half + piece;
  half = text.endsWith('\r') ? '\r' : '';
  return shown(text.slice(0, text.length - half.length));
}

/** A piece of a result with colours in it, whose texts went through `printable` before they were coloured. */
export const printPainted = (text: string): boolean => write(text);

/** A result for machines: one line of JSON on standard output. What is not finite becomes null, and control characters are spelled. */
export const printJson = (value: object): boolean => write(`${printable(JSON.stringify(value))}\n`);

/** Why standard output can be written no more, once it is so. */
let lost: NodeJS.ErrnoException | undefined;
let outlives = false;

/** False where nothing is written, since standard output was lost before. */
function write(text: string): boolean {
  if (lost) return false;
  if (process.stdout instanceof Socket) return process.stdout.write(text); // a terminal or a pipe
  try {
    writeWhole(Buffer.from(text));
  } catch (error) {
    lose(error as NodeJS.ErrnoException);
  }
  return !lost;
}

/** Node's own stream for files takes a part for the whole, which is what a disk that fills takes of the last piece. */
function writeWhole(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
}

/** What is under way is worth more than its words from now on: where standard output is lost, that is said, and it goes on without. */
export function outliveOutput(): void {
  outlives = true;
}

/** The exit code of a program that would end with `code`: 1 where what it printed did not all arrive, except at a reader that had enough. */
export const exitCodeOf = (code: number): number => code || (lost && lost.code !== 'EPIPE' ? 1 : 0);

/** A reader that has gone, as in `dawnlm ... | head`, ends the program quietly; all else that keeps words back ends it with a sentence. */
function lose(error: NodeJS.ErrnoException): void {
  if (lost) return;
  lost = error;
  const gone = error.code === 'EPIPE';
  if (outlives || !gone) say(`dawnlm: ${sentenceOf(error)}${outlives ? ' The work goes on without it.' : ''}`);
  if (!outlives) process.exit(exitCodeOf(0));
}

function sentenceOf({ code = 'unknown error' }: NodeJS.ErrnoException): string {
  if (code === 'EPIPE') return 'Nobody reads standard output any more.';
  const why = new Map([
    ['ENOSPC', 'there is no space left. Free some, or send it elsewhere.'],
    ['EDQUOT', "the disk's quota is used up. Free some space, or send it elsewhere."],
    ['EBADF', 'it is not open for writing. Send it to a file, a pipe or a terminal.'],
  ]);
  return `Standard output could not be written to its end: ${why.get(code) ?? `${code}. Send it elsewhere.`}`;
}

/** Hears of streams that can be written no more. Words on standard error that cannot be said are no reason to end. */
export function hearLostOutput(): void {
  process.stdout.on('error', lose);
  process.stderr.on('error', () => undefined);
}

/** Waits until both streams have handed on what they hold: pipes may lag behind, and process.exit would cut them off. */
export async function flush(): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    if (stream instanceof Socket) await new Promise<void>((done) => stream.write('', () => done()));
}

/** Rows as columns: the first `left` columns begin, the others end, below one another. */
export function table(rows: readonly (readonly string[])[], left = 1): string {
  const widths = rows[0].map((_, column) => largest(rows.map((row) => row[column].length)));
  const cell = (text: string, column: number): string =>
    column < left ? text.padEnd(widths[column]) : text.padStart(widths[column]);
  return rows.map((row) => `${row.map(cell).join('  ').trimEnd()}\n`).join('');
}
