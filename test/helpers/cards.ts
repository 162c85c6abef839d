import type { DataCard } from '../../src/text/windows/dataset.ts';

/** A data card as a run has it. */
export const dataCard = (more: Partial<DataCard> = {}): DataCard => ({
  ...{
    name: 'a text',
    source: 'a test',
    licence: 'none',
    sha256: '00'.repeat(32),
    tokenizer: 'byte',
    vocabularySize: 256,
  },
  ...{ bytes: 1000, characters: 1000, trainTokens: 900, validationTokens: 100, ...more },
});
