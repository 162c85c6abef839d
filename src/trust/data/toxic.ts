import { englishDataset, englishRecommendedTransformers, RegExpMatcher } from 'obscenity';
import { type Detector, type Span, withoutOverlaps } from './spans.ts';

const matcher = new RegExpMatcher({ ...englishDataset.build(), ...englishRecommendedTransformers });

/** Words that insult or are obscene, however they are spelt. */
export const toxicWords: Detector = (text) =>
  withoutOverlaps([
    matcher
      .getAllMatches(text, true)
      .map(({ startIndex, endIndex }): Span => ({ kind: 'toxic', start: startIndex, end: endIndex + 1 })),
  ]);
