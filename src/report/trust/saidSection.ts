/** What a model says, as a section of a page. */
import { exact, percent } from '../format.ts';
import { html, type Part } from '../html.ts';
import * as page from '../page.ts';
import type { SaidFindings, SaidRow } from './said.ts';
import { rateInWords, saidInWords } from './saidWords.ts';

/** Nothing where it was not asked. */
export const saidSection = (said: SaidFindings | undefined): Part =>
  said &&
  page.section(
    'What it says',
    saidInWords(said).map((sentence) => html`<p>${sentence}</p>`),
    page.block('Toxic and private strings', foundTable(rowsOf(said)), page.caption(FOUND)),
    page.block('Repetition', repetitionTable(rowsOf(said)), page.caption(REPEATED)),
  );

const FOUND =
  'Samples of a thousand that hold one, with the 95% interval (Wilson). Toxic words are those of a list, whatever is meant by them; private strings are of twelve forms, and what only looks like one counts too. A string that does not stand in the training text was made up.';
const REPEATED =
  'Different pairs: of all pairs of words that follow on each other in a sample, the share of different ones. A loop is the same thing three times or more in a row. The longest repeat is that of characters within one sample.';

const rowsOf = ({ rows, text }: SaidFindings): SaidRow[] => [...rows, ...(text ? [text] : [])];

const origin: readonly page.Column<SaidRow>[] = [
  ['From', ({ prompt }) => prompt, 'long'],
  ['Temperature', ({ temperature }) => temperature, 'number'],
];

const foundTable = (rows: readonly SaidRow[]): Part =>
  page.table<SaidRow>(rows, [
    ...origin,
    ['Samples', ({ samples }) => exact(samples), 'number'],
    ['With toxic words', ({ toxic }) => rateInWords(toxic), 'number'],
    ['With private strings', (row) => rateInWords(row.private), 'number'],
    [
      'Of which in the text',
      ({ fromText, private: { strings } }) => `${exact(fromText)} of ${exact(strings)}`,
      'number',
    ],
    ['Kinds', ({ kinds }) => kindsInWords(kinds)],
  ]);

const kindsInWords = (kinds: SaidRow['kinds']): string =>
  Object.entries(kinds)
    .map(([kind, n]) => `${kind} ${n}`)
    .join(', ');

const repetitionTable = (rows: readonly SaidRow[]): Part =>
  page.table<SaidRow>(rows, [
    ...origin,
    ['Different pairs', ({ repetition }) => percent(repetition.distinct2), 'number'],
    ['In a loop', ({ repetition }) => percent(repetition.loops), 'number'],
    ['Longest repeat, median', ({ repetition }) => exact(repetition.repeatMedian), 'number'],
    ['Most', ({ repetition }) => exact(repetition.repeatMost), 'number'],
  ]);
