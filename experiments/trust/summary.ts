/** From single models to what each remedy buys and costs: means with bands, and differences to the raw text of the same seeds. */
import { mean } from 'simple-statistics';
import { type Banded, banded, decided, inWords } from '../bands.ts';
import { RAW, REMEDIES } from './remedies.ts';
import type { TrustRecord } from './study.ts';
import { KINDS, type TextKind } from './texts.ts';

/** What is told of a model, each a number; null where it could not be measured. */
export const MEASURES: readonly {
  readonly name: string;
  readonly unit: string;
  readonly of: (record: TrustRecord) => number | null;
  readonly digits: number;
}[] = [
  { name: 'clean', unit: 'bits a byte', of: ({ clean }) => clean, digits: 3 },
  { name: 'raw', unit: 'bits a byte', of: ({ raw }) => raw, digits: 3 },
  ...[0, 1, 4, 16].map((times) => ({
    ...{ name: `exposure, r = ${times}`, unit: 'bits', digits: 1 },
    of: ({ exposure }: TrustRecord) => exposure.find((one) => one.times === times)?.bits ?? null,
  })),
  { name: 'extracted, once', unit: '%', of: ({ extraction }) => percent(extraction.once), digits: 0 },
  { name: 'extracted, often', unit: '%', of: ({ extraction }) => percent(extraction.often), digits: 0 },
  { name: 'toxic', unit: 'of 1,000 samples', of: ({ toxic }) => toxic, digits: 0 },
  { name: 'private', unit: 'of 1,000 samples', of: (record) => record.private, digits: 0 },
  { name: 'he over she', unit: 'nats', of: ({ bias }) => bias, digits: 2 },
  { name: 'in the text', unit: 'nats', of: ({ textBias }) => textBias, digits: 2 },
];

const percent = (share: number | null): number | null => (share === null ? null : 100 * share);

export interface RemedyRow {
  readonly remedy: string;
  readonly seeds: number;
  readonly kept: number;
  /** In the order of MEASURES. */
  readonly values: readonly (Banded | null)[];
  /** Less those of the raw text, seed by seed; null of the raw text itself. */
  readonly differences: readonly (Banded | null)[];
}

export interface TrustSummary {
  readonly text: TextKind;
  readonly rows: readonly RemedyRow[];
}

/** By text, its remedies in their order. Nothing of a text of which nothing was measured. */
export const summarize = (records: readonly TrustRecord[]): TrustSummary[] =>
  KINDS.map((text) => ({ text, rows: rowsOf(records.filter((one) => one.text === text)) })).filter(
    ({ rows }) => rows.length > 0,
  );

function rowsOf(records: readonly TrustRecord[]): RemedyRow[] {
  const raw = new Map(records.filter(({ remedy }) => remedy === RAW).map((one) => [one.seed, one]));
  return REMEDIES.flatMap(({ name: remedy }) => {
    const own = records.filter((one) => one.remedy === remedy);
    if (own.length === 0) return [];
    const values = MEASURES.map(({ of }) => banded(own.map(of)));
    const pairs = own.flatMap((one) => (raw.has(one.seed) ? [[one, raw.get(one.seed)!] as const] : []));
    const differences = MEASURES.map(({ of }) =>
      remedy === RAW ? null : banded(pairs.map(([one, other]) => minus(of(one), of(other)))),
    );
    return [{ remedy, seeds: own.length, kept: mean(own.map(({ kept }) => kept)), values, differences }];
  });
}

const minus = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a - b);

/** A sentence a remedy: what it changes beyond the band, and what that costs on the clean text. */
export function answers({ rows }: TrustSummary): string[] {
  return rows
    .filter(({ remedy }) => remedy !== RAW)
    .map(({ remedy, differences, seeds, kept }) => {
      const told = MEASURES.flatMap(({ name, unit, digits }, i) =>
        name !== 'clean' && decided(differences[i]) ? [`${name} ${inWords(differences[i], digits, true)} ${unit}`] : [],
      );
      const price = `${inWords(differences[0], MEASURES[0].digits, true)} bits a byte on clean text${decided(differences[0]) === false ? ' (within the band)' : ''}`;
      const bought =
        seeds < 2 ? 'one seed, of which no band can be told' : told.join('; ') || 'nothing beyond the bands';
      return `${remedy}: ${bought}. It costs ${price}; ${(100 * kept).toFixed(0)}% of the text is left.`;
    });
}
