import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { LAUNCHER, trainedRun, workshop } from '../helpers/dawnlm.ts';

/** Where words go when there is no place for them, and what they do to a terminal. */

const cwd = workshop();
beforeAll(() => trainedRun(cwd));

/** Long enough for every verb here, and an end for one that has none. */
const timeout = 60_000;

/** The command line under a shell that sends its output elsewhere: `redirect` says where. */
const redirected = (redirect: string, ...args: string[]) =>
  spawnSync('sh', ['-c', `exec "$0" "$@" ${redirect}`, process.execPath, LAUNCHER, ...args], {
    ...{ cwd, timeout, encoding: 'utf8' },
  });

const tokenize = ['tokenize', 'text.txt', '--tokenizer', 'byte'];
const sample = ['sample', '--run', 'run', '--tokens', '5'];

describe.runIf(process.platform === 'linux')('standard output that cannot be written', () => {
  it.each([['--version'], ['--help'], [...tokenize, '--json'], sample])(
    'a full device: a sentence and exit code 1 (%s %s)',
    (...args) => {
      const { status, stderr } = redirected('>/dev/full', ...args);
      expect(stderr).toMatch(/^dawnlm: Standard output could not be written to its end: there is no space left\. /m);
      expect(status).toBe(1);
    },
  );

  it('a file of which only a part could be written, as on a disk that fills', () => {
    const { status, stderr } = spawnSync(
      'sh',
      ['-c', `trap '' XFSZ; ulimit -f 1; exec "$0" "$@" >cut.txt`, process.execPath, LAUNCHER, ...tokenize, '--json'],
      { cwd, timeout, encoding: 'utf8' },
    );
    expect(stderr).toMatch(/could not be written to its end: EFBIG/);
    expect(status).toBe(1);
    expect(readFileSync(join(cwd, 'cut.txt'), 'utf8')).toMatch(/^\{"type":"summary"/);
  });

  it('a file that is open for reading alone', () => {
    const { status, stderr } = redirected('1<text.txt', '--version');
    expect(stderr).toMatch(/not open for writing/);
    expect(status).toBe(1);
  });

  it('standard error that cannot be written is no reason to end', () => {
    expect(redirected('2>/dev/full', ...tokenize)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('bytes a token'),
    });
    expect(redirected('2>&-', 'trian').status).toBe(2);
    expect(redirected('>/dev/full 2>&1', '--version').status).toBe(1);
  });
});

const root = new URL('../..', import.meta.url).pathname;

/** Arguments of Node to run a script that has the gates of src/cli/terminal/output.ts. */
const script = (body: string): string[] => [
  ...['--import', join(root, 'src/node/typescript.mjs'), '--input-type=module', '-e'],
  `import * as gates from ${JSON.stringify(join(root, 'src/cli/terminal/output.ts'))}; gates.hearLostOutput(); ${body}`,
];

const NASTY = 'a\x1b[31mb\u009b2Jc\x07d\re\x7f\u202e\tf';
const SHOWN = String.raw`a\u001b[31mb\u009b2Jc\u0007d\re\u007f\u202e` + '\tf';
const TEXT = `gates.printText(${JSON.stringify(NASTY)} + '\\n');`;
const PRINT = `gates.print(${JSON.stringify(NASTY)} + '\\n');`;
const SAY = `gates.say(${JSON.stringify(NASTY)});`;

describe('control characters', () => {
  const piped = (body: string) => spawnSync(process.execPath, script(body), { cwd, timeout, encoding: 'utf8' });

  it('a text goes to files and pipes as it is, all else never does', () => {
    const { stdout, stderr } = piped(TEXT + PRINT + SAY);
    expect(stdout).toBe(`${NASTY}\n${SHOWN}\n`);
    expect(stderr).toBe(`${SHOWN}\n`);
  });

  it('JSON spells them all, and means the same', () => {
    const { stdout } = piped(`gates.printJson({ name: ${JSON.stringify(NASTY)} });`);
    expect(stdout).not.toMatch(/[^\P{Cc}\n]/u);
    expect(JSON.parse(stdout)).toEqual({ name: NASTY });
  });

  const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0;
  it.runIf(hasPython)('a terminal is shown them (needs python3, which has one)', () => {
    const terminal = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';
    const windows = `gates.printText('two\\r'); gates.printText('\\nlines\\r\\n');`;
    const words = script(`${TEXT + PRINT + SAY + windows} gates.printPainted('\\x1b[1mbold\\x1b[0m\\n');`);
    const { stdout } = spawnSync('python3', ['-c', terminal, process.execPath, ...words], {
      ...{ cwd, timeout, encoding: 'utf8', input: '' },
    });
    expect(stdout.replaceAll('\r\n', '\n')).toBe(`${SHOWN}\n${SHOWN}\n${SHOWN}\ntwo\nlines\n\x1b[1mbold\x1b[0m\n`);
  });
});

it.runIf(process.platform === 'linux')('work that outlives its output goes on, says so once and ends with 1', () => {
  const body = `gates.outliveOutput(); gates.print('1'); gates.print('2'); gates.say('done ' + gates.exitCodeOf(0) + gates.exitCodeOf(130));`;
  const words = [process.execPath, ...script(body)];
  const { stderr, status } = spawnSync('sh', ['-c', 'exec "$0" "$@" >/dev/full', ...words], { cwd, encoding: 'utf8' });
  expect(stderr).toMatch(/^dawnlm: Standard output could not .* The work goes on without it\.\ndone 1130\n$/);
  expect(status).toBe(0); // that of the script, which does not end by it
});
