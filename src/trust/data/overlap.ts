/** What of a text that is held out stands in the text that is trained on: whoever learned it by heart is not tested by it. */
import type { OverlapCard } from '../../report/trust/duplicates.ts';
import { findBlocks } from '../../text/ngrams/copies.ts';
import type { Document, DocumentSource } from './documents.ts';
import { DuplicateFinder } from './duplicateFinder.ts';
import { linesIn } from './duplicates.ts';
import { ExactIndex } from './exactIndex.ts';
import type { OnFault } from './lenient.ts';

/** Whether a part is learned from: "train", "train.csv", "training/a.txt". */
export const isTraining = (part: string): boolean => /^train/i.test(part);

/**
 * Each part of a set against its training part: documents of any length, exactly or nearly the same. None where no part is called train.
 * Walks twice: the training part's documents are remembered, and then the others looked up.
 */
export async function findOverlaps(source: DocumentSource, onFault?: OnFault): Promise<OverlapCard[]> {
  const training = source.parts.map(({ name }) => name).filter(isTraining);
  const heldOut = source.parts.map(({ name }) => name).filter((name) => !isTraining(name));
  if (training.length === 0 || heldOut.length === 0) return [];
  const finder = new DuplicateFinder({ withPhrases: true });
  for await (const document of source.documents(onFault)) if (isTraining(document.part)) finder.look(document);
  const counters = new Map(heldOut.map((part) => [part, new KnownCounter(part, training.join(', '))]));
  for await (const document of source.documents(onFault && (() => {}))) {
    counters.get(document.part)?.note(document, finder);
  }
  return [...counters.values()].map((counter) => counter.overlap());
}

class KnownCounter {
  private documents = 0;
  private readonly places: OverlapCard['places'] = [];

  constructor(
    private readonly part: string,
    private readonly within: string,
  ) {}

  note(document: Pick<Document, 'part' | 'line' | 'text'>, finder: DuplicateFinder): void {
    if (document.text.trim() === '') return;
    this.documents++;
    const copy = finder.find(document);
    if (!copy) return;
    const { kind, similarity, first } = copy;
    this.places.push({ line: document.line, kind, similarity, first });
  }

  overlap(): OverlapCard {
    const { part, within, documents, places } = this;
    const exact = places.filter(({ kind }) => kind === 'exact').length;
    return { part, within, documents, exact, near: places.length - exact, places };
  }
}

/** Characters of a passage: two lines or so, as the check-up has it. */
const PASSAGE = 128;
/** Of the training part at once, in characters; and of the held-out part at most, 64 MB. */
const [WINDOW, MOST_HELD_OUT] = [2 ** 24, 2 ** 25];

/**
 * A text's own held-out end against the rest: cut where training cuts it, in front of the last `fraction` of its code points. Walks
 * three times, once of them to count its code points unless told; memory as `DuplicateFinder` has it, and the held-out text up to 64 MB.
 */
export async function findHeldOutOverlap(
  source: DocumentSource,
  fraction: number,
  onFault?: OnFault,
  counted?: number,
): Promise<Required<OverlapCard>> {
  const characters = counted ?? (await charactersOf(source, onFault));
  const split = Math.floor((1 - fraction) * characters);
  const lenient = onFault && (() => {});
  const [finder, lines] = [new DuplicateFinder(), new ExactIndex()];
  const counter = new KnownCounter('validation', 'train');
  const known: number[] = [];
  let heldOutLines = 0;
  const heldOut = new Units(Math.min(MOST_HELD_OUT, 2 * (characters - split)));
  for await (const { isHeldOut, ...document } of halves(source.documents(lenient), split)) {
    if (!isHeldOut) {
      finder.look(document);
      for (const { text } of linesIn(document)) lines.add(text);
      continue;
    }
    counter.note(document, finder);
    heldOut.add(document.text + document.end);
    for (const { text, line } of linesIn(document)) {
      heldOutLines++;
      if (lines.find(text) >= 0) known.push(line);
    }
  }
  const passages = await knownPassages(heldOut.all(), halves(source.documents(lenient), split));
  const found = passages.reduce((sum, one) => sum + one, 0);
  return {
    ...counter.overlap(),
    ...{ lines: heldOutLines, knownLines: known, passages: passages.length, knownPassages: found },
  };
}

async function charactersOf(source: DocumentSource, onFault?: OnFault): Promise<number> {
  let characters = 0;
  for await (const { text, end } of source.documents(onFault)) characters += codePoints(text) + codePoints(end);
  return characters;
}

type Half = Document & { readonly isHeldOut: boolean };

/** Documents of the two parts; that in which the cut falls becomes two. */
async function* halves(documents: AsyncIterable<Document>, split: number): AsyncGenerator<Half> {
  let at = 0;
  for await (const document of documents) {
    const { text, end, line } = document;
    const [length, behind] = [codePoints(text), codePoints(end)];
    if (at + length + behind <= split) yield { ...document, isHeldOut: false };
    else if (at >= split) yield { ...document, isHeldOut: true };
    else if (at + length <= split) {
      yield { ...document, isHeldOut: false }; // what is between documents is no text of either
    } else {
      const cut = unitsOf(text, split - at);
      const before = text.slice(0, cut);
      yield { ...document, text: before, end: '', isHeldOut: false };
      yield { ...document, text: text.slice(cut), line: line + before.split('\n').length - 1, isHeldOut: true };
    }
    at += length + behind;
  }
}

function codePoints(text: string): number {
  let count = text.length;
  for (let i = 0; i + 1 < text.length; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) count--;
  }
  return count;
}

function unitsOf(text: string, points: number): number {
  let units = 0;
  for (let i = 0; i < points; i++) units += text.codePointAt(units)! >= 0x10000 ? 2 : 1;
  return units;
}

/** UTF-16 units, up to a number of them. */
class Units {
  private readonly units: Uint16Array;
  length = 0;

  constructor(most: number) {
    this.units = new Uint16Array(most);
  }

  /** @returns how many units of the text there was place for */
  add(text: string, from = 0): number {
    const count = Math.min(text.length - from, this.units.length - this.length);
    for (let i = 0; i < count; i++) this.units[this.length + i] = text.charCodeAt(from + i);
    this.length += count;
    return count;
  }

  all(): Uint16Array {
    return this.units.subarray(0, this.length);
  }

  /** Leaves the last ones alone. */
  keep(last: number): void {
    this.units.copyWithin(0, this.length - last, this.length);
    this.length = last;
  }
}

/** By passage 1 where the training text has it, a window of that after the other. */
async function knownPassages(heldOut: Uint16Array, documents: AsyncIterable<Half>): Promise<Uint8Array> {
  const found = new Uint8Array(Math.floor(heldOut.length / PASSAGE));
  const window = new Units(WINDOW);
  const look = (): void => {
    findBlocks(heldOut, window.all(), PASSAGE).forEach((one, block) => {
      found[block] |= one;
    });
  };
  for await (const { isHeldOut, text, end } of documents) {
    if (isHeldOut) break;
    const all = text + end;
    for (let from = window.add(all); from < all.length; from += window.add(all, from)) {
      look();
      window.keep(PASSAGE - 1);
    }
  }
  look();
  return found;
}
