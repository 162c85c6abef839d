/** Benchmarks as a page: one HTML file that holds everything that it needs, in the style of a run's report. */
import { count, figure } from '../src/report/format.ts';
import { type Html, html } from '../src/report/html.ts';
import { renderPage } from '../src/report/page.ts';
import { STYLE } from '../src/report/style.ts';
import type { AnyRecord, Provenance } from './record.ts';
import { roofline } from './report/roofline.ts';
import {
  claimSection,
  compiledSection,
  kernelSection,
  ladderSection,
  modelSection,
  peerSection,
} from './report/sections.ts';
import { type Place, type Selection, select } from './report/select.ts';

/** What tables of words and bars need beside the style of a run's report. */
const OWN_STYLE = /* css */ `
h3 { margin-top: 1.8rem; } .share { min-width: 5rem; width: 14%; } td.long { min-width: 16rem; }
td small, th small { color: var(--muted); } .roofline { min-width: 40rem; } .roofline circle { opacity: .75; }
@media screen and (max-width: 44rem) { .share { display: table-cell; } }`;

/** The report of a file's records as a whole HTML document: nothing is fetched, all text is escaped. */
export function renderBenchReport(records: readonly AnyRecord[]): string {
  const selection = select(records);
  return renderPage(
    { title: 'dawnlm: benchmarks', style: STYLE + OWN_STYLE },
    html`${header(selection, records)}${claimSection(selection.claims)}${selection.places.map(placeSections)}
${peerSection(selection.peers)}${compiledSection(selection.compiled)}
<footer>Made by dawnlm bench report from ${records.length} records.</footer>`,
  );
}

function header({ places }: Selection, records: readonly AnyRecord[]): Html {
  const last = records.at(-1);
  const [first] = places;
  return html`<header><p class="over">Benchmark report${last && ` · ${last.date.slice(0, 10)}${commitOf(last)}`}</p>
<h1>How fast dawnlm is</h1>${first && keyFigures(first)}</header>`;
}

const commitOf = ({ commit }: Provenance): string =>
  commit ? ` · commit ${commit.hash.slice(0, 10)}${commit.dirty ? ' with changes' : ''}` : '';

/** The numbers that are looked for first. */
function keyFigures({ training, sampling, roof }: Place): Html | false {
  const decode = sampling.find(({ op, shape }) => op === 'decode' && shape === '1 stream');
  const rates = [
    ...training.map(({ preset, median }): [string, string, string] => [
      `Training ${preset}`,
      count(median),
      'tokens a second',
    ]),
    ...(decode ? [[`Decoding ${decode.preset}`, count(decode.median), 'tokens a second, one stream'] as const] : []),
    ...roof.map(({ op, median, unit }): [string, string, string] => [
      `Roof: ${op}`,
      figure(Number(median.toPrecision(3))),
      unit,
    ]),
  ];
  return (
    rates.length > 0 &&
    html`<dl class="key">${rates.slice(0, 6).map(([name, value, note]) => html`<div><dt>${name}</dt><dd>${value}<small>${note}</small></dd></div>`)}</dl>`
  );
}

function placeSections(place: Place, index: number): Html {
  const { adapter, machine } = place.origin;
  const chart = roofline(place, `roofline-${index}`);
  return html`<section><p class="abstract">Measured on ${adapter.name}${adapter.software && ', a software adapter: the CPU plays the GPU'}.
${machine.cpu}, ${machine.cores} cores, ${machine.os}, Node ${machine.node}; driver ${adapter.driver}${commitOf(place.origin)}.</p></section>
${modelSection(place)}${chart && html`<section><h2>Under the roof</h2>${chart}</section>`}${ladderSection(place)}${kernelSection(place)}`;
}
