/** Whether a document came before: exactly, or nearly. */
import type { Document } from './documents.ts';
import { ExactIndex } from './exactIndex.ts';
import { grown, NearIndex, signatureOf } from './nearIndex.ts';
import { SHINGLE_WORDS, shinglesOf, wordHashes } from './shingles.ts';

/** Where something stands. */
export interface Place {
  readonly part: string;
  /** From 1, within its file. */
  readonly line: number;
}

/** The earlier document that one is a copy of. */
export interface Copy {
  /** 'exact': the same signs, but for how lines end and spaces around. 'near': `NEAR` of the shingles, or more, are shared. */
  readonly kind: 'exact' | 'near';
  /** Of shingles (Jaccard); 1 of exact copies. */
  readonly similarity: number;
  readonly first: Place;
  /** The same number for all copies of one document. */
  readonly group: number;
}

/** Places by number, in a few bytes each. */
export class Places {
  private parts = new Uint32Array(64);
  private lines = new Uint32Array(64);
  private count = 0;
  private readonly names: string[] = [];
  private readonly numbers = new Map<string, number>();

  add({ part, line }: Place): void {
    const number = this.numbers.get(part) ?? this.names.push(part) - 1;
    this.numbers.set(part, number);
    this.parts = grown(this.parts, this.count + 1);
    this.lines = grown(this.lines, this.count + 1);
    this.parts[this.count] = number;
    this.lines[this.count++] = line;
  }

  at(index: number): Place {
    return { part: this.names[this.parts[index]], line: this.lines[index] };
  }
}

/** Characters of a document that near copies are told by: of a row of a table, which may be longer than a paragraph, the first ones. */
const MOST_COMPARED = 2 ** 20;

/** What makes two documents the same: every sign, but for line ends and what stands around. */
export const sameSigns = (text: string): string => text.replace(/\r\n?/g, '\n').trim();

export interface FinderOptions {
  /** Whether near copies are looked for, which takes most of the time; they are unless told. */
  readonly near?: boolean;
  /** Whether exact copies of phrases are; they are not unless told. */
  readonly withPhrases?: boolean;
  /** Documents that are remembered at most. */
  readonly most?: number;
}

/**
 * Documents that were remembered, which others are held against. Takes some 300 bytes a document of five words or more, and its shingles up
 * to 64 MB; a million documents are remembered at most, and those that came later are `forgotten`.
 */
export class DuplicateFinder {
  /** Documents of fewer than five words: phrases that any two texts may share. They are the same or not, never similar. */
  phrases = 0;
  private readonly exact: ExactIndex;
  private readonly near: NearIndex;
  private readonly exactPlaces = new Places();
  private readonly nearPlaces = new Places();
  private readonly nearGroups: number[] = [];

  constructor(private readonly options: FinderOptions = {}) {
    this.exact = new ExactIndex(options.most);
    this.near = new NearIndex(options.most);
  }

  /** Documents that came when no more could be remembered. */
  get forgotten(): number {
    return Math.max(this.exact.forgotten, this.near.forgotten);
  }

  /** What of the remembered ones this is a copy of. It is remembered itself when it is of none. */
  look(document: Pick<Document, 'part' | 'line' | 'text'>): Copy | undefined {
    return this.ask(document, true);
  }

  /** The same, and remembers nothing. */
  find(document: Pick<Document, 'part' | 'line' | 'text'>): Copy | undefined {
    return this.ask(document, false);
  }

  private ask(document: Pick<Document, 'part' | 'line' | 'text'>, remember: boolean): Copy | undefined {
    const { near = true, withPhrases = false } = this.options;
    const text = sameSigns(document.text);
    if (text === '') return undefined;
    const words = wordHashes(text.slice(0, MOST_COMPARED));
    const isPhrase = words.length < SHINGLE_WORDS;
    if (isPhrase) this.phrases++;
    if (isPhrase && !withPhrases) return undefined;
    const before = this.exact.count;
    const same = remember ? this.exact.add(text) : this.exact.find(text);
    if (same >= 0) return { kind: 'exact', similarity: 1, first: this.exactPlaces.at(same), group: same };
    const group = this.exact.count > before ? before : -1;
    if (group >= 0) this.exactPlaces.add(document);
    return near && !isPhrase ? this.askNear(document, shinglesOf(words), remember, group) : undefined;
  }

  private askNear(place: Place, shingles: Uint32Array, remember: boolean, group: number): Copy | undefined {
    const signature = signatureOf(shingles);
    const match = this.near.find(shingles, signature);
    if (match) {
      const first = this.nearPlaces.at(match.index);
      return { kind: 'near', similarity: match.similarity, first, group: this.nearGroups[match.index] };
    }
    if (remember && this.near.add(shingles, signature) >= 0) {
      this.nearPlaces.add(place);
      this.nearGroups.push(group);
    }
    return undefined;
  }
}
