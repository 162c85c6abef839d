/** From single models to what each domain's recipe reaches: means over seeds with bands. */
import { mean } from 'simple-statistics';
import type { Domain } from '../../data/domain.ts';
import { count, durationInWords, exact } from '../../src/report/format.ts';
import type { Score } from '../../src/report/judged.ts';
import { type Banded, banded, inWords } from '../bands.ts';
import type { DomainRecord } from './study.ts';

/** A score over the seeds of a domain, and each baseline of it. */
export interface BandedScore extends Pick<Score, 'name' | 'unit' | 'better' | 'digits' | 'note'> {
  readonly value: Banded;
  readonly baselines: readonly { readonly name: string; readonly value: Banded }[];
}

export interface DomainSummary extends Pick<Domain, 'name' | 'title' | 'licence' | 'source'> {
  readonly seeds: number;
  readonly tokens: number;
  readonly vocabulary: number;
  readonly parameters: number;
  /** Of the held-out part. */
  readonly bitsAToken: Banded;
  readonly scores: readonly BandedScore[];
  readonly notes: readonly string[];
  /** Means over the seeds: training and judging. */
  readonly seconds: number;
  /** Of a model's training, in joules, where it is known. */
  readonly joules?: { readonly low: number; readonly high: number };
}

/** The domains of which something was measured, in their order. */
export const summarizeDomains = (records: readonly DomainRecord[], domains: readonly Domain[]): DomainSummary[] =>
  domains.flatMap((domain) => {
    const own = records.filter((one) => one.domain === domain.name);
    return own.length > 0 ? [summaryOf(domain, own)] : [];
  });

function summaryOf({ name, title, licence, source }: Domain, own: readonly DomainRecord[]): DomainSummary {
  const [{ tokens, vocabulary, parameters, notes, energy }] = own;
  const meanOf = (of: (one: DomainRecord) => number): number => mean(own.map(of));
  return {
    ...{ name, title, licence, source, tokens, vocabulary, parameters, notes, seeds: own.length },
    bitsAToken: banded(own.map(({ loss }) => loss / Math.LN2))!,
    scores: own[0].scores.map((score, i) => bandedScore(own.map(({ scores }) => scores[i] ?? score))),
    seconds: meanOf(({ seconds, judgedSeconds }) => seconds + judgedSeconds),
    ...(energy && {
      joules: { low: meanOf((one) => one.energy?.lowJoules ?? 0), high: meanOf((one) => one.energy?.highJoules ?? 0) },
    }),
  };
}

function bandedScore(scores: readonly Score[]): BandedScore {
  const [{ name, unit, better, digits, note, baselines }] = scores;
  return {
    ...{ name, unit, better, digits, note },
    value: banded(scores.map(({ value }) => value))!,
    baselines: baselines.map((one, i) => ({
      name: one.name,
      value: banded(scores.map(({ baselines: those }) => those[i]?.value ?? null))!,
    })),
  };
}

/** A score as people read it: its mean, band and unit. */
export const scoreWithBand = ({ value, digits = 3, unit }: BandedScore): string =>
  `${inWords(value, digits)}${unit ? ` ${unit}` : ''}`;

/** Its baselines in a line, those that are the same for every seed without a band. */
export const beside = ({ baselines, digits = 3 }: BandedScore): string =>
  baselines
    .map(({ name, value }) => `${name} ${inWords(value.half === 0 ? { value: value.value } : value, digits)}`)
    .join(', ');

/** What a domain's model is and took, in three cells. */
export const overview = (one: DomainSummary): string[] => [
  one.name,
  `${inWords(one.bitsAToken, 3)} bits a token`,
  `${count(one.tokens)} tokens, ${exact(one.vocabulary)} different; ${count(one.parameters)} parameters; ${costInWords(one)}; ${one.seeds === 1 ? 'one seed' : `${one.seeds} seeds`}`,
];

/** Time and energy of a model, judging included in the time. */
export const costInWords = ({ seconds, joules }: DomainSummary): string =>
  `${durationInWords(1000 * seconds)}${joules ? `, ${wattHours(joules.low)} to ${wattHours(joules.high)} Wh` : ''}`;

/** To two digits: no energy is known better. */
const wattHours = (joules: number): string => String(Number((joules / 3600).toPrecision(2)));
