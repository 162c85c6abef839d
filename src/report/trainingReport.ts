/** A run's report: one HTML file that holds everything that it needs, to be kept, sent and printed. */

import type { ReportData } from './data.ts';
import { lossFigure, smallFigures } from './figures.ts';
import { dateInWords } from './format.ts';
import { type Html, html } from './html.ts';
import { renderPage } from './page.ts';
import { SCRIPT } from './script.ts';
import { abstract, figuresTable, keyFigures, modelSection, runSection, samplesSection } from './sections.ts';
import { STYLE } from './style.ts';
import { type Summary, summarize, warningsOf } from './summary.ts';

export type { MemoryCard, ParameterRow, ReportData, Sample } from './data.ts';

/**
 * The report as a whole HTML document: nothing is fetched (its policy forbids it), all text of the run is escaped, curves
 * are thinned to what can be seen, so that a long log makes no larger file. The same data give the same bytes.
 */
export function renderReport(data: ReportData): string {
  const summary = summarize(data);
  const page = { title: `${data.name}: training report`, style: STYLE, script: SCRIPT };
  return renderPage(
    page,
    html`${header(summary)}
<section><h2>Loss</h2>${lossFigure(summary)}${smallFigures(summary)}${figuresTable(summary)}</section>
${samplesSection(data.samples)}${modelSection(summary)}${runSection(summary)}
<footer>Made by dawnlm.</footer>`,
  );
}

function header(summary: Summary): Html {
  const { data } = summary;
  const warnings = warningsOf(summary);
  return html`<header><p class="over">Training report · ${dateInWords(data.startedAt)} ·
<span class="status ${data.status}">${data.status}</span></p><h1>${data.name}</h1>${abstract(summary)}
${warnings.map((warning) => html`<p class="notice ${data.status}" role="note">${warning}</p>`)}${keyFigures(summary)}</header>`;
}
