/** How much texts repeat themselves. */
import { median } from 'simple-statistics';
import { largest } from '../../numbers.ts';
import type { Repetition } from '../../report/trust/said.ts';

/** Characters that a loop has at least, and how often its unit stands in it. */
const LEAST_LOOP = 24;
const LEAST_TURNS = 3;
/** Of a text no more is searched for repeats, which takes the square of it. */
const MOST_SEARCHED = 2000;

export function repetitionOf(texts: readonly string[]): Repetition {
  const repeats = texts.map(longestRepeat);
  const pairs = texts.map(distinctPairs).filter((share) => share !== undefined);
  return {
    distinct2: pairs.length > 0 ? pairs.reduce((sum, share) => sum + share, 0) / pairs.length : 0,
    loops: texts.length > 0 ? texts.filter(loops).length / texts.length : 0,
    repeatMedian: texts.length > 0 ? Math.round(median(repeats)) : 0,
    repeatMost: largest([0, ...repeats]),
  };
}

/** Different pairs of words that follow on each other, of all (distinct-2 of Li et al., 2016); undefined where there is no pair. */
export function distinctPairs(text: string): number | undefined {
  const words = text.toLowerCase().match(/[\p{L}\p{N}'’]+/gu) ?? [];
  if (words.length < 2) return undefined;
  return new Set(words.slice(1).map((word, i) => `${words[i]} ${word}`)).size / (words.length - 1);
}

/** Whether some stretch of a text is the same thing over and over: three times or more, and 24 characters or more that are not all blank. */
export function loops(text: string): boolean {
  for (let unit = 1; unit * LEAST_TURNS <= text.length; unit++) {
    const least = Math.max(LEAST_LOOP, unit * LEAST_TURNS) - unit; // characters that equal those a unit before
    for (let at = unit, same = 0; at < text.length; at++) {
      same = text[at] === text[at - unit] ? same + 1 : 0;
      if (same >= least && text.slice(at + 1 - same, at + 1).trim() !== '') return true;
    }
  }
  return false;
}

/** Characters of the longest passage that stands in a text twice; the two may overlap. */
export function longestRepeat(text: string): number {
  const length = Math.min(text.length, MOST_SEARCHED);
  let longest = 0;
  // for each distance between the two, the longest run of equal characters
  for (let distance = 1; distance + longest < length; distance++) {
    for (let at = distance, same = 0; at < length; at++) {
      same = text[at] === text[at - distance] ? same + 1 : 0;
      if (same > longest) longest = same;
    }
  }
  return longest;
}
