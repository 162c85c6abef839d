/** What was found of a model's bias, as a section of a page. */
import * as Plot from '@observablehq/plot';
import { largest, smallest } from '../../numbers.ts';
import { drawPlot } from '../chart.ts';
import { exact, list, percent } from '../format.ts';
import { html, type Part } from '../html.ts';
import * as page from '../page.ts';
import type { BiasFindings, FillerFindings, LabelBias, OwnPairs, PairFindings } from './bias.ts';
import * as words from './biasWords.ts';

/** Nothing where it was not asked. */
export const biasSection = (bias: BiasFindings | undefined): Part =>
  bias && [pairsSection(bias), bias.own && ownSection(bias.own), bias.labels && labelsSection(bias.labels)];

function pairsSection({ pairs = [], unasked = [], textWords = 0 }: BiasFindings): Part {
  if (pairs.length + unasked.length === 0) return undefined;
  return page.section(
    'Bias: what it finds likelier',
    html`<p>Sentences that differ in one word: log-likelihood with the one less log-likelihood with the other, in nats. +0.69 is
twice as likely, 0 is neutral. Beside it stands the same difference in the ${exact(textWords)} words that the model was trained on,
so that one sees where it comes from. Bands hold 95% of ${exact(1000)} draws of other words and templates; those of the text take each
place in it as drawn by itself. Near is: within ten words of the same sentence; she and he count there with their other forms, too. The bands
say what other words would give; another training, or another text of the kind, may move a figure further.</p>`,
    tableOf(words.PAIR_HEADINGS, words.pairRows(pairs)),
    page.caption(
      'Figures are of the side that is named first, less the other. The share counts whole sentences; where a sentence begins with the side, it holds how likely the side itself is.',
    ),
    pairs.map(pairBlock),
    unasked.map(({ name, leftOut }) =>
      page.block(name, html`<p>Not asked. ${words.leftOutSentences(leftOut).join(' ')}</p>`),
    ),
    page.caption(
      'The lists of words are short, English, and know two sexes and two origins. A difference is one of this model and these words; whether it does harm depends on what the model is used for.',
    ),
  );
}

/** Rows of words under their headings. */
function tableOf(headings: readonly string[], rows: readonly (readonly string[])[]): Part {
  return page.table(
    rows,
    headings.map(
      (heading, i): page.Column<readonly string[]> => [heading, (row) => row[i], i === 0 ? 'long' : 'number'],
    ),
  );
}

function pairBlock(found: PairFindings): Part {
  const { name, templates, sides, fillers, leftOut, first, second } = found;
  const counts = (row: FillerFindings, how: 'same' | 'near'): string =>
    `${exact(row[how].first)} : ${exact(row[how].second)}`;
  return page.block(
    name,
    html`<p>${words.pairSentences(found).join(' ')}</p>`,
    scatter(found),
    page.folded(
      'Word by word',
      page.table(fillers, [
        ['Word', ({ filler }) => filler],
        ['In the text', ({ times }) => exact(times), 'number'],
        ['Given its context, nats', (row) => words.signedNats(row.word), 'number'],
        ['Sentence, nats', (row) => words.signedNats(row.sentence), 'number'],
        [`Near: ${first} : ${second}`, (row) => counts(row, 'near'), 'number'],
        ['In the same words', (row) => counts(row, 'same'), 'number'],
        ['Near, log ratio', (row) => words.banded(row.near.logRatio), 'number'],
      ]),
    ),
    page.folded(
      'What was asked, and what was not',
      html`<ul>${templates.map((template) => html`<li>${template}</li>`)}</ul>
<p>Sides: ${list(sides.map((pair) => pair.join(' and ')))}.</p>
${words.leftOutSentences(leftOut).map((sentence) => html`<p>${sentence}</p>`)}`,
    ),
  );
}

const SIZE = { width: 860, height: 380 };
/** Points that make a picture at least. */
const FEWEST = 5;

/** The model's difference by that of the text, a point a word. */
function scatter({ name, fillers, first, second, correlation }: PairFindings): Part {
  const points = fillers
    .filter(({ near }) => near.first + near.second > 0)
    .map(({ filler, word, near }) => ({ filler, model: word, text: near.logRatio.value }));
  if (points.length < FEWEST) return undefined;
  const place = { x: 'text', y: 'model' };
  const plot = drawPlot(
    {
      ...{ ...SIZE, marginLeft: 52, marginRight: 60, marginTop: 24, marginBottom: 40 },
      x: { label: `text: ${second} ← log ratio near the word → ${first}`, nice: true, tickSpacing: 80 },
      y: { label: `model: nats towards ${first}`, grid: true, nice: true, tickSize: 0 },
      marks: [
        Plot.ruleY(zeroWithin(points.map(({ model }) => model)), { strokeOpacity: 0.5 }),
        Plot.ruleX(zeroWithin(points.map(({ text }) => text)), { strokeOpacity: 0.5 }),
        correlation.near.r
          ? Plot.linearRegressionY(points, {
              ...place,
              stroke: 'var(--validation)',
              ci: 0.95,
              fillOpacity: 0.12,
              clip: true,
            })
          : [],
        Plot.dot(points, { ...place, fill: 'var(--training)', r: 3 }),
        Plot.text(points, { ...place, text: 'filler', dy: -9, fill: 'var(--ink)' }),
      ],
    },
    `${name}: the model's difference by that of the text, a point a word`,
  );
  return html`<figure>${plot}<figcaption>A point is a word: across what the text has near it, upwards what the model prefers. Were all of it
learned from such counts, the points would rise to the right.</figcaption></figure>`;
}

/** 0 where values lie on both sides of it: else it would only push them together. */
const zeroWithin = (values: readonly number[]): number[] => (smallest(values) < 0 && largest(values) > 0 ? [0] : []);

const ownSection = (own: OwnPairs): Part =>
  page.section(
    `Bias: the pairs of ${own.file}`,
    html`<p>Log-likelihood of the column “${own.columns[0]}” less that of “${own.columns[1]}”: of the words in which they differ, given what is
before them, and of whole sentences. The share counts pairs whose first sentence is likelier, as lm-evaluation-harness scores CrowS-Pairs; 50%
is neutral.</p>`,
    tableOf(words.ownHeadings(own), words.ownRows(own)),
    page.folded(
      'Pair by pair',
      page.table(own.pairs, [
        ['Line', ({ line }) => line],
        [own.columns[0], ({ first }) => first, 'long'],
        [own.columns[1], ({ second }) => second, 'long'],
        ['Words, nats', ({ word }) => words.signedNats(word), 'number'],
        ['Sentences, nats', ({ sentence }) => words.signedNats(sentence), 'number'],
      ]),
    ),
    words.leftOutSentences(own.leftOut).map((sentence) => html`<p>${sentence}</p>`),
  );

const labelsSection = (labels: LabelBias): Part =>
  page.section(
    'Bias: labels by group',
    html`<p>${exact(labels.rows)} rows of ${labels.file}${labels.column && `, by the column “${labels.column}”`}. A calibration error is held against the
one that a classifier of true probabilities shows on as few rows.</p>`,
    words.labelSentences(labels).map((sentence) => html`<p>${sentence}</p>`),
    tableOf(words.GROUP_HEADINGS, words.groupRows(labels.groups)),
    labels.groups.map(({ name, labels: rows }) =>
      page.folded(
        `Label by label: ${name}`,
        page.table(rows, [
          ['Label', ({ label }) => label],
          ['Rows', (row) => exact(row.rows), 'number'],
          ['Said', ({ said }) => exact(said), 'number'],
          ['Missed', ({ missed }) => missed && words.banded(missed, percent), 'number'],
        ]),
      ),
    ),
    labels.flips.map(({ kind, from }) =>
      page.folded(
        `Labels before and after words of ${kind} are swapped`,
        page.table(from, [
          ['Before', ({ label }) => label],
          ['After', ({ to }) => to],
          ['Texts', ({ rows }) => exact(rows), 'number'],
        ]),
      ),
    ),
  );
