import { describe, expect, it } from 'vitest';
import { type Chart, drawChart } from '../../src/report/chart.ts';
import { labelsOf, marksOf, picturesOf, pointsOf, sizeOf } from '../helpers/svg.ts';

const points = (values: readonly number[]) => values.map((value, i) => ({ step: i + 1, value }));
const chart = (changes: Partial<Chart> = {}): Chart => ({
  title: 'Loss',
  curves: [{ name: 'training', tone: 'training', points: points([4, 3, 2.5, 2.2]) }],
  range: [2, 4],
  ...changes,
});
const SIZE = { width: 400, height: 200, names: 80 };
const draw = (changes: Partial<Chart> = {}): Element => picturesOf(drawChart(chart(changes), SIZE).text)[0];

describe('a chart', () => {
  it('has a fixed size, a name to read aloud, colours of the page, and neither script nor style', () => {
    const { text } = drawChart(chart({ title: 'A <b> & "c"' }), SIZE);
    expect(text).toContain(
      'viewBox="0 0 400 200" role="img" aria-label="A &lt;b&gt; &amp; &quot;c&quot;; training from 4 at step 1 to 2.2 at step 4"',
    );
    expect(text).not.toMatch(/<style|<script|\bon\w+=|href|url\(|clip/);
    expect(text).toContain('var(--training)');
  });

  it('is the same of the same data, whatever was drawn before', () => {
    const first = drawChart(chart(), SIZE).text;
    drawChart(chart({ range: [0, 9] }), SIZE);
    expect(drawChart(structuredClone(chart()), SIZE).text).toBe(first);
  });

  it('draws the points at their places, dots what is few, and says each value', () => {
    const svg = draw();
    const [line] = marksOf(svg, 'line', 'training').map(pointsOf);
    const [dots] = marksOf(svg, 'dot', 'training');
    expect(pointsOf(dots).map(([x]) => Math.round(x))).toEqual(line.map(([x]) => Math.round(x)));
    expect(line[1][1]).toBeGreaterThan(line[0][1]); // y grows downwards
    expect(line[1][1] - line[0][1]).toBeCloseTo(2 * (line[2][1] - line[1][1]), 1);
    expect(dots.querySelector('title')!.textContent).toBe('step 1: training 4');
    expect(
      marksOf(draw({ curves: [{ ...chart().curves[0], points: points(Array(41).fill(3)) }] }), 'dot', 'training'),
    ).toEqual([]);
  });

  it('keeps every spike of what it thins, and what is beyond the range at the edge', () => {
    const raw = points(
      Array.from({ length: 10_000 }, (_, i) => (i === 7777 ? 99 : i === 1234 ? -99 : 3 + Math.sin(i) / 9)),
    );
    const svg = draw({ curves: [{ name: 'training', tone: 'training', points: raw, raw }], range: [2, 4] });
    const [area, line] = ['area', 'line'].map((kind) => marksOf(svg, kind, 'training').flatMap(pointsOf));
    expect(line).toHaveLength(400);
    expect(area.length).toBeLessThan(1100);
    const heights = area.map(([, y]) => y);
    expect([Math.min(...heights), Math.max(...heights)]).toEqual([14, 174]);
  });

  it('marks levels, ends and the best', () => {
    const svg = draw({
      notes: [
        { value: 3, label: 'a guess' },
        { step: 4, label: 'diverged' },
        { step: 3, value: 2.5, label: 'best' },
      ],
    });
    const labels = labelsOf(svg);
    const at = (text: string) => labels.find((label) => label.text === text)!;
    expect([at('a guess').anchor, at('diverged').anchor, at('best').anchor]).toEqual(['end', 'end', 'end']);
    expect(svg.querySelectorAll('[aria-label="rule"] line')).toHaveLength(2);
    const [, third] = pointsOf(marksOf(svg, 'dot', 'ink')[0])[0];
    expect(at('best').y).toBeLessThan(third);
  });

  it('names curves at their ends, apart and inside of the picture', () => {
    const curves = ['a', 'b', 'c', 'd'].map((name, i) => ({ name, tone: name, points: points([4, 2 + i / 100]) }));
    const svg = draw({ curves, range: [2, 4] });
    const names = labelsOf(svg).filter(({ text }) => /^[a-d]\n/.test(text));
    const ys = names.map(({ y }) => y).sort((one, other) => one - other);
    expect(ys).toHaveLength(4);
    ys.slice(1).forEach((y, i) => {
      expect(y - ys[i]).toBeGreaterThanOrEqual(30);
    });
    expect(Math.max(...ys)).toBeLessThan(sizeOf(svg)[1]);
    expect(names.find(({ text }) => text.startsWith('d'))!.y).toBe(ys[0]);
  });

  it.each<[string, Partial<Chart>]>([
    ['nothing', { curves: [], range: [0, 1] }],
    ['one value', { curves: [{ name: 'a', tone: 'a', points: points([2]) }], range: [2, 2] }],
    ['zeros', { curves: [{ name: 'a', tone: 'a', points: points([0, 0]) }], range: [0, 0] }],
    ['an explosion', { curves: [{ name: 'a', tone: 'a', points: points([1, 1e300, 2]) }] }],
    ['tiny values', { curves: [{ name: 'a', tone: 'a', points: points([1e-7, 3e-7]) }], range: [0, 3e-7] }],
    ['huge values', { curves: [{ name: 'a', tone: 'a', points: points([1e6, 3e6]) }], range: [0, 3e6] }],
    ['one step by doublings', { scale: 'log2', curves: [{ name: 'a', tone: 'a', points: points([3]) }] }],
  ])('bears %s', (_, changes) => {
    const svg = draw(changes);
    expect(svg.outerHTML).not.toMatch(/NaN|undefined|Infinity/);
    for (const { left, right } of labelsOf(svg)) {
      expect(left).toBeGreaterThanOrEqual(0);
      expect(right).toBeLessThanOrEqual(402);
    }
    expect(labelsOf(svg).length).toBeGreaterThan(0);
  });
});
