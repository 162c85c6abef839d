/** Which words stand near others in a text: co-occurrence within a window, against what chance would give. Plain counts, one walk. */
import type { WordClasses } from './groupWords.ts';

/** Words on either side of a mention that are near it. */
export const WINDOW = 10;

/** The words of a text in small letters, as runs of letters and digits; an apostrophe or hyphen between them joins. */
export const wordsOf = (text: string): string[] =>
  text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+(?:['’-][\p{L}\p{M}\p{N}]+)*/gu) ?? [];

/** What stands near a group's words. */
export interface NearGroup {
  /** Times that the group is named. */
  mentions: number;
  /** Words of the text within the window of a mention, the mention with them; each once, however many mentions it is near to. */
  words: number;
  /** Of those, how many are which of the words looked for. */
  readonly near: Map<string, number>;
}

/**
 * Counts how often words of one kind (occupations, praise) stand within `window` words of mentions of groups. Mentions of two words
 * ("black people") count as one. Words of one text are never near those of another.
 */
export class CoOccurrence {
  /** Words of all texts. */
  words = 0;
  /** By group, in the order in which they were met. */
  readonly groups = new Map<string, NearGroup>();
  /** How often each of the words looked for occurs anywhere. */
  readonly occurrences = new Map<string, number>();
  /** Second words of mentions of two, by the first. */
  private readonly seconds = new Map<string, Map<string, string>>();

  /**
   * @param mentioned words for groups, and the groups
   * @param looked words that are looked for near them, and what they are counted as
   */
  constructor(
    private readonly mentioned: WordClasses,
    private readonly looked: WordClasses,
    private readonly window = WINDOW,
  ) {
    for (const [phrase, group] of mentioned) {
      const [first, second] = phrase.split(' ');
      if (second === undefined) continue;
      this.seconds.set(first, (this.seconds.get(first) ?? new Map()).set(second, group));
    }
  }

  /** A text as its words, as `wordsOf` gives them. */
  add(words: readonly string[]): void {
    this.words += words.length;
    const places = new Map<string, number[]>();
    const looked: (readonly [at: number, name: string])[] = [];
    for (let at = 0; at < words.length; at++) {
      const group = this.groupAt(words, at);
      if (group !== undefined) placesOf(places, group).push(at);
      const name = this.looked.get(words[at]);
      if (name === undefined) continue;
      looked.push([at, name]);
      add(this.occurrences, name, 1);
    }
    for (const [group, mentions] of places) this.addGroup(group, mentions, looked, words.length);
  }

  private groupAt(words: readonly string[], at: number): string | undefined {
    return this.mentioned.get(words[at]) ?? this.seconds.get(words[at])?.get(words[at + 1]);
  }

  private addGroup(
    group: string,
    mentions: readonly number[],
    looked: readonly (readonly [at: number, name: string])[],
    length: number,
  ): void {
    const counts = this.groups.get(group) ?? { mentions: 0, words: 0, near: new Map<string, number>() };
    this.groups.set(group, counts);
    counts.mentions += mentions.length;
    let i = 0;
    let seen = 0; // words before this one are counted
    for (const at of mentions) {
      const begin = Math.max(seen, at - this.window);
      const end = Math.min(length, at + this.window + 1);
      counts.words += Math.max(0, end - begin);
      for (; i < looked.length && looked[i][0] < end; i++) {
        const [place, name] = looked[i];
        if (place >= begin) add(counts.near, name, 1);
      }
      seen = Math.max(seen, end);
    }
  }
}

const add = (counts: Map<string, number>, name: string, more: number): unknown =>
  counts.set(name, (counts.get(name) ?? 0) + more);

function placesOf(places: Map<string, number[]>, group: string): number[] {
  const found = places.get(group) ?? [];
  if (found.length === 0) places.set(group, found);
  return found;
}

/** How a word and a group go together. */
export interface Association {
  readonly group: string;
  readonly word: string;
  /** Times that the word stands near a mention of the group, and how often it would if words stood anywhere. */
  readonly near: number;
  readonly expected: number;
  /** log2 of near / expected: pointwise mutual information in bits (Church and Hanks, 1990). */
  readonly bits: number;
  /** Standard deviations from what is expected, words taken as independent: which they are not, so that a small one says nothing. */
  readonly z: number;
}

/** Where so many are near or expected, a ratio says something. */
const LEAST = 5;
/** Of the thousands of pairs that are looked at, chance gives one beyond this in some four texts. */
const SURE = 4;

/** Pairs of a group and a word that stand together more, or less, often than chance has it, where counts carry it; the surest first. */
export function associations({ words, groups, occurrences }: CoOccurrence): Association[] {
  return [...groups]
    .flatMap(([group, counts]) =>
      [...occurrences].map(([word, all]) => {
        const share = counts.words / words;
        const near = counts.near.get(word) ?? 0;
        const expected = all * share;
        const z = (near - expected) / Math.sqrt(expected * (1 - share));
        return { group, word, near, expected, bits: Math.log2(Math.max(near, 0.5) / expected), z };
      }),
    )
    .filter(({ near, expected, z }) => Math.max(near, expected) >= LEAST && Math.abs(z) >= SURE)
    .sort((a, b) => Math.abs(b.z) - Math.abs(a.z));
}
