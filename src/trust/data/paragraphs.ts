/** A text cut into paragraphs as it streams by. */

/** Characters (UTF-16 units) of a document at most, and of what stands behind it: a line of 50 MB is many documents. */
export const LONGEST_DOCUMENT = 1 << 16;

/** As `Document` has it: `text` and `end` of all, one after the other, are the text. */
export interface Paragraph {
  readonly line: number;
  readonly text: string;
  readonly end: string;
}

/** A line, or a piece of one that is too long: then `end` is ''. */
interface Line {
  readonly text: string;
  readonly end: string;
}

/**
 * The paragraphs of a text: lines up to a blank one, which may hold spaces. Lines that were wrapped by hand stay together. More than
 * `LONGEST_DOCUMENT` without a blank line is no paragraph, but a list of entries or a log: there each line is a document. A line that is
 * longer is cut between words, else between characters. Where a text begins with blank lines, the first paragraph is '' and they are
 * its end.
 */
export async function* paragraphs(chunks: AsyncIterable<string>): AsyncGenerator<Paragraph> {
  let [text, end, line, at] = ['', '', 1, 1];
  let hasBlank = false; // what is behind `text` holds a blank line: the next line begins a paragraph
  let byLine = false; // since more than a paragraph came without a blank line
  for await (const next of lines(chunks)) {
    const isBlank = next.text.trim() === '';
    const begins = isBlank
      ? end.length + next.text.length > LONGEST_DOCUMENT
      : (hasBlank && text + end !== '') || byLine || text.length + end.length + next.text.length > LONGEST_DOCUMENT;
    if (begins) {
      byLine = !hasBlank && !isBlank;
      if (text + end !== '') yield* byLine ? eachLine({ line, text, end }) : [{ line, text, end }];
      [text, end, line, hasBlank] = ['', '', at, false];
    }
    if (isBlank) {
      end += next.text + next.end;
      hasBlank = true;
    } else {
      text += end + next.text;
      end = next.end;
    }
    if (next.end !== '') at++;
  }
  if (text + end !== '') yield { line, text, end };
}

/** The lines of a passage, each by itself. */
function* eachLine({ line, text, end }: Paragraph): Generator<Paragraph> {
  const parts = text.split(LINE_END);
  for (let i = 0; i < parts.length; i += 2) yield { line: line + i / 2, text: parts[i], end: parts[i + 1] ?? end };
}

const LINE_END = /(\r\n|\r|\n)/;

/** Lines with their ends, which may be of all systems; long ones in pieces. */
async function* lines(chunks: AsyncIterable<string>): AsyncGenerator<Line> {
  let rest = '';
  for await (const chunk of chunks) {
    const held = chunk.endsWith('\r') ? '\r' : ''; // its line feed may be still to come
    const parts = (rest + chunk.slice(0, chunk.length - held.length)).split(LINE_END);
    for (let i = 0; i + 1 < parts.length; i += 2) {
      let text = parts[i];
      for (; text.length > LONGEST_DOCUMENT; text = text.slice(cutOf(text))) yield pieceOf(text);
      yield { text, end: parts[i + 1] };
    }
    rest = parts[parts.length - 1];
    for (; rest.length > LONGEST_DOCUMENT; rest = rest.slice(cutOf(rest))) yield pieceOf(rest);
    rest += held;
  }
  const [text, end = ''] = rest.split(LINE_END);
  if (rest !== '') yield { text, end };
}

const pieceOf = (line: string): Line => ({ text: line.slice(0, cutOf(line)), end: '' });

/** Where to cut a line that is too long: behind a space, else between two characters. */
function cutOf(line: string): number {
  const space = line.lastIndexOf(' ', LONGEST_DOCUMENT - 1) + 1;
  if (space > LONGEST_DOCUMENT / 2) return space;
  const unit = line.charCodeAt(LONGEST_DOCUMENT - 1);
  return LONGEST_DOCUMENT - (unit >= 0xd800 && unit < 0xdc00 ? 1 : 0);
}
