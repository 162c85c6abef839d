/** What stands in a text more than once: documents, lines, and documents that are nearly the same. */
import type { DuplicatesCard, Repeats } from '../../report/trust/duplicates.ts';
import type { Document, DocumentSource } from './documents.ts';
import { type Copy, DuplicateFinder, Places } from './duplicateFinder.ts';
import { ExactIndex } from './exactIndex.ts';
import type { OnFault } from './lenient.ts';
import { masked, privateItems } from './private/private.ts';

/** Characters of an excerpt at most. */
const EXCERPT = 160;
/** Characters from which a line is more than a phrase. */
export const LINE = 24;
/** Groups that are told, and copies of each whose places are; and groups that are counted, beyond which they are copies alone. */
const [MOST_TOLD, MOST_PLACES, MOST_COUNTED] = [20, 5, 2 ** 14];

/** The beginning of a text in one line, private data masked. The mask comes first, so that a cut never leaves half of an address. */
function beginningOf(text: string): string {
  const start = text.slice(0, 8 * EXCERPT);
  const line = masked(start, privateItems(start)).replace(/\s+/g, ' ').trim();
  return line.length > EXCERPT ? `${line.slice(0, EXCERPT).replace(/[\ud800-\udbff]$/, '')}...` : line;
}

/** Counts copies as they are met. */
export class RepeatCounter {
  private looked = 0;
  private copies = 0;
  private characters = 0;
  private readonly byPart: Record<string, number> = {};
  private readonly groups = new Map<number, Repeats['groups'][number]>();

  /** A document or line, and what it is a copy of. */
  note(copy: Copy | undefined, { part, line, text }: Pick<Document, 'part' | 'line' | 'text'>): void {
    this.looked++;
    if (!copy) return;
    this.copies++;
    this.characters += text.length;
    this.byPart[part] = (this.byPart[part] ?? 0) + 1;
    const group = this.groups.get(copy.group);
    if (!group && this.groups.size < MOST_COUNTED) {
      const { first, similarity } = copy;
      const start = Buffer.from(text.slice(0, 8 * EXCERPT)).toString(); // a string of its own: a slice would keep all of the text
      this.groups.set(copy.group, {
        times: 2,
        first,
        others: [{ part, line }],
        excerpt: start,
        similarity,
      });
    } else if (group) {
      group.times++;
      group.similarity = Math.min(group.similarity, copy.similarity);
      if (group.others.length < MOST_PLACES) group.others.push({ part, line });
    }
  }

  findings(): Repeats {
    const { looked, copies, characters, byPart } = this;
    const most = [...this.groups.values()].sort((a, b) => b.times - a.times).slice(0, MOST_TOLD);
    const groups = most.map((group) => ({ ...group, excerpt: beginningOf(group.excerpt) }));
    return { looked, copies, characters, byPart: { ...byPart }, groups };
  }
}

/** Documents as they stream by, and then what was found: a listener beside others of the same walk. */
export class DuplicateWatch {
  private readonly finder = new DuplicateFinder();
  private readonly lineIndex = new ExactIndex();
  private readonly linePlaces = new Places();
  private readonly counters = { documents: new RepeatCounter(), near: new RepeatCounter(), lines: new RepeatCounter() };

  /** The next document. @returns what it is a copy of */
  look(document: Pick<Document, 'part' | 'line' | 'text'>): Copy | undefined {
    const before = this.finder.phrases;
    const copy = this.finder.look(document);
    if (document.text !== '' && this.finder.phrases === before) {
      this.counters.documents.note(copy?.kind === 'exact' ? copy : undefined, document);
      if (copy?.kind !== 'exact') this.counters.near.note(copy, document);
    }
    for (const line of linesIn(document)) this.counters.lines.note(this.lookAtLine(line), line);
    return copy;
  }

  findings(): DuplicatesCard {
    const { documents, near, lines } = this.counters;
    const forgotten = this.finder.forgotten + this.lineIndex.forgotten;
    return {
      ...{ documents: documents.findings(), near: near.findings(), lines: lines.findings() },
      ...{ phrases: this.finder.phrases, forgotten },
    };
  }

  private lookAtLine(line: Pick<Document, 'part' | 'line' | 'text'>): Copy | undefined {
    const before = this.lineIndex.count;
    const group = this.lineIndex.add(line.text);
    if (group >= 0) return { kind: 'exact', similarity: 1, first: this.linePlaces.at(group), group };
    if (this.lineIndex.count > before) this.linePlaces.add(line);
    return undefined;
  }
}

/** The lines of a document that are more than a phrase, without spaces around. */
export function* linesIn({ part, line, text }: Pick<Document, 'part' | 'line' | 'text'>) {
  let at = line;
  for (const one of text.split(/\r\n|\r|\n/)) {
    const bare = one.trim();
    if (bare.length >= LINE) yield { part, line: at, text: bare };
    at++;
  }
}

/** What of a source is there more than once, in one walk. Memory is bounded, whatever its size: see `DuplicateFinder`; of lines four million are remembered. At most it is some 650 MB. */
export async function findDuplicates(
  source: DocumentSource,
  { onFault, onDocument }: { readonly onFault?: OnFault; readonly onDocument?: (document: Document) => void } = {},
): Promise<DuplicatesCard> {
  const watch = new DuplicateWatch();
  for await (const document of source.documents(onFault)) {
    watch.look(document);
    onDocument?.(document);
  }
  return watch.findings();
}
