/** What a model has by heart, as a section of a page. */
import type { Chart } from '../chart.ts';
import { count, exact, percent } from '../format.ts';
import { html, type Part } from '../html.ts';
import * as page from '../page.ts';
import type { CanaryRow, ExtractionRow, MemoryFindings, OverlapRow } from './memory.ts';
import { aucInWords, bits, copiesInWords, memoryInWords } from './memoryWords.ts';

export const MEMORY_STYLE = /* css */ `
.overlap { margin: 0 0 1.2rem; max-width: 48rem; } .overlap pre { margin: 0; font: .95rem/1.55 var(--serif); white-space: pre-wrap;
  overflow-wrap: anywhere; color: var(--muted); } .overlap mark { background: none; color: var(--validation); }
.overlap p { margin: 0 0 .2rem; color: var(--muted); font-size: .87rem; }`;

/** Nothing where it was not asked. */
export const memorySection = (memory: MemoryFindings | undefined): Part =>
  memory &&
  page.section(
    'By heart',
    memoryInWords(memory).map((sentence) => html`<p>${sentence}</p>`),
    canaryBlock(memory.canaries),
    extractionBlock(memory.extraction ?? []),
    overlapBlock(memory.overlap),
    membershipBlock(memory.membership),
  );

function canaryBlock(canaries: MemoryFindings['canaries']): Part {
  if (!canaries) return undefined;
  const space = 10 ** canaries.digits;
  const most = Math.log2(space);
  const chart: Chart = {
    title: 'Exposure of canaries by how often they were planted',
    curves: [
      {
        name: 'exposure',
        tone: 'training',
        points: canaries.rows
          .filter(({ times }) => times > 0)
          .map(({ times, exposure }) => ({ step: times, value: exposure })),
      },
    ],
    ...{ range: [0, most] as const, scale: 'log2' as const, unit: 'repetitions', format: bits },
    notes: [
      { value: most, label: `first of ${exact(space)}` },
      { value: 1, label: 'not known: the median' },
    ],
  };
  const words = `Sentences with ${canaries.digits} random digits were planted in the training part. Exposure is log2 of the ${exact(space)} numbers that could stand there less log2 of the rank among them, by likelihood; all of them were ranked.`;
  return page.block(
    'Canaries',
    page.figure(chart, words),
    page.table<CanaryRow>(canaries.rows, [
      ['Planted', ({ times }) => (times === 0 ? 'never (control)' : `${times} times`)],
      ['Sentence', ({ word, digits }) => `the number of ${word} is ${digits}.`],
      ['Rank', ({ rank }) => exact(Math.ceil(rank)), 'number'],
      ['Exposure, bits', ({ exposure }) => bits(exposure), 'number'],
      ['Said', ({ said, digits }) => (said === digits ? html`<b>${said}</b>` : said)],
    ]),
  );
}

const extractionBlock = (rows: readonly ExtractionRow[]): Part =>
  page.block(
    'Extraction',
    page.table<ExtractionRow>(rows, [
      ['Passages', ({ part, copies }) => (copies ? `training, there ${copiesInWords(copies)} times` : part)],
      ['Tokens given', ({ prefix }) => prefix, 'number'],
      ['Asked', ({ passages }) => count(passages), 'number'],
      ['Whole', ({ exact: whole }) => count(whole), 'number'],
      ['Share', ({ exact: whole, passages }) => (passages > 0 ? percent(whole / passages) : undefined), 'number'],
      ['95% interval', ({ low, high }) => `${percent(low)} to ${percent(high)}`, 'number'],
      ['Right in a row, mean', ({ matched }) => matched.toFixed(1), 'number'],
    ]),
    page.caption(
      'The model was given a beginning and went on greedily; whole is a passage of which as many tokens again came out, every one. Intervals are those of Wilson.',
    ),
  );

function overlapBlock(overlap: MemoryFindings['overlap']): Part {
  if (!overlap) return undefined;
  const { model, heldOut, samples, tokens, temperature, indexedBytes, longest } = overlap;
  const rows = [
    { name: 'samples', ...model },
    { name: 'held-out passages', ...heldOut },
  ];
  return page.block(
    'Longest passages shared with the training text, bytes',
    page.table(rows, [
      ['Of', ({ name }) => name],
      ['Median', ({ median }) => exact(median), 'number'],
      ['90%', ({ ninetieth }) => exact(ninetieth), 'number'],
      ['Longest', (row) => exact(row.longest), 'number'],
    ]),
    page.caption(
      `${exact(samples)} samples of ${tokens} tokens at temperature ${temperature}, each searched for in all ${exact(indexedBytes)} bytes of the training part; as many held-out passages of the same lengths. The longest, where they stand in the source, private strings masked:`,
    ),
    html`<p></p>${longest.map(overlapInWords)}`,
  );
}

const overlapInWords = ({ bytes, passage, before, after, line, file }: OverlapRow): Part =>
  html`<div class="overlap"><p>${bytes} bytes, ${file && `${file}, `}line ${exact(line)}</p>
<pre>${before}<mark>${passage}</mark>${after}</pre></div>`;

const membershipBlock = (membership: MemoryFindings['membership']): Part =>
  membership &&
  page.block(
    'Membership inference',
    page.table(membership.rows, [
      ['Score', ({ score }) => score],
      ['AUC (95% band)', (row) => aucInWords(row), 'number'],
    ]),
    page.caption(
      `${exact(membership.windows)} windows of ${membership.tokens} tokens of the second half of the training part and ${exact(membership.heldOut)} held-out ones; 0.5 tells nothing. What 5-grams of the first half alone can tell is how the parts differ by themselves, and no memory.`,
    ),
  );
