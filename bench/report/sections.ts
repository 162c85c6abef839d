/** The report's sections: charts as tables with bars, which print, scale and can be read aloud. */
import { bytes, count, durationInWords, figure } from '../../src/report/format.ts';
import { type Html, html, type Part } from '../../src/report/html.ts';
import type { BenchRecord, ClaimRecord, PeerRecord } from '../record.ts';
import type { ShaderStatistics } from '../static/parse.ts';
import { groupBy, type KernelRecord, type Place, type RungRecord, type TrainRecord } from './select.ts';

/** Three digits, or a dash. */
const three = (value: number | null | undefined): string =>
  value === undefined || value === null ? '–' : figure(Number(value.toPrecision(3)));
const percent = (share: number | undefined): string =>
  share === undefined ? '–' : `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}%`;
const times = (gain: number): string => `${three(gain)}×`;

/** A column: its heading and whether it holds numbers, bars, words, or many of them. */
type Column = readonly [heading: string, kind: 'number' | 'share' | 'words' | 'long'];

function tableOf(columns: readonly Column[], rows: readonly (readonly Part[])[]): Html {
  const cell = (part: Part, i: number): Html =>
    i === 0 ? html`<th scope="row">${part}</th>` : html`<td class="${columns[i][1]}">${part}</td>`;
  return html`<div class="scroll"><table><thead><tr>${columns.map(
    ([heading, kind]) => html`<th scope="col" class="${kind}">${heading}</th>`,
  )}</tr></thead><tbody>${rows.map((row) => html`<tr>${row.map(cell)}</tr>`)}</tbody></table></div>`;
}

/** A bar of a share of the column's width. */
const bar = (share: number | undefined): Part =>
  share !== undefined && share > 0 && html`<i style="width:${(100 * Math.min(1, share)).toFixed(1)}%"></i>`;

const rateOf = ({ gflopsPerSecond, gigabytesPerSecond }: BenchRecord): string => {
  if (gflopsPerSecond !== undefined) return `${three(gflopsPerSecond)} GFLOP/s`;
  return gigabytesPerSecond === undefined ? '–' : `${three(gigabytesPerSecond)} GB/s`;
};

/** The ladders: each rung's speed as a bar of the best one's, and its idea. */
export function ladderSection({ rungs }: Place): Html | false {
  if (rungs.length === 0) return false;
  const ladders = groupBy(rungs, ({ op, shape }) => `${op} (${shape})`);
  return html`<section><h2>From naive to best</h2>${ladders.map(
    ([name, own]) => html`<h3>${name}</h3>${ladderTable([...own].sort((a, b) => a.details.rung - b.details.rung))}`,
  )}<p class="caption">The gain is that over the rung before, all rungs timed in turns. Rungs that GPUs want may cost a CPU, and the other way round.</p></section>`;
}

function ladderTable(rungs: readonly RungRecord[]): Html {
  const best = Math.min(...rungs.map(({ median }) => median));
  const columns: Column[] = [
    ['Rung', 'words'],
    ['Speed', 'number'],
    ['Of the best', 'share'],
    ['Gain', 'number'],
    ['In all', 'number'],
    ['Idea', 'long'],
  ];
  const rows = rungs.map((rung) => {
    const { gain, gainOverFirst, idea } = rung.details;
    return [rung.variant, rateOf(rung), bar(best / rung.median), times(gain), times(gainOverFirst), idea];
  });
  return tableOf(columns, rows);
}

/** Every op, the best variant beside the naive one. */
export function kernelSection({ kernels }: Place): Html | false {
  if (kernels.length === 0) return false;
  const columns: Column[] = [
    ['Op', 'words'],
    ['Shape', 'long'],
    ['Naive, ms', 'number'],
    ['Best, ms', 'number'],
    ['Gain', 'number'],
    ['Speed', 'number'],
    ['Of the roof', 'share'],
    ['', 'number'],
    ['Error', 'number'],
  ];
  const rows = groupBy(kernels, ({ op, preset, shape, details }) => [op, preset, shape, details.pass].join('|')).map(
    ([, variants]) => kernelRow(variants),
  );
  return html`<section><h2>Kernels</h2>${tableOf(columns, rows)}<p class="caption">Of each op the variant that models use, and the
naive one, timed in turns. Errors are those of small cases against float64.</p></section>`;
}

function kernelRow(variants: readonly KernelRecord[]): Part[] {
  const best = variants.find(({ details }) => details.best) ?? variants[variants.length - 1];
  const { op, preset, shape, details, median, roofShare, error } = best;
  const pass = details.pass !== 'forward' && html` <small>${details.pass}</small>`;
  const clock = [variants[0].median.toFixed(3), median.toFixed(3), times(details.gain)];
  const name = html`${op}${pass}`;
  return [
    name,
    `${preset}: ${shape}`,
    ...clock,
    rateOf(best),
    bar(roofShare),
    percent(roofShare),
    error?.toExponential(0),
  ];
}

/** Training and sampling: figures, and where the time of a step goes. */
export function modelSection({ training, sampling }: Place): Html | false {
  if (training.length + sampling.length === 0) return false;
  const columns: Column[] = [
    ['Work', 'words'],
    ['Preset', 'words'],
    ['Shape', 'words'],
    ['Tokens a second', 'number'],
    ['Lowest to highest', 'number'],
    ['Of the roof', 'number'],
  ];
  const rows = [...training, ...sampling].map(({ op, preset, shape, median, spread, roofShare }) => [
    ...[op, preset, shape, count(median)],
    ...[`${count(spread[0])} to ${count(spread[1])}`, percent(roofShare)],
  ]);
  return html`<section><h2>Whole models</h2>${tableOf(columns, rows)}${training.map(stepFigures)}</section>`;
}

/** Kernels that take less of a step than this are summed up. */
const SMALL_SHARE = 0.01;

function stepFigures({ preset, details }: TrainRecord): Html {
  const { kernels, javaScriptShare, dispatches, memoryBytes, firstStepMs, stepMs } = details;
  const rest = kernels.filter(({ share }) => share < SMALL_SHARE);
  const shown = kernels.filter(({ share }) => share >= SMALL_SHARE);
  const sum = (part: 'share' | 'timeMs' | 'dispatches'): number => rest.reduce((total, one) => total + one[part], 0);
  const others = {
    name: `${rest.length} others`,
    share: sum('share'),
    timeMs: sum('timeMs'),
    dispatches: sum('dispatches'),
  };
  const columns: Column[] = [
    ['Kernel', 'words'],
    ['Share', 'share'],
    ['', 'number'],
    ['ms', 'number'],
    ['Dispatches', 'number'],
  ];
  const rows = [...shown, ...(rest.length > 0 ? [others] : [])].map(({ name, share, timeMs, dispatches: calls }) => [
    ...[name, bar(share), percent(share), three(timeMs), calls],
  ]);
  return html`<h3>A training step of ${preset}</h3><p>${three(stepMs)} ms in ${dispatches} dispatches, of which JavaScript takes
${percent(javaScriptShare)}; ${bytes(memoryBytes)} of memory. The first step took ${durationInWords(firstStepMs)}.</p>
${rows.length > 0 && tableOf(columns, rows)}`;
}

/** What compilers make of the kernels. */
export function compiledSection(records: readonly BenchRecord[]): Html | false {
  if (records.length === 0) return false;
  const columns: Column[] = [
    ['Kernel', 'words'],
    ['Family', 'words'],
    ['Point', 'words'],
    ['VGPRs', 'number'],
    ['Spills', 'number'],
    ['LDS', 'number'],
    ['Subgroups a SIMD', 'number'],
    ['Multiply-adds', 'share'],
    ['', 'number'],
  ];
  const rows = records.map(({ op, variant, point = {}, details }) => {
    const { vgprs, spills, ldsBytes, subgroupsPerSimd, loop } = details as unknown as ShaderStatistics;
    const words = Object.entries(point).map(([name, value]) => `${name} ${value}`);
    const share = loop.fmas > 0 ? percent(loop.share) : '';
    return [op, variant, words.join(' '), vgprs, spills, bytes(ldsBytes), subgroupsPerSimd, bar(loop.share), share];
  });
  return html`<section><h2>Compiled for GPUs</h2>${tableOf(columns, rows)}<p class="caption">What Mesa's AMD driver makes of each kernel; nothing was
run. Multiply-adds are their share of the instructions of the densest loop.</p></section>`;
}

/** dawnlm among other libraries: bars of the fastest, by work. */
export function peerSection(records: readonly PeerRecord[]): Html | false {
  if (records.length === 0) return false;
  const columns: Column[] = [
    ['Library', 'words'],
    ['Speed', 'number'],
    ['Of the fastest', 'share'],
    ['', 'number'],
    ['Note', 'words'],
  ];
  return html`<section><h2>Among other libraries</h2>${groupBy(records, ({ work }) => work).map(([work, own]) => {
    const fastest = Math.max(...own.map(({ value }) => value ?? 0));
    const rows = [...own]
      .sort((a, b) => (b.value ?? -1) - (a.value ?? -1))
      .map(({ peer, version, value, unit, note }) => {
        const name =
          peer === 'dawnlm' ? html`<b>${peer}</b>` : html`${peer}${version && html` <small>${version}</small>`}`;
        const share = value === null ? undefined : value / fastest;
        return [name, value === null ? 'absent' : `${three(value)} ${unit}`, bar(share), share && percent(share), note];
      });
    return html`<h3>${work}</h3>${tableOf(columns, rows)}`;
  })}<p class="caption">The same model, weights and batch, or matrices, everywhere; in turns on the same machine.</p></section>`;
}

/** What dawnlm is to show, row by row: figures, thresholds, and whether they are reached. */
export function claimSection(records: readonly ClaimRecord[]): Html | false {
  if (records.length === 0) return false;
  const columns: Column[] = [
    ['Work', 'words'],
    ['Against', 'words'],
    ['Figure', 'number'],
    ['Lowest to highest', 'number'],
    ['Must', 'number'],
    ['Aim', 'number'],
    ['Reached', 'words'],
    ['Note', 'words'],
  ];
  const rows = records.map((record) => {
    const { row, against, value, spread, must, aim, note } = record;
    const show = (figure: number | null | undefined): string => inUnit(record, figure);
    const range = spread && `${show(spread[0])} to ${show(spread[1])}`;
    return [row, against, show(value), range, limit(record, must), limit(record, aim), verdict(record), note];
  });
  const [{ adapter, machine }] = records;
  return html`<section><h2>What it should reach</h2>${tableOf(columns, rows)}<p class="caption">Ratios are dawnlm's figure by the other's, both
taken in turns in one run. ${adapter.name}; ${machine.cpu}, ${machine.cores} cores.</p></section>`;
}

function inUnit({ unit }: ClaimRecord, figure: number | null | undefined): string {
  if (figure === null || figure === undefined) return '';
  if (unit === 'share') return percent(figure);
  return unit === 'x' ? times(figure) : `${three(figure)} ${unit}`;
}

const limit = (record: ClaimRecord, figure: number | undefined): string =>
  figure === undefined ? '' : `${record.atMost ? '≤ ' : ''}${inUnit(record, figure)}`;

function verdict({ value, met, aimMet }: ClaimRecord): Part {
  if (value === null) return 'no figure';
  if (met === false) return html`<b>not the must</b>`;
  return [met && 'must', aimMet && 'aim'].filter(Boolean).join(', ');
}
