/** What the check-up of a run found, as a section of a page. */
import { loss } from './format.ts';
import { type FoundCard, flagsOf, type HealthCard } from './healthCard.ts';
import { html, type Part } from './html.ts';
import * as page from './page.ts';

export const HEALTH_STYLE = /* css */ `
.found { border-left: 3px solid var(--bad); padding: .1rem 0 .1rem 1rem; margin: 0 0 1.4rem; max-width: 44rem; }
.found.note { border-color: var(--rule); } .found p { margin: 0 0 .4rem; } .found ul { margin: 0 0 .4rem; padding-left: 1.2rem; }
.found b { display: inline-block; } .found b::first-letter { text-transform: uppercase; } .found code { display: block; } .found small, .found li { color: var(--muted); font-size: .87rem; }`;

/** Findings, the rungs, and what was measured. Nothing where no check-up was made. */
export const healthSection = (health: HealthCard | undefined): Part =>
  health &&
  page.section(
    'Check-up',
    html`<p>In short: ${health.line}.</p>`,
    health.findings.map(foundInWords),
    page.pair(
      page.block('Predictions without a model', rungTable(health)),
      page.block('What was measured', page.facts(health.measured)),
    ),
  );

/** A finding: what was measured, what follows from it, and what to do. */
export const foundInWords = ({ name, severity, sentence, advice, symptoms }: FoundCard): Part =>
  html`<div class="found ${severity}"><p><b>${name.replaceAll('-', ' ')}</b></p><p>${sentence}</p>
${symptoms.length > 0 && html`<ul>${symptoms.map((symptom) => html`<li>${symptom}</li>`)}</ul>`}
${advice && html`<p>${advice.sentence} ${advice.settings && html`<code>${flagsOf(advice.settings)}</code>`}</p>`}</div>`;

const rungTable = ({ rungs }: HealthCard): Part =>
  page.table(rungs, [
    ['By', ({ name }) => name],
    ['Nats a token', (rung) => loss(rung.loss), 'number'],
    ['Bits a byte', ({ bitsPerByte }) => bitsPerByte.toFixed(2), 'number'],
  ]);
