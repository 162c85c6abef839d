/** A text without what it should not have: the filters of `data audit --clean` and of train's setting `clean`. */
import { UserError } from '../../errors.ts';
import { CLEAN_RULES, type CleanCard, type CleanRule, type Went } from '../../text/windows/cleaning.ts';
import type { TextBytes } from '../../text/windows/stream.ts';
import type { CorpusSource } from '../../train/run/material.ts';
import { type Document, type DocumentSource, textDocuments, writtenOf } from './documents.ts';
import { DuplicateFinder } from './duplicateFinder.ts';
import { LINE } from './duplicates.ts';
import { ExactIndex } from './exactIndex.ts';
import type { OnFault } from './lenient.ts';
import { masked, privateItems } from './private/private.ts';
import { toxicWords } from './toxic.ts';

/** What stays of a source, and, when all of it was walked through, what went. */
export interface Cleaned {
  /** To be walked through once; each is written by `writtenOf`. */
  readonly documents: AsyncIterable<Document>;
  /** So far. */
  card(): CleanCard;
}

/**
 * A source without what goes by the rules:
 * - duplicates: documents of five words or more that came before, but for line ends and spaces around;
 * - near-duplicates: those too of which 0.8 of the shingles (runs of five words) are those of one that stayed;
 * - duplicate-lines: of paragraphs, lines of 24 characters or more that came before;
 * - toxic: lines with toxic words, or the whole row of a table;
 * - private: private data is masked in place; a row that cannot be written so goes.
 *
 * The first copy stays, so that nothing goes without one that is kept. Memory as `DuplicateFinder` has it.
 */
export function cleaned(source: DocumentSource, rules: readonly CleanRule[], onFault?: OnFault): Cleaned {
  const cleaner = new Cleaner(rules);
  async function* documents(): AsyncGenerator<Document> {
    for await (const document of source.documents(onFault)) {
      const left = cleaner.clean(document);
      if (left) yield left;
    }
  }
  return { documents: documents(), card: () => cleaner.card() };
}

/**
 * A text that is to be learned from, freed of what goes by the rules: it is walked through now, and what stays is held in memory, as its
 * tokens will be, with the file that it is of. The rules are those of `cleaned`.
 * @throws UserError for text that cannot be used, and where nothing stays
 */
export async function cleanedCorpus(corpus: CorpusSource, rules: readonly CleanRule[]): Promise<CorpusSource> {
  const source = await textDocuments(corpus);
  const { documents, card } = cleaned(source, rules);
  const [encoder, chunks] = [new TextEncoder(), [] as TextBytes[]];
  let [waiting, part] = ['', ''];
  const pass = (): void => {
    const file = source.parts.length > 1 ? part : undefined;
    if (waiting !== '') chunks.push(Object.assign(encoder.encode(waiting), { file }));
    waiting = '';
  };
  for await (const document of documents) {
    if (document.part !== part || waiting.length >= CHUNK) pass();
    part = document.part;
    waiting += writtenOf(document);
  }
  pass();
  if (card().keptCharacters === 0) throw new UserError(`Nothing of ${corpus.name} stays by clean: ${rules.join(',')}.`);
  return {
    ...{ ...corpus, clean: card() },
    async *bytes() {
      yield* chunks;
    },
  };
}

/** Characters that are encoded at once. */
const CHUNK = 2 ** 16;

/** A document that is being cleaned: of a paragraph by its lines. */
type Left = Document | undefined;

class Cleaner {
  private readonly sizes = { documents: 0, kept: 0, characters: 0, keptCharacters: 0 };
  private readonly went: Partial<Record<CleanRule, Went>> = {};
  private readonly finder: DuplicateFinder;
  private readonly lines = new ExactIndex();
  private readonly rules: readonly CleanRule[];

  constructor(rules: readonly CleanRule[]) {
    this.rules = CLEAN_RULES.filter((rule) => rules.includes(rule));
    for (const rule of this.rules) this.went[rule] = { documents: 0, lines: 0, items: 0, characters: 0, kinds: {} };
    this.finder = new DuplicateFinder({ near: rules.includes('near-duplicates') });
  }

  clean(document: Document): Left {
    const size = document.text.length + document.end.length;
    this.sizes.characters += size;
    if (document.text.trim() === '') return this.keep(document); // line ends, or a table's names
    this.sizes.documents++;
    const left = this.byRules(document);
    if (left) this.sizes.kept++;
    return left && this.keep(left);
  }

  card(): CleanCard {
    const forgotten = this.finder.forgotten + this.lines.forgotten;
    return { rules: [...this.rules], ...this.sizes, went: structuredClone(this.went), forgotten };
  }

  private keep(document: Document): Document {
    this.sizes.keptCharacters += document.text.length + document.end.length;
    return document;
  }

  private byRules(document: Document): Left {
    let left: Left = this.isCopy(document) ? undefined : document;
    if (left && this.went['duplicate-lines'] && !left.written) left = this.withoutCopiedLines(left);
    if (left && this.went.toxic) left = this.withoutToxic(left);
    return left && this.went.private ? this.withoutPrivate(left) : left;
  }

  private isCopy(document: Document): boolean {
    const near = this.went['near-duplicates'];
    const exact = this.went.duplicates ?? near;
    const copy = exact && this.finder.look(document);
    if (!copy) return false;
    drop(copy.kind === 'exact' ? exact : near!, document);
    return true;
  }

  private withoutCopiedLines(document: Document): Left {
    return withoutLines(document, this.went['duplicate-lines']!, (line) => {
      const bare = line.trim();
      return bare.length >= LINE && this.lines.add(bare) >= 0;
    });
  }

  private withoutToxic(document: Document): Left {
    const went = this.went.toxic!;
    const spans = toxicWords(document.text);
    for (const { kind } of spans) went.kinds[kind] = (went.kinds[kind] ?? 0) + 1;
    if (spans.length === 0) return document;
    if (document.written) return drop(went, document);
    let at = 0;
    return withoutLines(document, went, (line) => {
      const begin = at;
      at += line.length;
      return spans.some(({ start, end }) => start < at && end > begin);
    });
  }

  private withoutPrivate(document: Document): Left {
    const went = this.went.private!;
    const spans = privateItems(document.text);
    if (spans.length === 0) return document;
    const text = masked(document.text, spans);
    if (document.written && document.written(text) === undefined) return drop(went, document);
    for (const { kind, start, end } of spans) {
      went.kinds[kind] = (went.kinds[kind] ?? 0) + 1;
      went.characters += end - start;
    }
    went.items += spans.length;
    return { ...document, text };
  }
}

function drop(went: Went, { text, end }: Document): undefined {
  went.documents++;
  went.characters += text.length + end.length;
  return undefined;
}

/** A paragraph without the lines that go; `goes` is given each with its end. All of it goes where none stays. */
function withoutLines(document: Document, went: Went, goes: (line: string) => boolean): Left {
  const lines = document.text.split(/(?<=\r\n|\n|\r(?!\n))/);
  const kept = lines.filter((line) => !goes(line));
  if (kept.length === lines.length) return document;
  if (kept.length === 0) return drop(went, document);
  went.lines += lines.length - kept.length;
  const whole = kept.join('');
  // the last line's end is `document.end`: of another one that is the last now, its own goes
  const text = kept.at(-1) === lines.at(-1) ? whole : whole.replace(/[\r\n]+$/, '');
  went.characters += document.text.length - text.length;
  return { ...document, text };
}
