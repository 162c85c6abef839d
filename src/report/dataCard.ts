import type { DataCard } from '../text/windows/dataset.ts';
import { exact } from './format.ts';
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
  ['SHA-256', html`<code>${card.sha256}</code>`],
];
