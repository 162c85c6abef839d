import type { CleanCard } from '../text/windows/cleaning.ts';
import type { DataCard } from '../text/windows/dataset.ts';
import { exact, percent, plural } from './format.ts';
import { html, type Part } from './html.ts';

/** Where a text comes from and how large it is, as facts of a page. */
export const dataFacts = (card: DataCard): (readonly [name: string, value: Part])[] => [
  ['Text', card.name],
  ['Source', card.source],
  ['Licence', card.licence],
  ['Size', `${exact(card.bytes)} bytes, ${exact(card.characters)} characters`],
  ['Tokenizer', `${card.tokenizer}, ${exact(card.vocabularySize)} tokens`],
  ['Training', `${exact(card.trainTokens)} tokens`],
  ['Validation', `${exact(card.validationTokens)} tokens`],
  [
    'Canaries',
    card.canaries && `${exact(card.canaries.sentences)} sentences with ${card.canaries.digits} digits planted`,
  ],
  ['Left out before', card.clean && wentInWords(card.clean)],
  ['SHA-256', html`<code>${card.sha256}</code>`],
];

/** What a text was freed of, by rule: "near-duplicates: 12 documents (1.2% of the characters); private: 40 items masked (30 email, ...)". */
export function wentInWords({ went, characters, forgotten }: CleanCard): string {
  const share = (part: number): string => `${percent(part / Math.max(1, characters))} of the characters`;
  const rules = Object.entries(went).map(([rule, { documents, lines, items, kinds, ...one }]) => {
    const listed = Object.entries(kinds).map(([kind, times]) => `${exact(times)} ${kind}`);
    const what = [
      documents > 0 && plural(documents, 'document'),
      lines > 0 && plural(lines, 'line'),
      items > 0 && `${plural(items, 'item')} masked (${listed.join(', ')})`,
    ].filter(Boolean);
    return `${rule}: ${what.length > 0 ? `${what.join(', ')} (${share(one.characters)})` : 'nothing'}`;
  });
  const more = forgotten > 0 ? [`${exact(forgotten)} could not be remembered, and copies of them stayed`] : [];
  return [...rules, ...more].join('; ');
}
