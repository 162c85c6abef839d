/** A model card as a page, from the same data as MODEL_CARD.md. */
import { html, type Part } from '../html.ts';
import * as page from '../page.ts';
import type { CardBlock, CardDocument, CardSection } from './cardDocument.ts';

/** The page as a whole HTML document. The same card gives the same bytes. */
export const renderCard = ({ name, summary, sections }: CardDocument): string =>
  page.renderPage({
    ...{ title: name, over: 'Model card', abstract: summary },
    sections: sections.map(({ heading, blocks = [], sections = [] }) =>
      page.section(heading, html`${blocks.map(blockOf)}${sections.map(below)}`),
    ),
  });

const below = ({ heading, blocks = [], sections = [] }: CardSection): Part =>
  page.block(heading, html`${blocks.map(blockOf)}${sections.map(below)}`);

function blockOf(block: CardBlock): Part {
  if (block.kind === 'text') return html`<p>${block.text}</p>`;
  if (block.kind === 'facts') return page.facts(block.rows);
  if (block.kind === 'code') return html`<div class="sample"><pre>${block.code}</pre></div>`;
  const columns = block.columns.map(
    (heading, i): page.Column<readonly string[]> => [heading, (row) => row[i], i === 0 ? undefined : 'number'],
  );
  return page.table(block.rows, columns);
}
