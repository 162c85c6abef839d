/** What pages are made of: sections, tables, facts, figures. Plain data in, HTML out; what has nothing to show is left out. */
import { type Chart, drawChart } from './chart.ts';
import { NOTHING, percent } from './format.ts';
import { Html, html, type Part } from './html.ts';
import { STYLE } from './style.ts';

export interface Page {
  readonly title: string;
  /** The line above the title: what kind of page, when. */
  readonly over: Part;
  /** What was done, in a paragraph. */
  readonly abstract?: Part;
  /** What a reader should mind, a sentence or two each. */
  readonly notices?: readonly string[];
  /** The numbers that are looked for first. */
  readonly figures?: readonly (KeyFigure | undefined | 0)[];
  readonly sections: Part;
  readonly footer?: string;
  /** What the page's style needs beside that of all. */
  readonly style?: string;
}

export type KeyFigure = readonly [name: string, value: string, note: string];

/** The policy of all pages: nothing is fetched, no script runs. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/** A whole HTML document. The same data give the same bytes. */
export function renderPage({ title, over, abstract, notices = [], figures, sections, footer, style }: Page): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${new Html(POLICY)}">
<link rel="icon" href="data:,">
<title>${title}</title><style>${new Html(STYLE + (style ?? ''))}</style></head>
<body><main><header><p class="over">${over}</p><h1>${title}</h1>${abstract && html`<p class="abstract">${abstract}</p>`}
${notices.map((text) => html`<p class="notice" role="note">${text}</p>`)}${figures && keyFigures(figures)}</header>
${sections}
<footer>${footer ?? 'Made by dawnlm.'}</footer></main></body></html>
`.text;
}

const keyFigures = (figures: NonNullable<Page['figures']>): Html =>
  html`<dl class="key">${figures.map(
    (one) => one && html`<div><dt>${one[0]}</dt><dd>${one[1]}<small>${one[2]}</small></dd></div>`,
  )}</dl>`;

const isNothing = (part: Part): boolean =>
  part === undefined || part === false || (Array.isArray(part) && part.every(isNothing));

/** A heading with what stands under it; nothing where the first of its parts is nothing. */
export const section = (heading: string, first: Part, ...more: Part[]): Part =>
  !isNothing(first) && html`<section><h2>${heading}</h2>${first}${more}</section>`;

/** Likewise within a section. */
export const block = (heading: string, first: Part, ...more: Part[]): Part =>
  !isNothing(first) && html`<div class="block"><h3>${heading}</h3>${first}${more}</div>`;

/** Likewise, but folded up until it is asked for. */
export const folded = (heading: string, content: Part): Part =>
  !isNothing(content) && html`<details><summary>${heading}</summary>${content}</details>`;

/** Side by side where there is room. */
export const pair = (left: Part, right: Part): Part =>
  html`<div class="pair"><div>${left}</div><div>${right}</div></div>`;

export const caption = (text: Part): Html => html`<p class="caption">${text}</p>`;

/**
 * A column of a table: its heading, what it says of a row, and how: words from the left (`long`: many), numbers from the right, a
 * `share` (of 1) as a bar and in percent. A missing number is a dash.
 */
export type Column<Row> = readonly [
  heading: string,
  cell: (row: Row, index: number) => Part,
  kind?: 'long' | 'number' | 'share',
];

/** A row each, headed by the first column; totals stand apart at the end. Nothing of no rows. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], totals: readonly Row[] = []): Part {
  const heading = ([text, , kind]: Column<Row>): Html => html`<th scope="col" class="${kind}">${text}</th>`;
  const cells = (row: Row, index: number): Html => {
    const [first, ...rest] = columns.map(([, cell, kind]) => ({ kind, content: cellOf(cell(row, index), kind) }));
    return html`<tr><th scope="row" class="${first.kind}">${first.content}</th>${rest.map(
      ({ kind, content }) => html`<td class="${kind}">${content}</td>`,
    )}</tr>`;
  };
  return (
    rows.length > 0 &&
    html`<div class="scroll"><table><thead><tr>${columns.map(heading)}</tr></thead><tbody>${rows.map(cells)}</tbody>
<tfoot>${totals.map(cells)}</tfoot></table></div>`
  );
}

function cellOf(value: Part, kind: Column<unknown>[2]): Part {
  if (value === undefined && kind === 'number') return NOTHING;
  if (kind !== 'share' || typeof value !== 'number') return value;
  return html`<b>${percent(value)}</b><i style="--share:${Math.min(1, value).toFixed(3)}"></i>`;
}

/** Names and what they have, a row each; those without a value are left out. */
export const facts = (rows: readonly (readonly [name: string, value: Part])[]): Part =>
  html`<table class="facts"><tbody>${rows.map(
    ([name, value]) => value !== undefined && html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`,
  )}</tbody></table>`;

/** A chart as wide as the page, on wide and on narrow screens. */
export const figure = (chart: Chart, text: Part): Html =>
  html`<figure><div class="wide">${drawChart(chart, { width: 860, height: 380, names: 92 })}</div>
<div class="narrow">${drawChart(chart, { width: 360, height: 280, names: 78 })}</div><figcaption>${text}</figcaption></figure>`;

/** Charts side by side, without names at their curves. */
export const smallFigures = (figures: readonly (readonly [Chart, caption: string])[]): Html =>
  html`<div class="small">${figures.map(
    ([chart, text]) => html`<figure><h3>${chart.title}</h3>${drawChart(chart, { width: 276, height: 170, names: 0 })}
<figcaption>${text}</figcaption></figure>`,
  )}</div>`;
