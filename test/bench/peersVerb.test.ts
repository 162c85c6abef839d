import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { jsonLines, succeed } from '../helpers/dawnlm.ts';

const folder = mkdtempSync(join(tmpdir(), 'dawnlm-bench-peers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('dawnlm is one of the peers: it answers jobs, and its figure is kept with adapter, commit and date', async () => {
  const file = join(folder, 'results.jsonl');
  const brief = ['--only', 'dawnlm', '--work', 'forward', '--rounds', '2', '--seconds', '0.1'];
  const { stdout } = await succeed(['bench', 'peers', ...brief, '--json', '--save', file], { cwd: folder });
  const [record] = jsonLines(stdout);
  expect(jsonLines(readFileSync(file, 'utf8'))).toEqual([record]);
  expect(record).toMatchObject({
    kind: 'peer',
    peer: 'dawnlm',
    work: 'forward nano',
    unit: 'tokens/s',
    runs: 2,
    ratio: 1,
  });
  expect(record.value).toBeGreaterThan(0);
  expect(record).toHaveProperty('adapter.name');
  expect(record).toHaveProperty('date');
});
