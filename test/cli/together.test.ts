import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeSafetensors } from '../../src/export/safetensors.ts';
import { dawnlm, jsonLines, succeed, TEXT, trainedRun, trainTiny, workshop } from '../helpers/dawnlm.ts';

/** Two at once, and how runs end. */

const cwd = workshop();
const WORDS = TEXT.split(/\W+/).slice(0, 240);
const tunings = {
  text: ['finetune', 'text', '--run', 'run', 'text.txt', '--steps', '60', '--eval-every', '20'],
  classify: ['finetune', 'classify', '--run', 'run', 'table.csv', '--steps', '60', '--learning-rate', '0.01'],
  tag: ['finetune', 'tag', '--run', 'run', 'names.conll', '--steps', '60', '--learning-rate', '0.01'],
};

beforeAll(async () => {
  await trainedRun(cwd, '--tokenizer', 'byte');
  const rows = WORDS.map((word, i) => `${word} ${WORDS[(7 * i) % 240]} ${i},${word.length > 3 ? 'long' : 'short'}`);
  writeFileSync(join(cwd, 'table.csv'), `text,label\n${rows.join('\n')}\n`);
  writeFileSync(
    join(cwd, 'names.conll'),
    WORDS.map((word, i) => `${word}${i} ${i % 3 ? 'O' : 'B-X'}\nsea O\n\n`).join(''),
  );
});

/** All numbers of a file of weights. */
const weights = (folder: string, file: string) => {
  const { tensors } = decodeSafetensors(readFileSync(join(cwd, folder, file)), file);
  return new Map([...tensors].map(([name, { data }]) => [name, [...data]]));
};
const stepsIn = (folder: string) =>
  jsonLines(readFileSync(join(cwd, folder, 'log.jsonl'), 'utf8')).flatMap(({ step, loss }) => (loss ? [step] : []));
const upTo = (steps: number) => Array.from({ length: steps }, (_, i) => i + 1);

/** Runs a verb that is sent a signal at its first step, or as soon as it says `sign`. */
function interrupted(args: readonly string[], signal: NodeJS.Signals, sign = /step +\d+/) {
  let asked = false;
  return dawnlm(args, {
    cwd,
    onError: (stderr, child) => {
      if (asked || !sign.test(stderr)) return;
      asked = true;
      child.kill(signal);
    },
  });
}

/** The command that an output says goes on, as it would be pasted. */
function paste(output: string, sign: RegExp): string {
  const command = output.split('\n').find((line) => sign.test(line))!;
  const launcher = new URL('../../bin/dawnlm.mjs', import.meta.url).pathname;
  return command.replace(/^.*?npx dawnlm/, `'${process.execPath}' '${launcher}'`);
}
const shell = (command: string) => execFileSync('sh', ['-c', command], { cwd, encoding: 'utf8', stdio: 'pipe' });

describe('a signal', () => {
  it.each([
    ['text', 'SIGHUP', 129],
    ['tag', 'SIGTERM', 143],
  ] as const)(
    'in finetune %s (%s) saves where it stands, and what it prints goes on to the same bits',
    async (task, signal, code) => {
      await succeed([...tunings[task], '--out', `${task}-calm`], { cwd });
      const stopped = await interrupted([...tunings[task], '--out', `${task} o'clock`], signal);
      expect([stopped.code, stopped.stderr]).toEqual([code, expect.stringContaining('Stopping')]);
      expect(existsSync(join(cwd, `${task} o'clock`, '.lock'))).toBe(false);
      shell(paste(stopped.stdout + stopped.stderr, /continue: npx/));
      const files =
        task === 'text' ? ['model.safetensors', 'best.safetensors'] : ['model.safetensors', 'head.safetensors'];
      for (const file of files) expect(weights(`${task} o'clock`, file)).toEqual(weights(`${task}-calm`, file));
      if (task === 'text') expect(stepsIn(`${task} o'clock`)).toEqual(upTo(60));
      expect(readdirSync(join(cwd, `${task} o'clock`)).sort()).toEqual(readdirSync(join(cwd, `${task}-calm`)).sort());
    },
  );
});

describe('a second writer', () => {
  it('is refused at once, with a sentence that names the first, which is left whole', async () => {
    const others: Promise<unknown>[] = [];
    const refused = async (args: readonly string[]) => {
      const { code, stderr, stdout } = await dawnlm(args, { cwd });
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(
        /^dawnlm: (?:first|\.\/first\/) is being written by another process \(process \d+, since .* UTC\): /m,
      );
      expect(stderr).not.toMatch(/adapter:/);
    };
    const first = await dawnlm(trainTiny('first', '--steps', '1000000', '--log-every', '1'), {
      cwd,
      onError: (stderr, child) => {
        if (others.length > 0 || !/step +\d+\/1000000/.test(stderr)) return; // before the first checkpoint
        others.push(
          refused(trainTiny('first', '--seed', '5')),
          refused(['train', '--resume', '--out', './first/']),
          refused(trainTiny('first', '--force')),
          refused([...tunings.classify, '--out', 'first', '--force']),
        );
        void Promise.allSettled(others).then(() => child.kill('SIGINT'));
      },
    });
    await Promise.all(others);
    expect(first.code).toBe(130);
    const steps = stepsIn('first');
    expect(steps).toEqual(upTo(steps.length));
    expect(JSON.parse(readFileSync(join(cwd, 'first/run.json'), 'utf8')).config.seed).toBe(1337);
    expect(existsSync(join(cwd, 'first.1'))).toBe(false);
    await succeed(['sample', '--run', 'first', '--tokens', '5'], { cwd });
  });

  it('that begins at the same moment is told as well: of two --resume one wins', async () => {
    const args = ['train', '--resume', '--out', 'first', '--steps', String(stepsIn('first').length + 30)];
    const outcomes = await Promise.all([dawnlm(args, { cwd }), dawnlm(args, { cwd })]);
    expect(outcomes.map(({ code }) => code).sort()).toEqual([0, 1]);
    const steps = stepsIn('first');
    expect(steps).toEqual(upTo(steps.length));
  });
});

describe('advice', () => {
  it('about a folder with a finished run is right as it is pasted', async () => {
    const folder = "it's done $HOME";
    await succeed(trainTiny(folder, '--steps', '10'), { cwd });
    const before = readFileSync(join(cwd, folder, 'model.safetensors'));
    renameSync(join(cwd, 'text.txt'), join(cwd, 'my text.txt'));
    const args = trainTiny(folder, '--steps', '10').map((arg) => (arg === 'text.txt' ? 'my text.txt' : arg));
    const { code, stderr } = await dawnlm(args, { cwd });
    expect(code).toBe(1);
    expect(stderr).toContain(`  npx dawnlm sample --run 'it'\\''s done $HOME'\n`);
    const folders = () => readdirSync(cwd).filter((name) => !name.includes('.txt'));
    const there = folders();
    shell(paste(stderr, /dawnlm train --force/));
    expect(folders().filter((name) => !there.includes(name))).toEqual([`${folder}.1`]);
    expect(readFileSync(join(cwd, `${folder}.1`, 'model.safetensors')).equals(before)).toBe(true);
    expect(JSON.parse(readFileSync(join(cwd, folder, 'run.json'), 'utf8'))).toMatchObject({
      config: { steps: 10, nLayer: 2 },
      dataCard: { source: 'my text.txt' },
    });
    expect(stderr).toMatch(/^ {2}npx dawnlm train --resume --out 'it'\\''s done \$HOME' --steps 20$/m);
    renameSync(join(cwd, 'my text.txt'), join(cwd, 'text.txt'));
  });

  it('about a run that diverged names no weights that are not there', async () => {
    const { code, stdout } = await dawnlm(
      trainTiny(
        'wild',
        '--learning-rate',
        '1e6',
        '--min-learning-rate',
        '1e6',
        '--clip-norm',
        '0',
        '--warmup-steps',
        '0',
      ),
      { cwd },
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /No checkpoint was saved before: train anew with --learning-rate 0\.001 and with --clip-norm 1\./,
    );
    expect(stdout).not.toMatch(/dawnlm (sample|eval)/);
  });
});

it('finetune --force keeps what was there under another name, and the folder holds the new model alone', async () => {
  cpSync(join(cwd, 'run'), join(cwd, 'B'), { recursive: true });
  const { stderr } = await succeed([...tunings.tag, '--steps', '6', '--out', 'B', '--force'], { cwd });
  expect(stderr).toContain('the run that was in B is now in B.1');
  expect(readdirSync(join(cwd, 'B')).sort()).toEqual(readdirSync(join(cwd, 'tag-calm')).sort());
  expect(readdirSync(join(cwd, 'B.1')).sort()).toEqual(readdirSync(join(cwd, 'run')).sort());
});

it('a reader of --json that goes away does not end the training', async () => {
  const { code, stderr } = await dawnlm(trainTiny('headless', '--json', '--log-every', '1'), {
    cwd,
    onError: (_, child) => child.stdout!.destroy(),
  });
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/Nobody reads standard output any more\. The work goes on/),
  ]);
  expect(stepsIn('headless')).toEqual(upTo(30));
  rmSync(join(cwd, 'headless'), { recursive: true });
});
