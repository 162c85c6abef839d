/** The report of the study of domains: one table of all, and each domain's scores beside their baselines. */
import { count, exact } from '../../src/report/format.ts';
import { html, type Part } from '../../src/report/html.ts';
import { scoreTable } from '../../src/report/judgedPage.ts';
import * as page from '../../src/report/page.ts';
import { inWords } from '../bands.ts';
import { beside, costInWords, type DomainSummary, scoreWithBand } from '../domains/summary.ts';

/** The report as a whole HTML document. The same results give the same bytes. */
export const renderDomainStudy = (results: readonly DomainSummary[], adapter: string, quick: boolean): string =>
  page.renderPage({
    title: 'The same recipe, beyond language',
    over: 'Experiment',
    abstract:
      'One transformer, one way to train it; what differs is what becomes a token, and who judges. Values are means over seeds with 95% bands by Student’s t, each beside what is no such model.',
    notices: quick
      ? ['A quick study: a tenth of the steps, fewer samples. Its scores say that it works, and no more.']
      : [],
    sections: [
      page.section('All domains', page.table(results, OVERVIEW)),
      results.map(ofDomain),
      page.section('How it was measured', page.facts([['Adapter', adapter]])),
    ],
  });

const OVERVIEW: readonly page.Column<DomainSummary>[] = [
  ['Domain', ({ name, title }) => html`${name}<br><small>${title}</small>`, 'long'],
  [
    'Tokens',
    ({ tokens, vocabulary }) => html`${count(tokens)}<br><small>${exact(vocabulary)} different</small>`,
    'number',
  ],
  ['Parameters', ({ parameters }) => count(parameters), 'number'],
  ['Bits a token', ({ bitsAToken }) => inWords(bitsAToken, 3), 'number'],
  [
    'First score, and beside it',
    ({ scores: [first] }) => first && html`${first.name}: ${scoreWithBand(first)}<br><small>${beside(first)}</small>`,
    'long',
  ],
  [
    'Cost of a model',
    (one) => html`${costInWords(one)}<br><small>${one.seeds === 1 ? 'one seed' : `${one.seeds} seeds`}</small>`,
    'long',
  ],
];

const ofDomain = ({ title, scores, notes, source, licence }: DomainSummary): Part =>
  page.section(
    title,
    scoreTable(scores, scoreWithBand, beside),
    notes.length > 0 && html`<ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>`,
    page.caption(`${source}. Licence: ${licence}.`),
  );
