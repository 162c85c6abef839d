/**
 * A text looked through: one walk over its documents that gathers everything that can be told of a document by itself. What is kept of a
 * text of any size is bounded: counts, a thousand places of each kind of finding, the lines that recur.
 */
import { StoppedError } from '../../../errors.ts';
import type { AuditCard, AuditPart, GroupsCard } from '../../../report/trust/audit.ts';
import type { Repeats } from '../../../report/trust/duplicates.ts';
import type { Document, DocumentSource } from '../documents.ts';
import { DuplicateWatch } from '../duplicates.ts';
import { associations, CoOccurrence, WINDOW, wordsOf } from '../groups.ts';
import { GROUPS, OCCUPATIONS, VALUED } from '../groupWords.ts';
import { findHeldOutOverlap, findOverlaps, isTraining } from '../overlap.ts';
import { privateItems } from '../private/private.ts';
import { type Span, withoutOverlaps } from '../spans.ts';
import { toxicWords } from '../toxic.ts';
import { encodingFaults, tellReplaced } from './encoding.ts';
import { blurred, excerptOf, Findings, hide, lineCounter, withoutNumbers } from './findings.ts';
import { LogBins } from './lengths.ts';
import { formOf, RecurringLines } from './lines.ts';
import { PartCounts } from './part.ts';

export interface WatchOptions {
  /** Ends the walks. */
  readonly signal?: AbortSignal;
  /** Told of the bytes that were looked through, document by document, in all walks together. */
  readonly onProgress?: (bytes: number) => void;
}

/** Of a text that holds nothing out itself, what training holds out unless told. */
const HELD_OUT = 0.1;

/** Walks that `audit` takes over a source at most: one, and two of its overlaps. */
export const WALKS = 3;

/** Whether some parts are learned from and others are held out. */
const isSet = ({ parts }: DocumentSource): boolean => new Set(parts.map(({ name }) => isTraining(name))).size > 1;

/**
 * What is found in the documents of a source. The same text gives the same card.
 * @throws UserError where it cannot be read
 */
export async function audit(source: DocumentSource): Promise<AuditCard> {
  const walk = new AuditWalk(source);
  const card = await walk.run();
  return { ...card, overlaps: await overlapsOf(source, walk.hasRows, card.parts) };
}

/** Held-out parts against the training part; of a table, which is split by lot, there is none. */
async function overlapsOf(
  source: DocumentSource,
  hasRows: boolean,
  parts: readonly AuditPart[],
): Promise<AuditCard['overlaps']> {
  const told = (): void => undefined; // the first walk has heard of all faults
  if (isSet(source)) return findOverlaps(source, told);
  if (hasRows) return [];
  const characters = parts.reduce((sum, part) => sum + part.characters, 0);
  return [await findHeldOutOverlap(source, HELD_OUT, told, characters)];
}

/** The same source, each walk over which ends on the signal with a StoppedError, and tells how far all of them are. */
export function watch(source: DocumentSource, { signal, onProgress }: WatchOptions): DocumentSource {
  let bytes = 0;
  return {
    ...source,
    async *documents(onFault) {
      for await (const document of source.documents(onFault)) {
        if (signal?.aborted) throw new StoppedError('Stopped; no file was written in part.', exitCodeOf(signal));
        yield document;
        bytes += Buffer.byteLength(document.text) + document.end.length;
        onProgress?.(bytes);
      }
    },
  };
}

/** Reasons to stop are exit codes. */
const exitCodeOf = ({ reason }: AbortSignal): number | undefined => (typeof reason === 'number' ? reason : undefined);

/** What is called good or bad of people, and what they do, as one list of words to look for. */
const LOOKED = new Map<string, string>([
  ...OCCUPATIONS,
  ...VALUED.good.map((word) => [word, word] as const),
  ...VALUED.bad.map((word) => [word, word] as const),
]);
const GOOD: ReadonlySet<string> = new Set(VALUED.good);
const BAD: ReadonlySet<string> = new Set(VALUED.bad);

class AuditWalk {
  /** Whether documents are rows of a table. */
  hasRows = false;
  private readonly parts: AuditPart[] = [];
  private part?: { name: string; counts: PartCounts };
  private documents = 0;
  private readonly lengths = { documents: new LogBins(), lines: new LogBins() };
  private readonly encoding = new Findings();
  /** Sequences of bytes that are no UTF-8, by part. */
  private readonly invalid = new Map<string, number>();
  private readonly known = new Findings();
  private readonly private = new Findings();
  private readonly toxic = new Findings();
  private readonly recurring = new RecurringLines();
  private readonly groups = new CoOccurrence(GROUPS, LOOKED);

  private readonly duplicates = new DuplicateWatch();

  constructor(private readonly source: DocumentSource) {}

  async run(): Promise<Omit<AuditCard, 'overlaps'>> {
    for await (const document of this.source.documents((fault) => this.addFault(fault))) this.add(document);
    return this.result();
  }

  private add(document: Document): void {
    const words = wordsOf(document.text);
    this.groups.add(words);
    this.partOf(document).add(document, words.length);
    if (document.text === '') return;
    this.documents++;
    this.hasRows ||= document.written !== undefined;
    this.duplicates.look(document);
    this.lengths.documents.add(document.text.length);
    this.look(document);
    this.lookAtLines(document);
  }

  /** Bytes that are no text, as who reads them tells. */
  private addFault({ kind, part, line, count }: { kind: string; part: string; line: number; count: number }): void {
    if (kind !== 'not UTF-8') this.encoding.add(kind, part, line, () => kind, count);
    else this.invalid.set(part, (this.invalid.get(part) ?? 0) + count);
  }

  private partOf({ part: name }: Document): PartCounts {
    if (this.part?.name === name) return this.part.counts;
    this.closePart();
    const origin = this.source.parts.find((part) => part.name === name);
    const counts = new PartCounts(origin ?? { name, source: this.source.name, licence: 'unknown' }, this.lengths.lines);
    this.part = { name, counts };
    return counts;
  }

  private closePart(): void {
    if (this.part) this.parts.push(this.part.counts.result());
  }

  /** Private data, words of contempt, and characters that are none. */
  private look({ text, part, line }: Document): void {
    const found: Span[] = privateItems(text);
    const words = toxicWords(text);
    const hidden = withoutOverlaps([found, words]);
    const tell = (findings: Findings, spans: readonly Span[]): void => {
      const lineOf = lineCounter(text, line);
      for (const span of spans) findings.add(span.kind, part, lineOf(span.start), () => excerptOf(text, span, hidden));
    };
    tell(this.private, found);
    tell(this.toxic, words);
    const faults = encodingFaults(text).map(({ kind, at, what }) => ({ kind, start: at, end: at + what.length }));
    tell(this.encoding, faults);
  }

  private lookAtLines({ text, part, line }: Document): void {
    let at = line;
    for (const one of text.split(/\r\n|\r|\n/)) {
      const start = one.slice(0, LOOKED_AT);
      const form = formOf(start);
      if (form) this.known.add(form, part, at, () => shown(start));
      this.recurring.add(one, this.documents, part, at++);
    }
  }

  private result(): Omit<AuditCard, 'overlaps'> {
    this.closePart();
    const { documents, lines } = this.lengths;
    return {
      name: this.source.name,
      parts: this.parts,
      lengths: {
        documents: documents.result(),
        lines: lines.result(),
        longestDocument: documents.longest,
        longestLine: lines.longest,
      },
      encoding: tellReplaced(this.encoding.result(), this.invalid),
      boilerplate: {
        known: this.known.result(),
        recurring: this.recurring.result().map((one) => ({ ...one, text: shown(one.text) })),
      },
      duplicates: duplicatesCard(this.duplicates),
      private: this.private.result(),
      toxic: this.toxic.result(),
      groups: groupsCard(this.groups),
    };
  }
}

function duplicatesCard(watch: DuplicateWatch): AuditCard['duplicates'] {
  const { documents, near, lines, ...counts } = watch.findings();
  const cardOf = (repeats: Repeats) => ({
    ...repeats,
    groups: repeats.groups.map((group) => ({ ...group, excerpt: blurred(group.excerpt) })),
  });
  return { documents: cardOf(documents), near: cardOf(near), lines: cardOf(lines), ...counts };
}

/** Characters of a line by which it is known for what it is. */
const LOOKED_AT = 200;

/** A line as it may be shown. */
const shown = (line: string): string => withoutNumbers(hide(line.trim(), hiddenIn(line.trim())));
const hiddenIn = (text: string): Span[] => withoutOverlaps([privateItems(text), toxicWords(text)]);

function groupsCard(counted: CoOccurrence): GroupsCard {
  const sum = (counts: ReadonlyMap<string, number>, which: (word: string) => boolean): number =>
    [...counts].reduce((all, [word, count]) => all + (which(word) ? count : 0), 0);
  const [isGood, isBad] = [GOOD, BAD].map((set) => (word: string) => set.has(word));
  const isWork = (word: string): boolean => !isGood(word) && !isBad(word);
  return {
    window: WINDOW,
    good: sum(counted.occurrences, isGood),
    bad: sum(counted.occurrences, isBad),
    groups: [...counted.groups]
      .map(([group, { mentions, words, near }]) => ({
        ...{ group, mentions, words },
        ...{ good: sum(near, isGood), bad: sum(near, isBad), occupations: sum(near, isWork) },
      }))
      .sort((a, b) => b.mentions - a.mentions),
    associations: associations(counted).map((one) => ({
      ...one,
      what: isGood(one.word) ? ('good' as const) : isBad(one.word) ? ('bad' as const) : ('occupation' as const),
    })),
  };
}
