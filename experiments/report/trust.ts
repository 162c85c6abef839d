/** The report of the study of remedies: what each buys and costs, by text. */
import { html, type Part } from '../../src/report/html.ts';
import * as page from '../../src/report/page.ts';
import { inWords } from '../bands.ts';
import { REMEDIES } from '../trust/remedies.ts';
import { answers, MEASURES, type RemedyRow, type TrustSummary } from '../trust/summary.ts';

/** The report as a whole HTML document. The same results give the same bytes. */
export const renderTrustStudy = (
  results: readonly TrustSummary[],
  facts: readonly (readonly [string, string])[],
): string =>
  page.renderPage({
    title: 'What remedies buy, and what they cost',
    over: 'Experiment',
    abstract:
      'The same small model on a text as it is and after each remedy: how well it predicts clean and raw held-out text, what it has by heart, what it says, and what it prefers. Values are means over seeds with 95% bands by Student’s t; differences are to the raw text of the same seeds.',
    sections: [
      results.map(ofText),
      page.section(
        'Remedies',
        page.table(REMEDIES, [
          ['Remedy', ({ name }) => name],
          ['What is done', ({ what }) => what, 'long'],
        ]),
      ),
      page.section('How it was measured', page.facts(facts)),
    ],
  });

const TITLES = { made: 'A text that was made, with known doses', mails: 'Real mails (SpamAssassin)' } as const;

const ofText = (result: TrustSummary): Part =>
  page.section(
    TITLES[result.text],
    html`<ul>${answers(result).map((sentence) => html`<li>${sentence}</li>`)}</ul>`,
    page.block(
      'Values',
      page.table(
        result.rows,
        columns(({ values }) => values, false),
      ),
    ),
    page.block(
      'Differences to the raw text',
      page.table(
        result.rows.slice(1),
        columns(({ differences }) => differences, true),
      ),
    ),
  );

const columns = (of: (row: RemedyRow) => RemedyRow['values'], signed: boolean): page.Column<RemedyRow>[] => [
  ['Remedy', ({ remedy }) => remedy],
  ...MEASURES.map(
    ({ name, unit, digits }, i): page.Column<RemedyRow> => [
      `${name} (${unit})`,
      (row) => inWords(of(row)[i], digits, signed),
      'number',
    ],
  ),
  ['Text left', ({ kept }) => `${(100 * kept).toFixed(0)}%`, 'number'],
  ['Seeds', ({ seeds }) => seeds, 'number'],
];
