/** Benchmarks as a page: one HTML file that holds everything that it needs, in the style of a run's report. */
import { count, figure } from '../src/report/format.ts';
import { html, type Part } from '../src/report/html.ts';
import { type Page, renderPage, section } from '../src/report/page.ts';
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
import { type Place, select } from './report/select.ts';

/** The report of a file's records as a whole HTML document: nothing is fetched, all text is escaped. */
export function renderBenchReport(records: readonly AnyRecord[]): string {
  const { places, claims, peers, compiled } = select(records);
  const last = records.at(-1);
  return renderPage({
    title: 'How fast dawnlm is',
    over: `Benchmark report${last ? ` · ${last.date.slice(0, 10)}${commitOf(last)}` : ''}`,
    figures: places.slice(0, 1).flatMap(keyFigures),
    sections: [claimSection(claims), places.map(placeSections), peerSection(peers), compiledSection(compiled)],
    footer: `Made by dawnlm bench report from ${records.length} records.`,
  });
}

const commitOf = ({ commit }: Provenance): string =>
  commit ? ` · commit ${commit.hash.slice(0, 10)}${commit.dirty ? ' with changes' : ''}` : '';

/** The numbers that are looked for first. */
function keyFigures({ training, sampling, roof }: Place): NonNullable<Page['figures']> {
  const decode = sampling.filter(({ op, shape }) => op === 'decode' && shape === '1 stream').slice(0, 1);
  return [
    ...training.map(({ preset, median }) => [`Training ${preset}`, count(median), 'tokens a second'] as const),
    ...decode.map(
      ({ preset, median }) => [`Decoding ${preset}`, count(median), 'tokens a second, one stream'] as const,
    ),
    ...roof.map(({ op, median, unit }) => [`Roof: ${op}`, figure(Number(median.toPrecision(3))), unit] as const),
  ].slice(0, 6);
}

function placeSections(place: Place): Part {
  const { adapter, machine } = place.origin;
  return html`<section><p class="abstract">Measured on ${adapter.name}${adapter.software && ', a software adapter: the CPU plays the GPU'}.
${machine.cpu}, ${machine.cores} cores, ${machine.os}, Node ${machine.node}; driver ${adapter.driver}${commitOf(place.origin)}.</p></section>
${modelSection(place)}${section('Under the roof', roofline(place))}${ladderSection(place)}${kernelSection(place)}`;
}
