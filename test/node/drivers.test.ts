import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { sleepSync, waitWithBackOff } from '../../src/node/backOff.ts';
import { listAdapters, openAdapter } from '../../src/node/drivers.ts';
import { mirrorOf } from '../../src/node/install.ts';

const chosen = process.env.DAWNLM_ADAPTER ?? 'auto';

it('opens the adapter of this run, which computes', async () => {
  const { adapter, description, driver, software } = await openAdapter();
  console.log(`adapter: ${description}`);
  if (chosen !== 'auto') expect(driver).toBe(chosen);
  expect(software).toBe(driver !== 'gpu');
  const device = await adapter.requestDevice();
  const buffer = device.createBuffer({ size: 8, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  device.queue.writeBuffer(buffer, 0, new Uint32Array([1, 2]));
  await waitWithBackOff(buffer.mapAsync(GPUMapMode.READ));
  expect([...new Uint32Array(buffer.getMappedRange())]).toEqual([1, 2]);
  device.destroy();
});

it.each([
  [undefined, ['0', null]],
  ['3', ['3', '3']],
])('tells lavapipe to work on one thread for small work only, unless the user says how many: %j', (own, expected) => {
  const root = new URL('../../', import.meta.url).href;
  const script = `
    import { register } from '${root}node_modules/tsx/dist/esm/api/index.mjs'; register({ tsconfig: false });
    const { openAdapter } = await import('${root}src/node/drivers.ts');
    const threads = [];
    for (const smallWork of [true, false]) {
      await openAdapter(undefined, { smallWork });
      threads.push(process.env.LP_NUM_THREADS ?? null);
    }
    console.log(JSON.stringify(threads));
    process.exit();`;
  const env = { ...process.env, LP_NUM_THREADS: own };
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { env, encoding: 'utf8' });
  expect(JSON.parse(said.trim().split('\n').at(-1)!)).toEqual(expected);
});

it('lists it with where it comes from, and can open it by a part of its name', async () => {
  const rows = await listAdapters();
  const { driver, description, adapter } = await openAdapter();
  const row = rows.find(({ choice }) => choice === driver);
  expect(row?.description).toBe(description);
  expect(row?.how).not.toBe('');
  const part = /llvmpipe|swiftshader/i.exec(description)?.[0].toUpperCase() ?? adapter.info.device;
  expect((await openAdapter(part)).description).toBe(description);
});

it.runIf(process.platform === 'linux')("keeps Dawn's own lines out of what standard error goes to", () => {
  const cwd = mkdtempSync(join(tmpdir(), 'dawnlm-stderr-'));
  const root = new URL('../../', import.meta.url).href;
  const script = [
    `import { register } from '${root}node_modules/tsx/dist/esm/api/index.mjs'; register({ tsconfig: false });`,
    `await (await import('${root}src/node/drivers.ts')).openAdapter(); console.error('said'); process.exit();`,
  ];
  writeFileSync(join(cwd, 'open.mjs'), script.join('\n'));
  const node = `'${process.execPath}' open.mjs`;
  const shell = `${node} 2>new; ${node} 2>>more; (echo before; ${node}; echo after) >both 2>&1; ${node} 2>&1 | cat >pipe`;
  execFileSync('sh', ['-c', shell], { cwd, stdio: 'ignore' });
  const lines = (file: string) =>
    readFileSync(join(cwd, file), 'utf8')
      .split('\n')
      .map((line) => line.trim());
  expect(lines('new').filter(Boolean)).toEqual(['said']);
  expect(lines('more')).toEqual(['said', '']);
  expect(lines('both').filter(Boolean)).toEqual(['before', 'said', 'after']);
  expect(lines('pipe')).toEqual(['said', '']);
  rmSync(cwd, { recursive: true });
});

it('refuses a name that no adapter has, and says which there are', async () => {
  await expect(openAdapter('voodoo2')).rejects.toThrow(UsageError);
  await expect(openAdapter('voodoo2')).rejects.toThrow(/No adapter is called "voodoo2".*lavapipe.*Adapters on this/);
});

it('backs off, and passes results and errors on', async () => {
  const start = performance.now();
  sleepSync(5);
  expect(performance.now() - start).toBeGreaterThan(4);
  expect(await waitWithBackOff(new Promise((resolve) => setTimeout(resolve, 5, 'done')))).toBe('done');
  await expect(waitWithBackOff(Promise.reject(new Error('lost')))).rejects.toThrow('lost');
});

it('finds the mirror of a suite in both formats of apt', () => {
  const line = '# deb http://old/debian bookworm main\ndeb [arch=amd64 signed-by=/k] http://a/debian bookworm main\n';
  const stanza =
    'Types: deb\n# a comment\nURIs: http://b/security\nSuites: bookworm-security\n\n' +
    'Types: deb\nURIs: http://b/debian\nSuites: bookworm bookworm-updates\nComponents: main\n';
  expect(mirrorOf('bookworm', [line])).toBe('http://a/debian');
  expect(mirrorOf('bookworm', ['', stanza])).toBe('http://b/debian');
  expect(mirrorOf('bookworm-backports', [line, stanza])).toBeUndefined();
});
