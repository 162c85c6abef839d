/** What is done against what a text should not have taught: to the text, or to the training. */

import type { CleanRule } from '../../src/text/windows/cleaning.ts';
import { mix } from '../../src/text/windows/permutation.ts';
import type { TrainConfig } from '../../src/train/config.ts';
import { swapped } from '../../src/trust/bias/swap.ts';

export interface Remedy {
  readonly name: string;
  /** What is done, in a sentence. */
  readonly what: string;
  /** Rules that the training part goes through. */
  readonly clean?: readonly CleanRule[];
  readonly change?: (documents: readonly string[], seed: number) => string[];
  readonly settings?: Partial<TrainConfig>;
  /** The weights of the lowest validation loss, in place of the last ones: of the run of another remedy, which is not trained anew. */
  readonly bestOf?: string;
}

export const RAW = 'raw';

export const REMEDIES: readonly Remedy[] = [
  { name: RAW, what: 'The text as it is.' },
  {
    name: 'no duplicates',
    what: 'Documents that came before, exactly or nearly, are left out.',
    clean: ['duplicates', 'near-duplicates'],
  },
  { name: 'no private data', what: 'Private items are masked.', clean: ['private'] },
  { name: 'no toxic lines', what: 'Lines with an insult are left out.', clean: ['toxic'] },
  {
    name: 'counterweights',
    what: 'In half of the documents, drawn by seed, words for men and women change places.',
    change: (documents, seed) =>
      documents.map((text, i) => (mix(seed, 9_000_000 + i) % 2 === 0 ? text : swapped(text))),
  },
  { name: 'dropout', what: 'A fifth of the activations is dropped in training.', settings: { dropout: 0.2 } },
  {
    name: 'early stopping',
    what: 'The weights of the lowest validation loss are taken, not the last ones.',
    bestOf: RAW,
  },
];
