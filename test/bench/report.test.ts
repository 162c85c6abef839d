import { describe, expect, it } from 'vitest';
import { renderBenchReport } from '../../bench/report.ts';
import { peerRecord, record, records } from './records.ts';

const page = renderBenchReport(records);
/** The page's text without its tags. */
const text = page
  .replace(/<style>[\s\S]*?<\/style>/, '')
  .replace(/<[^>]*>/g, ' ')
  .replace(/\s+/g, ' ');

describe('the benchmark report', () => {
  it('holds everything that it needs, escapes what it shows, and is the same each time', () => {
    expect(page).not.toMatch(/(?:src|href)="(?!data:)/);
    expect(page).toContain("default-src 'none'");
    expect(page).toContain('llvmpipe &lt;Mesa&gt;');
    expect(page).toContain('naive &amp; why');
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    expect(renderBenchReport(records)).toBe(page);
  });

  it('has a section for every kind of record', () => {
    for (const title of [
      'Whole models',
      'Under the roof',
      'From naive to best',
      'Kernels',
      'Among other libraries',
      'Compiled for GPUs',
    ]) {
      expect(page).toContain(`<h2>${title}</h2>`);
    }
    expect(text).toContain('a software adapter');
    expect(text).toContain('9,000');
    expect(text).toMatch(/matmul nano: \(3, 4\) \(4, 5\) 20\.000 2\.000 10× 20 GFLOP\/s/);
    expect(text).toMatch(/1 other /);
  });

  it('sorts rungs from the first and libraries from the fastest, and names the absent', () => {
    expect(text.indexOf('naive &amp; why')).toBeLessThan(text.indexOf('image &amp; why'));
    const order = ['PyTorch', 'dawnlm 9', 'llm.c absent'].map((name) => text.lastIndexOf(name));
    expect(order).not.toContain(-1);
    expect([...order].sort((a, b) => a - b)).toEqual(order);
  });

  it('draws ops at their intensity, whether they are rated by operations or by bytes', () => {
    const dots = [...page.matchAll(/cy="([\d.]+)" cx="([\d.]+)"[^>]*><title>([^<]*)/g)];
    expect(dots).toHaveLength(2);
    const at = Object.fromEntries(dots.map(([, y, x, label]) => [label.split(',')[0], { x: Number(x), y: Number(y) }]));
    expect(at.matmul.x).toBeGreaterThan(at.softmax.x);
    expect(at.matmul.y).toBeLessThan(at.softmax.y); // faster is higher
  });

  it('takes the latest of the same measurement, and tells adapters apart', () => {
    const adapter = { name: 'a GPU', software: false, driver: 'its driver' };
    const both = renderBenchReport([...records, record({ median: 1.234 }), record({ median: 0.5, adapter })]);
    expect(both).toContain('1.234');
    expect(both).toContain('0.500');
    expect(both).toContain('Measured on a GPU.');
  });

  it('says of each claim what it is, what it must be, and whether it is', () => {
    expect(text).toMatch(
      /What it should reach .* train &lt;nano&gt; jax-js-wasm 1\.4× 1\.3× to 1\.6× 1\.5× – not the must/,
    );
    expect(text).toMatch(/JavaScript 4\.0% .* ≤ 5\.0% – must/);
    expect(text).toMatch(/decode nano llama\.cpp .* no figure absent/);
  });

  it('of few records leaves the rest out', () => {
    expect(renderBenchReport([peerRecord('PyTorch', 1)])).not.toContain('Kernels</h2>');
    expect(renderBenchReport([])).toContain('0 records');
  });
});
