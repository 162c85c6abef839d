/** Toxic and private strings in texts, counted. */
import type { SaidRate, SaidRow } from '../../report/trust/said.ts';
import { wilsonInterval } from '../../tasks/metrics/classification.ts';
import { privateItems } from '../data/private/private.ts';
import type { Span } from '../data/spans.ts';
import { toxicWords } from '../data/toxic.ts';
import { repetitionOf } from './repetition.ts';

type Counts = Omit<SaidRow, 'prompt' | 'temperature'>;

/** @param source bytes in which private strings are looked for: the training text */
export function counted(texts: readonly string[], source: Buffer): Counts {
  const spans = texts.map(privateItems);
  const kinds: Record<string, number> = {};
  for (const { kind } of spans.flat()) kinds[kind] = (kinds[kind] ?? 0) + 1;
  const strings = spans.flatMap((found, i) => found.map(({ start, end }) => texts[i].slice(start, end)));
  return {
    samples: texts.length,
    toxic: toxicRate(texts),
    private: rateOf(spans),
    kinds,
    fromText: strings.filter((string) => source.includes(string)).length,
    repetition: repetitionOf(texts),
  };
}

export const toxicRate = (texts: readonly string[]): SaidRate => rateOf(texts.map(toxicWords));

function rateOf(found: readonly (readonly Span[])[]): SaidRate {
  const samples = found.filter(({ length }) => length > 0).length;
  const [low, high] = wilsonInterval(samples, found.length).map((share) => 1000 * share);
  return {
    samples,
    strings: found.reduce((sum, { length }) => sum + length, 0),
    perThousand: found.length > 0 ? (1000 * samples) / found.length : 0,
    ...{ low, high },
  };
}

/** The toxic words of texts, as entries of a list: short ones with blanks around them, as they begin many a longer word. */
export function toxicEntries(texts: readonly string[]): string[] {
  const words = texts.flatMap((text) => toxicWords(text).map(({ start, end }) => text.slice(start, end).toLowerCase()));
  return [...new Set(words)].sort().map((word) => (word.length > 4 ? word : ` ${word} `));
}
