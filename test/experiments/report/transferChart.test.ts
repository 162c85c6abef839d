import { describe, expect, it } from 'vitest';
import { renderTransferReport } from '../../../experiments/report/transfer.ts';
import { bodyOf } from '../../helpers/page.ts';
import { curvesOf, nothing, RESULTS, SIZES, transfer, withTask } from './transferResult.ts';

/** Every chart of a page: its size, and what it draws without the data for the pointer. */
function chartsOf(page: string): { width: number; height: number; body: string }[] {
  return [...page.matchAll(/<svg viewBox="0 0 (\d+) (\d+)"[\s\S]*?<\/svg>/g)].map(([body, width, height]) => ({
    ...{ width: Number(width), height: Number(height), body: body.replace(/data-chart="[^"]*"/, '') },
  }));
}

/** Places of what a chart draws: [x, y] pairs of lines, circles and paths. */
function placesIn(body: string): { x: number[]; y: number[] } {
  const attributes = (names: string): number[] =>
    [...body.matchAll(new RegExp(` (?:${names})="([^"]*)"`, 'g'))].map(([, value]) => Number(value));
  const path = [...body.matchAll(/[ML]([-\d.]+) ([-\d.]+)/g)];
  return {
    x: [...attributes('x|x1|x2|cx'), ...path.map(([, x]) => Number(x))],
    y: [...attributes('y|y1|y2|cy'), ...path.map(([, , y]) => Number(y))],
  };
}

interface Label {
  readonly x: number;
  readonly y: number;
  readonly anchor: string;
  readonly text: string;
}

const labelsIn = (body: string): Label[] =>
  [...body.matchAll(/<text(?: class="\w+")? x="([\d.]+)" y="([\d.]+)"(?: text-anchor="(\w+)")?>([^<]*)/g)].map(
    ([, x, y, anchor = 'start', text]) => ({ x: Number(x), y: Number(y), anchor, text: text.trim() }),
  );

/** What a label takes at most, at 7 pixels a letter. */
function extent({ x, anchor, text }: Label): [left: number, right: number] {
  const width = 7 * text.length;
  const left = anchor === 'end' ? x - width : anchor === 'middle' ? x - width / 2 : x;
  return [left, left + width];
}

it.each(RESULTS)('draws inside of its pictures, of %s', (_, changes) => {
  for (const { width, height, body } of chartsOf(renderTransferReport(transfer(changes)))) {
    const { x, y } = placesIn(body);
    expect(x.every((place) => place >= 0 && place <= width)).toBe(true);
    expect(y.every((place) => place >= 0 && place <= height)).toBe(true);
    for (const label of labelsIn(body)) {
      expect(extent(label)[0]).toBeGreaterThanOrEqual(0);
      expect(extent(label)[1]).toBeLessThanOrEqual(width + 2);
    }
  }
});

describe('a chart of learning curves', () => {
  const [wide, narrow] = chartsOf(renderTransferReport(transfer()));

  it('has a curve, a band and a name for each learner, and a level for the majority', () => {
    for (const learner of ['full', 'lora', 'head', 'random', 'words']) {
      expect(wide.body).toMatch(new RegExp(`<path class="${learner}" d="M`));
      expect(wide.body).toMatch(new RegExp(`<path class="${learner} band" d="M[^"]{100,}Z"`));
      expect(wide.body.match(new RegExp(`class="${learner} dot"`, 'g'))).toHaveLength(SIZES.length);
      expect(wide.body).toMatch(new RegExp(`<text class="${learner}"`));
    }
    expect(wide.body).toContain('majority 27.0%');
    expect(wide.body).not.toContain('class="majority');
  });

  it('shades one standard deviation to both sides', () => {
    const curves = [{ learner: 'full' as const, points: [8, 16].map((n) => ({ n, scores: [0.4, 0.6] })) }];
    const [{ body }] = chartsOf(renderTransferReport(transfer(withTask({ ...nothing, curves }))));
    const y = (path: string) =>
      [...body.match(path)![1].matchAll(/[ML][-\d.]+ ([-\d.]+)/g)].map(([, at]) => Number(at));
    const ticks = labelsIn(body).filter(({ anchor, text }) => anchor === 'end' && /^\d+$/.test(text));
    const [low, high] = [ticks[0], ticks.at(-1)!];
    const pixels = (low.y - high.y) / (Number(high.text) - Number(low.text));
    const [centre] = y('<path class="full" d="([^"]*)"');
    const edges = y('<path class="full band" d="([^"]*)"');
    const spread = 100 * Math.sqrt(0.02) * pixels;
    expect(edges).toHaveLength(4);
    edges.forEach((edge, i) => {
      expect(Math.abs(edge - (centre + (i < 2 ? -spread : spread)))).toBeLessThan(0.3);
    });
  });

  it('gives each doubling of the labels the same width', () => {
    const places = [...wide.body.matchAll(/class="full dot" cx="([\d.]+)"/g)].map(([, x]) => Number(x));
    const widths = places.slice(1, 10).map((x, i) => x - places[i]);
    expect(Math.min(...widths)).toBeGreaterThan(50);
    expect(Math.max(...widths) - Math.min(...widths)).toBeLessThanOrEqual(0.21);
  });

  it.each([
    ['wide', wide],
    ['narrow', narrow],
  ])('keeps names and ticks apart, %s', (_, { body, height }) => {
    const labels = labelsIn(body);
    const names = labels.filter(({ text }) => /^(full|LoRA|head|random|words)$/.test(text));
    expect(names).toHaveLength(5);
    names.slice(1).forEach(({ y }, i) => {
      expect(y - names[i].y).toBeGreaterThanOrEqual(30);
    });
    const ticks = labels.filter(({ anchor, y }) => anchor === 'middle' && y > height - 10);
    expect(ticks.length).toBeGreaterThanOrEqual(5);
    ticks.slice(1).forEach((tick, i) => {
      expect(extent(tick)[0]).toBeGreaterThan(extent(ticks[i])[1]);
    });
    expect(body.match(/<line class="tick"/g)).toHaveLength(SIZES.length);
  });

  it('ends the band where a single seed was measured, and says so', () => {
    const scores = [[0.4, 0.6], [0.5, 0.6], [0.7]];
    const curves = [{ learner: 'full' as const, points: [8, 16, 40].map((n, i) => ({ n, scores: scores[i] })) }];
    const page = renderTransferReport(transfer(withTask({ ...nothing, curves })));
    expect(page.match(/<path class="full band" d="([^"]*)"/)![1].match(/[ML]/g)).toHaveLength(4);
    expect(page).toContain('one standard deviation around them, but for single seeds at 40.');
    expect(bodyOf(renderTransferReport(transfer()))).not.toContain('but for single seeds');
  });

  it('has no band of a single seed', () => {
    expect(
      bodyOf(renderTransferReport(transfer({ ...withTask({ curves: curvesOf(1), prompted: [] }) }))),
    ).not.toContain(' band"');
  });
});
