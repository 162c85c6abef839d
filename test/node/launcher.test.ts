import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;

/** A checkout with the launcher and a command line of one line; and, to stand in, a folder with a broken tsconfig.json. */
function checkout() {
  const folder = mkdtempSync(join(tmpdir(), 'dawnlm-launcher-'));
  for (const name of ['bin', 'src/cli', 'bench/verbs', 'experiments/verbs', 'elsewhere'])
    mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'elsewhere/tsconfig.json'), '{');
  writeFileSync(
    join(folder, 'src/cli/main.ts'),
    'export const main = (n: object) => console.log(Object.keys(n).length);\n',
  );
  writeFileSync(join(folder, 'bench/verbs/bench.ts'), 'export const addBench: number = 1;\n');
  writeFileSync(join(folder, 'experiments/verbs/experiment.ts'), 'export const addExperiment: number = 1;\n');
  copyFileSync(join(root, 'bin/dawnlm.mjs'), join(folder, 'bin/dawnlm.mjs'));
  return folder;
}

function launch(folder: string) {
  const args = [join(folder, 'bin/dawnlm.mjs'), 'train'];
  return spawnSync(process.execPath, args, { cwd: join(folder, 'elsewhere'), encoding: 'utf8' });
}

it('says what to do without dependencies, and with them starts from any folder', () => {
  const folder = checkout();
  const { status, stderr } = launch(folder);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^The dependencies of dawnlm are not installed\. Run "npm start"[^\n]*\n$/);
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  expect(launch(folder).stdout).toBe('2\n');
});
