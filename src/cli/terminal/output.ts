/** Where words go: results to standard output, everything else to standard error, so that pipes and `--json` stay clean. */

import { largest } from '../../numbers.ts';
/** A line for the person who watches: standard error. */
export const say = (line: string): boolean => process.stderr.write(`${line}\n`);

/** A piece of a result: standard output. */
export const print = (text: string): boolean => process.stdout.write(text);

/** A result for machines: one line of JSON on standard output. What is not finite becomes null. */
export const printJson = (value: object): boolean => print(`${JSON.stringify(value)}\n`);

/** Waits until both streams have handed on what they hold: pipes may lag behind, and process.exit would cut them off. */
export async function flush(): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    await new Promise<void>((done) => stream.write('', () => done()));
}

/** Ends quietly when the reader of a pipe has gone, as `dawnlm ... | head` does. */
export function leaveOnBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      throw error;
    });
  }
}

/** Rows as columns: the first `left` columns begin, the others end, below one another. */
export function table(rows: readonly (readonly string[])[], left = 1): string {
  const widths = rows[0].map((_, column) => largest(rows.map((row) => row[column].length)));
  const cell = (text: string, column: number): string =>
    column < left ? text.padEnd(widths[column]) : text.padStart(widths[column]);
  return rows.map((row) => `${row.map(cell).join('  ').trimEnd()}\n`).join('');
}
