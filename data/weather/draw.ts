/** Spells of days as pictures. */
import { CHART, COLOURS, chartAt, type Line, type LineChart, picture } from './forecast/chart.ts';
import { type Climatology, range } from './forecast/series.ts';
import { AHEAD, HISTORY, seasonOfLine, type ToldDay, toldDays } from './line.ts';

const SHOWN = ['max', 'min'] as const;
/** Pictures one under the other, at most: spells that begin alike share one. */
const MOST = 12;
const DAY = 1 / 365.25;

/** What a line begins with: when it is, and the days that are known. */
const known = (line: string): string => line.split(';', HISTORY).join(';');

/** Spells as SVG: those that begin with the same days together, so that one sees by how much they part. */
export function drawSpells(lines: readonly string[], usual: Climatology): string {
  const groups = new Map<string, string[]>();
  for (const line of lines) groups.set(known(line), [...(groups.get(known(line)) ?? []), line]);
  const drawn = [...groups.values()].slice(0, MOST).map((group) => chartOf(group, usual));
  return picture(
    CHART.height * drawn.length,
    drawn.map((one, i) => chartAt(one, i * CHART.height)),
  );
}

function chartOf(group: readonly string[], usual: Climatology): LineChart {
  const season = seasonOfLine(group[0]);
  const all = group.map(toldDays);
  const longest = all.reduce((most, { length }) => Math.max(most, length), 0);
  const opacity = Math.max(0.15, 1 / Math.sqrt(group.length));
  const lines = SHOWN.flatMap((which, p): Line[] => {
    const at = (days: readonly ToldDay[], i: number) =>
      [i - HISTORY + 1, days[i][which] + usual(turn(season + (i - HISTORY + 1) * DAY))[p]] as const;
    const colour = which === 'max' ? COLOURS.other : COLOURS.model;
    const mean = range(0, Math.min(longest, HISTORY + AHEAD)).map((i) => {
      const points = all.filter(({ length }) => length > i).map((days) => at(days, i));
      return [points[0][0], points.reduce((sum, point) => sum + point[1], 0) / points.length] as const;
    });
    const course = range(0, HISTORY + AHEAD).map(
      (i) => [i - HISTORY + 1, usual(turn(season + (i - HISTORY + 1) * DAY))[p]] as const,
    );
    return [
      { colour: COLOURS.grey, points: course, dashes: '2 3', name: which === 'max' ? 'usual' : undefined },
      ...all
        .filter(({ length }) => length > 0)
        .map((days) => ({ colour, opacity, points: range(0, days.length).map((i) => at(days, i)) })),
      ...(mean.length > 0
        ? [{ colour, points: mean, name: which === 'max' ? 'highest of the day' : 'lowest of the day' }]
        : []),
    ];
  });
  const ticks = range(1 - HISTORY, AHEAD + 1);
  const title = `${group[0].split(':')[0]}: ${skies(all)}`;
  return { title, lines, x: 'days from now', y: '°C', mark: { at: 0, word: 'now' }, ticks };
}

const turn = (season: number): number => (season + 1) % 1;

/** How often each sky is told for tomorrow. */
function skies(all: readonly ToldDay[][]): string {
  const counts = new Map<string, number>();
  for (const days of all) {
    const sky = days[HISTORY]?.sky;
    if (sky) counts.set(sky, (counts.get(sky) ?? 0) + 1);
  }
  const told = [...counts].sort((a, b) => b[1] - a[1]).map(([sky, count]) => `${sky} ${count}`);
  return told.length > 0 ? `tomorrow ${told.join(', ')}` : 'no day ahead is told';
}
