/** What one part of a text has of everything that is counted by part. */
import type { AuditPart } from '../../../report/trust/audit.ts';
import type { Document, PartOrigin } from '../documents.ts';
import { Languages } from './language.ts';
import type { LogBins } from './lengths.ts';
import { useOf } from './licences.ts';
import { LineLengths } from './lines.ts';

/** Counts the documents of a part as they stream by. */
export class PartCounts {
  private readonly counts = { documents: 0, bytes: 0, characters: 0, words: 0 };
  private readonly lines: LineLengths;
  private readonly languages = new Languages();

  constructor(
    private readonly origin: PartOrigin,
    bins: LogBins,
  ) {
    this.lines = new LineLengths(bins);
  }

  /** A document, and how many words it has. Of rows the text alone is counted, of paragraphs all that stands between them too. */
  add(document: Document, words: number): void {
    const { text, end, line, written } = document;
    const isHeader = text === '' && end.trim() !== ''; // a table's line of column names
    const whole = written || isHeader ? text : text + end;
    this.counts.documents += text === '' ? 0 : 1;
    this.counts.bytes += Buffer.byteLength(whole);
    this.counts.characters += whole.length - (whole.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
    this.counts.words += words;
    this.lines.add(whole);
    if (written) this.lines.close();
    this.languages.add(text, line);
  }

  result(): AuditPart {
    this.lines.close();
    const { lines, ends } = this.lines;
    const { name, source, licence, sha256 } = this.origin;
    const { languages, undetermined } = this.languages.result();
    const about = { name, source, licence, use: useOf(licence), ...(sha256 !== undefined && { sha256 }) };
    return { ...about, ...this.counts, lines, lineEnds: ends, languages, undetermined };
  }
}
