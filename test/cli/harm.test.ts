import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { decodeSafetensors } from '../../src/export/safetensors.ts';
import { dawnlm, succeed, trainTiny, workshop } from '../helpers/dawnlm.ts';

/** What a run survives: being killed at any moment, and a disk that is full. */

const cwd = workshop();
/** A checkpoint every step, so that most kills fall into one. */
const ALWAYS = ['--checkpoint-every', '1', '--eval-every', '1', '--eval-batches', '1', '--log-every', '1'];

const weights = (run: string) => {
  const { tensors } = decodeSafetensors(readFileSync(join(cwd, run, 'model.safetensors')), run);
  return new Map([...tensors].map(([name, { data }]) => [name, [...data]]));
};

it('a run that is killed again and again, in the middle of checkpoints, ends as one that was not', async () => {
  await succeed(trainTiny('calm', ...ALWAYS), { cwd });
  let code: number | null = null;
  let kills = 0;
  while (code !== 0) {
    const begun = kills > 0;
    const args = begun ? ['train', '--resume', '--out', 'killed', ...ALWAYS] : trainTiny('killed', ...ALWAYS);
    const survive = kills >= 4; // the last one may end
    const outcome = await dawnlm(args, {
      cwd,
      onError: (stderr, child) => {
        if (survive || !/step +\d+\/30/.test(stderr)) return;
        // later each time, at no particular place in the step
        setTimeout(() => child.kill('SIGKILL'), 13 * kills + 3);
      },
    });
    code = outcome.code;
    if (code !== 0) {
      expect(code, outcome.stderr).toBe(null);
      kills++;
    }
    expect(kills).toBeLessThan(6);
  }
  expect(kills).toBeGreaterThan(0);
  expect(weights('killed')).toEqual(weights('calm'));
});

const canMount = process.platform === 'linux' && process.getuid?.() === 0;

it.skipIf(!canMount)(
  'a full disk: a sentence, exit code 1, and weights that are whole (needs root, to mount one)',
  async () => {
    const disk = join(cwd, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]);
    try {
      const settings = [...ALWAYS, '--n-embd', '64']; // its checkpoints take 2 MB
      const { code, stderr } = await dawnlm(trainTiny('disk/run', ...settings), { cwd });
      expect(code).toBe(1);
      expect(stderr).toMatch(/full|space/i);
      await succeed(['sample', '--run', 'disk/run', '--tokens', '5'], { cwd });
    } finally {
      execFileSync('umount', [disk]);
    }
  },
);
