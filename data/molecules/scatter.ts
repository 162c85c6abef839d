import * as Plot from '@observablehq/plot';
import { drawPlot } from '../../src/report/chart.ts';
import { Html, html } from '../../src/report/html.ts';

/** A property, as it was asked for and as it came. */
export interface Asked {
  readonly name: string;
  readonly pairs: readonly { readonly asked: number; readonly got: number }[];
}

const SIDE = 260;

/** Dots of what came over what was asked for, a square each side by side; on the line they are the same. */
export function scatter(all: readonly Asked[]): string {
  const plots = all.map((one, i) => html`<g transform="translate(${i * SIDE} 0)">${square(one)}</g>`);
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${all.length * SIDE}" height="${SIDE}"
 font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#fff"/>${plots}</svg>\n`.text;
}

function square({ name, pairs }: Asked): Html {
  const values = pairs.flatMap(({ asked, got }) => [asked, got]).sort((a, b) => a - b);
  const domain = [values[0], values.at(-1)!];
  const axis = { domain, nice: true, ticks: 5 };
  const plot = drawPlot(
    {
      ...{ width: SIDE, height: SIDE, margin: 40, marginTop: 20, marginRight: 14 },
      x: { ...axis, label: `${name} asked for` },
      y: { ...axis, label: `${name} computed` },
      marks: [
        Plot.frame({ strokeOpacity: 0.4 }),
        Plot.line(
          [domain, domain].map((_, i) => [domain[i], domain[i]]),
          { strokeOpacity: 0.4 },
        ),
        Plot.dot(pairs, { x: 'asked', y: 'got', r: 2, fill: '#36c', fillOpacity: 0.35, stroke: 'none' }),
      ],
    },
    `${name}: computed over asked for`,
  );
  return new Html(plot.text.replace('<svg ', `<svg width="${SIDE}" height="${SIDE}" `));
}
