import { describe, expect, it } from 'vitest';
import { renderTransferReport } from '../../../experiments/report/transfer.ts';
import { bodyOf } from '../../helpers/page.ts';
import { labelsOf, marksOf, picturesOf, pointsOf, sizeOf } from '../../helpers/svg.ts';
import { curvesOf, nothing, RESULTS, SIZES, transfer, withTask } from './transferResult.ts';

const LEARNERS = ['full', 'lora', 'head', 'random', 'words'];

/** Every picture of a result's page. */
const picturesIn = (changes: Parameters<typeof transfer>[0] = {}): Element[] =>
  picturesOf(bodyOf(renderTransferReport(transfer(changes))));

it.each(RESULTS)('draws inside of its pictures, of %s', (_, changes) => {
  for (const svg of picturesIn(changes)) {
    const [width, height] = sizeOf(svg);
    const marks = LEARNERS.flatMap((tone) => ['line', 'area', 'dot'].flatMap((kind) => marksOf(svg, kind, tone)));
    for (const [x, y] of marks.flatMap(pointsOf)) {
      expect(x >= 0 && x <= width && y >= 0 && y <= height).toBe(true);
    }
    for (const { left, right, y } of labelsOf(svg)) {
      expect(left).toBeGreaterThanOrEqual(0);
      expect(right).toBeLessThanOrEqual(width + 2);
      expect(y >= 0 && y <= height).toBe(true);
    }
  }
});

describe('a chart of learning curves', () => {
  const [wide, narrow] = picturesIn();

  it('has a curve, a band and a name for each learner, and a level for the majority', () => {
    for (const learner of LEARNERS) {
      const [line, area, dots] = ['line', 'area', 'dot'].map((kind) => marksOf(wide, kind, learner).flatMap(pointsOf));
      expect([line.length, area.length, dots.length]).toEqual([SIZES.length, 2 * SIZES.length, SIZES.length]);
    }
    const names = labelsOf(wide).map(({ text }) => text);
    expect(names).toEqual(expect.arrayContaining(['majority 27.0%', 'full\n92.4%', 'LoRA\n90.7%']));
    expect(marksOf(wide, 'line', 'majority')).toEqual([]);
  });

  it('says each value', () => {
    const [dots] = marksOf(wide, 'dot', 'lora');
    expect(dots.querySelector('title')!.textContent).toMatch(/^labels 8: LoRA \d+\.\d%$/);
  });

  it('shades one standard deviation to both sides', () => {
    const curves = [{ learner: 'full' as const, points: [8, 16].map((n) => ({ n, scores: [0.4, 0.6] })) }];
    const [svg] = picturesIn(withTask({ ...nothing, curves }));
    const ticks = labelsOf(svg).filter(({ anchor, text }) => anchor === 'end' && /^\d+$/.test(text));
    const [low, high] = [ticks[0], ticks.at(-1)!];
    const pixels = (low.y - high.y) / (Number(high.text) - Number(low.text));
    const [[, centre]] = pointsOf(marksOf(svg, 'line', 'full')[0]);
    const edges = pointsOf(marksOf(svg, 'area', 'full')[0]).map(([, y]) => y);
    const spread = 100 * Math.sqrt(0.02) * pixels;
    expect(edges).toHaveLength(4);
    for (const edge of edges) expect(Math.abs(edge - centre)).toBeCloseTo(spread, 1);
    expect(edges.filter((edge) => edge < centre)).toHaveLength(2);
  });

  it('gives each doubling of the labels the same width', () => {
    const places = pointsOf(marksOf(wide, 'dot', 'full')[0]).map(([x]) => x);
    const widths = places.slice(1, 10).map((x, i) => x - places[i]);
    expect(Math.min(...widths)).toBeGreaterThan(50);
    expect(Math.max(...widths) - Math.min(...widths)).toBeLessThanOrEqual(0.21);
  });

  it.each([
    ['wide', wide],
    ['narrow', narrow],
  ])('keeps names and ticks apart, %s', (_, svg) => {
    const labels = labelsOf(svg);
    const names = labels.filter(({ text }) => /^(full|LoRA|head|random|words)\n/.test(text)).sort((a, b) => a.y - b.y);
    expect(names).toHaveLength(5);
    names.slice(1).forEach(({ y }, i) => {
      expect(y - names[i].y).toBeGreaterThanOrEqual(30);
    });
    const bottom = sizeOf(svg)[1] - 26;
    const ticks = labels.filter(({ text, y }) => text !== '' && y >= bottom);
    expect(ticks.length).toBeGreaterThanOrEqual(4);
    ticks.slice(1).forEach((tick, i) => {
      expect(tick.left).toBeGreaterThan(ticks[i].right);
    });
  });

  it('ends the band where a single seed was measured, and says so', () => {
    const scores = [[0.4, 0.6], [0.5, 0.6], [0.7]];
    const curves = [{ learner: 'full' as const, points: [8, 16, 40].map((n, i) => ({ n, scores: scores[i] })) }];
    const [svg] = picturesIn(withTask({ ...nothing, curves }));
    expect(pointsOf(marksOf(svg, 'area', 'full')[0])).toHaveLength(4);
    const page = renderTransferReport(transfer(withTask({ ...nothing, curves })));
    expect(page).toContain('one standard deviation around them, but for single seeds at 40.');
    expect(bodyOf(renderTransferReport(transfer()))).not.toContain('but for single seeds');
  });

  it('has no band of a single seed', () => {
    const [svg] = picturesIn(withTask({ curves: curvesOf(1), prompted: [] }));
    expect(svg.querySelectorAll('[aria-label="area"] path')).toHaveLength(0);
  });
});
