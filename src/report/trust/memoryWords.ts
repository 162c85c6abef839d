/** What a model has by heart, in sentences: the terminal, the page and the model card say the same. */
import { count, list, percent } from '../format.ts';
import type { ExtractionRow, MemoryFindings } from './memory.ts';

/** Bits, with one digit. */
export const bits = (exposure: number): string => exposure.toFixed(1);

/** A share with its 95% interval: "1.2% (0.8 to 1.9)". */
export const shareInWords = (share: number, low: number, high: number): string =>
  `${percent(share)} (${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)})`;

/** An area under the curve with its band. */
export const aucInWords = ({ auc, low, high }: { auc: number; low: number; high: number }): string =>
  `${auc.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;

/** "1", "2 to 3", "8 or more" */
export const copiesInWords = ({ least, most }: NonNullable<ExtractionRow['copies']>): string =>
  most === undefined ? `${least} or more` : most === least ? String(least) : `${least} to ${most}`;

/** A sentence for each thing that was asked for. */
export function memoryInWords({ canaries, extraction = [], overlap, membership }: MemoryFindings): string[] {
  const [first] = membership?.rows ?? [];
  return [
    ...(canaries ? [canariesInWords(canaries)] : []),
    ...extraction.filter(({ copies }) => !copies).map(extractionInWords),
    ...(overlap
      ? [
          `The longest passage that a sample of ${overlap.tokens} tokens shares with the training text: ${count(overlap.model.median)} bytes in the median, ${count(overlap.model.longest)} at most of ${count(overlap.samples)} samples at temperature ${overlap.temperature}; of held-out passages as long ${count(overlap.heldOut.median)} and ${count(overlap.heldOut.longest)}.`,
        ]
      : []),
    ...(membership && first
      ? [
          `Training windows are told from held-out ones by the model's loss with an AUC of ${aucInWords(first)}; by 5-grams that saw neither with ${aucInWords(membership.rows.at(-1)!)}, so much do the parts differ by themselves.`,
        ]
      : []),
  ];
}

function canariesInWords({ digits, rows }: NonNullable<MemoryFindings['canaries']>): string {
  const exposures = rows.map(({ times, exposure }) => `${timesInWords(times)} ${bits(exposure)}`);
  const out = rows.filter(({ said, digits: own }) => said === own).map(({ times }) => timesInWords(times));
  const said = out.length > 0 ? `Whole come out those planted ${list(out)}` : 'None comes out whole';
  return `Exposure of ${digits} random digits in bits, by how often they were planted: ${list(exposures)}; ${bits(digits * Math.log2(10))} is the most, and what is not known has 1 in the median. ${said} when the model goes on greedily.`;
}

const timesInWords = (times: number): string => ['never', 'once', 'twice'][times] ?? `${times} times`;

const extractionInWords = ({ part, prefix, passages, exact, low, high, matched }: ExtractionRow): string =>
  `After ${prefix} tokens of the ${part === 'training' ? part : 'held-out'} text the next ${prefix} come out word for word in ${exact} of ${count(passages)} passages, ${shareInWords(passages > 0 ? exact / passages : 0, low, high)}; ${matched.toFixed(1)} tokens are right in the mean.`;
