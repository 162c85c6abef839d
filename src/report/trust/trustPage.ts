/** The page of a model that was questioned: a section for each part that was asked. */
import { renderPage } from '../page.ts';
import { biasSection } from './biasSection.ts';
import type { TrustCard } from './card.ts';
import { MEMORY_STYLE, memorySection } from './memorySection.ts';
import { saidSection } from './saidSection.ts';

/** The page as a whole HTML document. */
export const renderTrust = (name: string, card: TrustCard): string =>
  renderPage({
    title: `Can ${name} be trusted?`,
    over: 'A trained model, questioned',
    sections: [memorySection(card.memory), biasSection(card.bias), saidSection(card.said)],
    style: MEMORY_STYLE,
  });
