/** What was found of a model's bias, as tables. For machines it is plain data. */
import type { BiasFindings } from '../../report/trust/bias.ts';
import * as words from '../../report/trust/biasWords.ts';
import { table } from './output.ts';

export function biasTables({ pairs = [], own, labels }: BiasFindings): string {
  const parts = [
    pairs.length > 0 && table([words.PAIR_HEADINGS, ...words.pairRows(pairs)]),
    own && table([words.ownHeadings(own), ...words.ownRows(own)]),
    labels &&
      `${table([words.GROUP_HEADINGS, ...words.groupRows(labels.groups)])}${words.labelSentences(labels).join('\n')}\n`,
  ];
  return parts.filter(Boolean).join('\n');
}
