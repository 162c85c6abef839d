import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;

/** A checkout with the launcher and a command line of one line; and, to stand in, a folder with a broken tsconfig.json. */
function checkout() {
  const folder = mkdtempSync(join(tmpdir(), 'dawnlm-launcher-'));
  for (const name of ['bin', 'src/cli', 'src/node', 'bench/verbs', 'experiments/verbs', 'elsewhere'])
    mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'elsewhere/tsconfig.json'), '{');
  writeFileSync(
    join(folder, 'src/cli/main.ts'),
    'export const main = (n: object) => console.log(Object.keys(n).length);\n',
  );
  writeFileSync(join(folder, 'bench/verbs/bench.ts'), 'export const addBench: number = 1;\n');
  writeFileSync(join(folder, 'experiments/verbs/experiment.ts'), 'export const addExperiment: number = 1;\n');
  for (const file of ['bin/dawnlm.mjs', 'src/node/typescript.mjs']) copyFileSync(join(root, file), join(folder, file));
  return folder;
}

function launch(folder: string, env: Record<string, string> = {}) {
  const args = [join(folder, 'bin/dawnlm.mjs'), 'train'];
  const options = { cwd: join(folder, 'elsewhere'), env: { ...process.env, ...env } };
  return spawnSync(process.execPath, args, { ...options, encoding: 'utf8' });
}

it('says what to do without dependencies, and with them starts from any folder', () => {
  const folder = checkout();
  const { status, stderr } = launch(folder);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^The dependencies of dawnlm are not installed\. Run "npm start"[^\n]*\n$/);
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  expect(launch(folder).stdout).toBe('2\n');
});

it.skipIf(process.platform === 'win32')('says so where the folder that it is started in is gone', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'dawnlm-launcher-'));
  const words = [process.execPath, join(root, 'bin/dawnlm.mjs'), '--version'];
  const { status, stderr } = spawnSync('sh', ['-c', 'rmdir "$PWD"; exec "$0" "$@"', ...words], {
    cwd,
    encoding: 'utf8',
  });
  expect(stderr).toBe('The folder that this was started in is gone. Change to another one first.\n');
  expect(status).toBe(1);
});

describe.skipIf(process.platform === 'win32')('compiled code', () => {
  const compiled = `tsx-${process.geteuid?.()}`;

  /** Starts where the temporary folder is one that anybody may have filled, and says what came of it. */
  function start(prepare: (cache: string) => void) {
    const folder = checkout();
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
    writeFileSync(
      join(folder, 'src/cli/main.ts'),
      'export const main = () => console.log(process.env.TMPDIR as string);',
    );
    const [cache, temporary] = [join(folder, 'cache'), join(folder, 'temporary')];
    mkdirSync(temporary);
    prepare(cache);
    const { stdout } = launch(folder, { DAWNLM_CACHE: cache, TMPDIR: temporary });
    expect(stdout).toBe(`${temporary}\n`); // for the program it is what it was
    expect(readdirSync(temporary)).toEqual([]);
    return join(cache, compiled);
  }

  it("is kept in a folder that is the user's alone, and never in the temporary one", () => {
    const kept = start(() => undefined);
    expect(statSync(kept).mode & 0o777).toBe(0o700);
    expect(readdirSync(kept).length).toBeGreaterThan(0);
  });

  it('is not kept where others could have put some', () => {
    const open = start((cache) => {
      mkdirSync(join(cache, compiled), { recursive: true });
      chmodSync(join(cache, compiled), 0o777);
    });
    expect(readdirSync(open)).toEqual([]);
    const elsewhere = mkdtempSync(join(tmpdir(), 'dawnlm-launcher-'));
    start((cache) => {
      mkdirSync(cache);
      symlinkSync(elsewhere, join(cache, compiled));
    });
    expect(readdirSync(elsewhere)).toEqual([]);
  });
});
