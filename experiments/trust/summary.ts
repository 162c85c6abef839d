/** From single models to what each remedy buys and costs: means with bands, and differences to the raw text of the same seeds. */
import { mean, sampleStandardDeviation } from 'simple-statistics';
import { RAW, REMEDIES } from './remedies.ts';
import type { TrustRecord } from './study.ts';
import { KINDS, type TextKind } from './texts.ts';

/** A mean and its 95% band by Student's t; no band of a single seed. */
export interface Banded {
  readonly value: number;
  readonly half?: number;
}

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

/** 97.5% points of Student's t by degrees of freedom, from 1. */
const STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/** Nothing where a value is missing. */
export function banded(values: readonly (number | null)[]): Banded | null {
  const known = values.filter((value) => value !== null);
  if (known.length === 0 || known.length < values.length) return null;
  if (known.length === 1) return { value: known[0] };
  const t = STUDENT[Math.min(known.length - 2, STUDENT.length - 1)];
  return { value: mean(known), half: (t * sampleStandardDeviation(known)) / Math.sqrt(known.length) };
}

/** "2.31 ± 0.04". */
export function inWords(one: Banded | null, digits: number, signed = false): string {
  if (one === null) return '–';
  const value = one.value.toFixed(digits).replace(/^-(?=0(?:\.0*)?$)/, '');
  const sign = signed && Number(value) > 0 ? '+' : '';
  return `${sign}${value.replace('-', '−')}${one.half === undefined ? '' : ` ± ${one.half.toFixed(digits)}`}`;
}

/** Whether a difference is more than its band; undefined where there is none to tell by. */
export const decided = (one: Banded | null): boolean | undefined =>
  one === null || one.half === undefined ? undefined : Math.abs(one.value) > one.half;

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
