/** Where the labels of a task come from and what is in its parts. */

import { exact } from '../../src/report/format.ts';
import { type Html, html } from '../../src/report/html.ts';
import { facts } from '../../src/report/sections.ts';
import type { TaskCard } from '../../src/text/labels/taskCard.ts';

/** Rows for as many labels; the rest is counted. */
const MOST_LABELS = 12;

export function taskCard(card: TaskCard): Html {
  const { within, across, conflicting } = card.duplicates;
  return html`<div class="pair"><div><h3>Data</h3>${facts([
    ['Name', card.name],
    ['Source', card.source],
    ['Licence', card.licence],
    [
      'Duplicates removed',
      `${exact(within)} within parts, ${exact(across)} across, ${exact(conflicting)} with other labels`,
    ],
    ['To mind', card.note],
    ['SHA-256', html`<code>${card.sha256}</code>`],
  ])}</div><div><h3>Parts</h3>${partsTable(card)}</div></div>`;
}

function partsTable({ parts, task }: TaskCard): Html {
  const counts = Object.values(parts);
  const labels = [...new Set(counts.flatMap((part) => Object.keys(part.labels)))];
  const rows: [string, (number | undefined)[]][] = [
    [task === 'tag' ? 'Sentences' : 'Texts', counts.map(({ examples }) => examples)],
    ...(task === 'tag' ? [['Words', counts.map(({ words }) => words)] as [string, (number | undefined)[]]] : []),
    ...labels
      .slice(0, MOST_LABELS)
      .map((label): [string, number[]] => [label, counts.map((part) => part.labels[label] ?? 0)]),
  ];
  const more = labels.length - MOST_LABELS;
  return html`<div class="scroll"><table><thead><tr><th scope="col"></th>${Object.keys(parts).map(
    (name) => html`<th scope="col" class="number">${name}</th>`,
  )}</tr></thead><tbody>${rows.map(
    ([name, cells]) =>
      html`<tr><th scope="row">${name}</th>${cells.map(
        (n) => html`<td class="number">${n === undefined ? '–' : exact(n)}</td>`,
      )}</tr>`,
  )}</tbody></table></div>${more > 0 && html`<p class="caption">And ${more} labels more.</p>`}`;
}
