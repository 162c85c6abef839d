import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compare, sidesOf } from '../../bench/compare.ts';
import { appendRecords, describeRecord, provenance, readRecords } from '../../bench/record.ts';
import { asRate, timingOf } from '../../src/check/measure.ts';
import { peerRecord, record } from './records.ts';

const folder = mkdtempSync(join(tmpdir(), 'dawnlm-bench-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const commit = (letter: string) => ({ hash: letter.repeat(40), dirty: false });

describe('records', () => {
  it('are lines of JSON that are added to and read back as they were', async () => {
    const file = join(folder, 'new', 'results.jsonl');
    await appendRecords(file, [record(), peerRecord('PyTorch', 3)]);
    await appendRecords(file, [record({ median: 3 })]);
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(4);
    expect(await readRecords(file)).toEqual([record(), peerRecord('PyTorch', 3), record({ median: 3 })]);
  });

  it('say where they come from', () => {
    const { machine, commit: at, date, adapter } = provenance({ name: 'a GPU', software: false, driver: 'its driver' });
    expect(adapter).toEqual({ name: 'a GPU', software: false, driver: 'its driver' });
    expect(machine).toMatchObject({ cpu: expect.stringMatching(/./), node: process.version });
    expect(machine.cores).toBeGreaterThan(0);
    if (at) expect(at.hash).toMatch(/^[0-9a-f]{40}$/);
    expect(Date.now() - Date.parse(date)).toBeLessThan(60_000);
  });

  it('that are none get a sentence with file and line', async () => {
    const file = join(folder, 'broken.jsonl');
    const broken = JSON.stringify({ ...record(), median: 'fast' });
    for (const line of ['no JSON', '{"kind":"kernel"}', '17', '{"kind":"peer","adapter":{}}', broken]) {
      writeFileSync(file, `${JSON.stringify(record())}\n${line}\n`);
      await expect(readRecords(file)).rejects.toThrow(/broken\.jsonl:2 is no benchmark record/);
    }
    await expect(readRecords(file)).rejects.toThrow('median must be a number; got "fast"');
    await expect(readRecords(join(folder, 'absent'))).rejects.toThrow(/no results in .*absent \(ENOENT\)/);
  });

  it('keep median, lowest and highest; rates turn them around', () => {
    expect(timingOf([4, 1, 2])).toEqual({ median: 2, spread: [1, 4], runs: 3 });
    expect(asRate(timingOf([4, 1, 2]), 8)).toEqual({ median: 4000, spread: [2000, 8000], runs: 3 });
  });
});

describe('compare', () => {
  it('gives ratios above 1 for what became faster, the largest change first', () => {
    const before = [
      record({ median: 4, spread: [3.9, 4.2] }),
      record({ op: 'decode', unit: 'tokens/s', median: 90, spread: [80, 100] }),
    ];
    const after = [
      record(),
      record({ op: 'decode', unit: 'tokens/s', median: 99, spread: [85, 120] }),
      record({ op: 'new' }),
    ];
    const pairs = compare({ before, after });
    expect(pairs.map(({ ratio }) => ratio)).toEqual([2, 1.1]);
    expect(pairs.map(({ clear }) => clear)).toEqual([true, false]);
    expect(pairs[0]).toMatchObject({ before: 4, after: 2, unit: 'ms', what: describeRecord(record()) });
  });

  it('takes the latest of several, and never pairs other adapters, shapes, points or absent peers', () => {
    const adapter = { name: 'another', software: false, driver: '' };
    const others = [
      record({ adapter }),
      record({ shape: '(1, 1)' }),
      record({ point: { TM: 8 } }),
      record({ variant: 'naive' }),
    ];
    expect(compare({ before: others, after: [record()] })).toEqual([]);
    expect(compare({ before: [peerRecord('llm.c', null)], after: [peerRecord('llm.c', 5)] })).toEqual([]);
    expect(compare({ before: [record({ median: 9 }), record({ median: 6 })], after: [record()] })[0].ratio).toBe(3);
  });

  it('finds sides by file, and by the beginning of a commit', async () => {
    const results = join(folder, 'commits.jsonl');
    await appendRecords(results, [record({ commit: commit('b') }), record({ commit: commit('c'), median: 1 })]);
    expect((await sidesOf('bbbb', 'cccc', results)).after).toEqual([record({ commit: commit('c'), median: 1 })]);
    expect((await sidesOf('bbbb', results, results)).after).toHaveLength(2);
    await expect(sidesOf('bbbb', 'dddd', results)).rejects.toThrow(/no records of dddd.*bbbbbbbbbb, cccccccccc/);
  });
});
