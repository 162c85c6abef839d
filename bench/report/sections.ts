/** The report's sections: measurements as tables with bars, which print, scale and can be read aloud. */
import { sum } from 'simple-statistics';
import { bytes, count, durationInWords, figure, percent, plural, range } from '../../src/report/format.ts';
import { html, type Part } from '../../src/report/html.ts';
import { block, type Column, caption, section, table } from '../../src/report/page.ts';
import type { BenchRecord, ClaimRecord, PeerRecord } from '../record.ts';
import type { ShaderStatistics } from '../static/parse.ts';
import { groupBy, type KernelRecord, type Place, type RungRecord, type TrainRecord } from './select.ts';

const three = (value: number): string => figure(Number(value.toPrecision(3)));
const times = (gain: number): string => `${three(gain)}×`;

function rateOf({ gflopsPerSecond, gigabytesPerSecond }: BenchRecord): string | undefined {
  if (gflopsPerSecond !== undefined) return `${three(gflopsPerSecond)} GFLOP/s`;
  return gigabytesPerSecond === undefined ? undefined : `${three(gigabytesPerSecond)} GB/s`;
}

/** The ladders: each rung's speed as a share of the best one's, and its idea. */
export const ladderSection = ({ rungs }: Place): Part =>
  section(
    'From naive to best',
    groupBy(rungs, ({ op, shape }) => `${op} (${shape})`).map(([name, own]) => block(name, ladderTable(own))),
    caption(
      'The gain is that over the rung before, all rungs timed in turns. Rungs that GPUs want may cost a CPU, and the other way round.',
    ),
  );

function ladderTable(rungs: readonly RungRecord[]): Part {
  const best = Math.min(...rungs.map(({ median }) => median));
  return table(
    rungs.toSorted((a, b) => a.details.rung - b.details.rung),
    [
      ['Rung', ({ variant }) => variant],
      ['Speed', rateOf, 'number'],
      ['Of the best', ({ median }) => best / median, 'share'],
      ['Gain', ({ details }) => times(details.gain), 'number'],
      ['In all', ({ details }) => times(details.gainOverFirst), 'number'],
      ['Idea', ({ details }) => details.idea, 'long'],
    ],
  );
}

/** Every op, the best variant beside the naive one. */
export function kernelSection({ kernels }: Place): Part {
  const variants = groupBy(kernels, ({ op, preset, shape, details }) => [op, preset, shape, details.pass].join('|'));
  const rows = variants.map(([, own]) => ({
    ...(own.find(({ details }) => details.best) ?? own.at(-1)!),
    naiveMs: own[0].median,
  }));
  return section(
    'Kernels',
    table(rows, KERNELS),
    caption(
      'Of each op the variant that models use, and the naive one, timed in turns. Errors are those of small cases against float64.',
    ),
  );
}

const KERNELS: readonly Column<KernelRecord & { naiveMs: number }>[] = [
  ['Op', ({ op, details: { pass } }) => html`${op}${pass !== 'forward' && html` <small>${pass}</small>`}`],
  ['Shape', ({ preset, shape }) => `${preset}: ${shape}`, 'long'],
  ['Naive, ms', ({ naiveMs }) => naiveMs.toFixed(3), 'number'],
  ['Best, ms', ({ median }) => median.toFixed(3), 'number'],
  ['Gain', ({ details }) => times(details.gain), 'number'],
  ['Speed', rateOf, 'number'],
  ['Of the roof', ({ roofShare }) => roofShare, 'share'],
  ['Error', ({ error }) => error?.toExponential(0), 'number'],
];

/** Training and sampling: figures, and where the time of a step goes. */
export const modelSection = ({ training, sampling }: Place): Part =>
  section(
    'Whole models',
    table([...training, ...sampling] as BenchRecord[], [
      ['Work', ({ op }) => op],
      ['Preset', ({ preset }) => preset],
      ['Shape', ({ shape }) => shape],
      ['Tokens a second', ({ median }) => count(median), 'number'],
      ['Lowest to highest', ({ spread }) => range(spread, count), 'number'],
      ['Of the roof', ({ roofShare }) => roofShare, 'share'],
    ]),
    training.map(stepBlock),
  );

/** Kernels that take less of a step than this are summed up. */
const SMALL_SHARE = 0.01;

function stepBlock({ preset, details }: TrainRecord): Part {
  const { kernels, javaScriptShare, dispatches, memoryBytes, firstStepMs, stepMs } = details;
  const rest = kernels.filter(({ share }) => share < SMALL_SHARE);
  const sums = (['share', 'timeMs', 'dispatches'] as const).map((part) => [part, sum(rest.map((one) => one[part]))]);
  const others = { ...rest[0], ...Object.fromEntries(sums), name: plural(rest.length, 'other') };
  const shown = kernels.filter(({ share }) => share >= SMALL_SHARE);
  return block(
    `A training step of ${preset}`,
    html`<p>${three(stepMs)} ms in ${dispatches} dispatches, of which JavaScript takes ${percent(javaScriptShare)};
${bytes(memoryBytes)} of memory. The first step took ${durationInWords(firstStepMs)}.</p>`,
    table(rest.length > 0 ? [...shown, others] : shown, [
      ['Kernel', ({ name }) => name],
      ['Share', ({ share }) => share, 'share'],
      ['ms', ({ timeMs }) => three(timeMs), 'number'],
      ['Dispatches', (kernel) => kernel.dispatches, 'number'],
    ]),
  );
}

/** What compilers make of the kernels. */
export const compiledSection = (records: readonly BenchRecord[]): Part =>
  section(
    'Compiled for GPUs',
    table(
      records.map((record) => ({ ...record, ...(record.details as unknown as ShaderStatistics) })),
      [
        ['Kernel', ({ op }) => op],
        ['Family', ({ variant }) => variant],
        ['Point', ({ point }) => pointInWords(point)],
        ['VGPRs', ({ vgprs }) => vgprs, 'number'],
        ['Spills', ({ spills }) => spills, 'number'],
        ['LDS', ({ ldsBytes }) => bytes(ldsBytes), 'number'],
        ['Subgroups a SIMD', ({ subgroupsPerSimd }) => subgroupsPerSimd, 'number'],
        ['Multiply-adds', ({ loop }) => loop.fmas > 0 && loop.share, 'share'],
      ],
    ),
    caption(`What Mesa's AMD driver makes of each kernel; nothing was run. Multiply-adds are their share of the instructions of the
densest loop.`),
  );

/** "TM 64 TN 4". */
const pointInWords = (point: BenchRecord['point'] = {}): string => Object.entries(point).flat().join(' ');

/** dawnlm among other libraries, the fastest first, by work. */
export const peerSection = (records: readonly PeerRecord[]): Part =>
  section(
    'Among other libraries',
    groupBy(records, ({ work }) => work).map(([work, own]) => block(work, peerTable(own))),
    caption('The same model, weights and batch, or matrices, everywhere; in turns on the same machine.'),
  );

function peerTable(records: readonly PeerRecord[]): Part {
  const fastest = Math.max(...records.map(({ value }) => value ?? 0));
  return table(
    records.toSorted((a, b) => (b.value ?? -1) - (a.value ?? -1)),
    [
      ['Library', nameOf],
      ['Speed', ({ value, unit }) => (value === null ? 'absent' : `${three(value)} ${unit}`), 'number'],
      ['Of the fastest', ({ value }) => value !== null && value / fastest, 'share'],
      ['Note', ({ note }) => note],
    ],
  );
}

const nameOf = ({ peer, version }: PeerRecord): Part =>
  peer === 'dawnlm' ? html`<b>${peer}</b>` : html`${peer}${version && html` <small>${version}</small>`}`;

/** What dawnlm is to show, row by row: figures, thresholds, and whether they are reached. */
export function claimSection(records: readonly ClaimRecord[]): Part {
  const [first] = records;
  return section(
    'What it should reach',
    table(records, CLAIMS),
    first &&
      caption(`Ratios are dawnlm's figure by the other's, both taken in turns in one run. ${first.adapter.name};
${first.machine.cpu}, ${first.machine.cores} cores.`),
  );
}

const CLAIMS: readonly Column<ClaimRecord>[] = [
  ['Work', ({ row }) => row],
  ['Against', ({ against }) => against],
  ['Figure', (record) => inUnit(record, record.value), 'number'],
  ['Lowest to highest', (record) => record.spread && range(record.spread, (value) => inUnit(record, value)!), 'number'],
  ['Must', (record) => limit(record, record.must), 'number'],
  ['Aim', (record) => limit(record, record.aim), 'number'],
  ['Reached', verdict],
  ['Note', ({ note }) => note],
];

function inUnit({ unit }: ClaimRecord, value: number | null | undefined): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (unit === 'share') return percent(value);
  return unit === 'x' ? times(value) : `${three(value)} ${unit}`;
}

const limit = (record: ClaimRecord, value: number | undefined): string | undefined =>
  value === undefined ? undefined : `${record.atMost ? '≤ ' : ''}${inUnit(record, value)}`;

function verdict({ value, met, aimMet }: ClaimRecord): Part {
  if (value === null) return 'no figure';
  if (met === false) return html`<b>not the must</b>`;
  return [met && 'must', aimMet && 'aim'].filter(Boolean).join(', ');
}
