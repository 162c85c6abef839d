import { UsageError } from '../../errors.ts';
import { quote } from '../../quote.ts';
import { safePieces } from '../windows/stream.ts';
import { wellFormed } from './bytes.ts';
import { sortCharacters, unseen } from './charTokenizer.ts';
import { TokenTable } from './tokenTable.ts';
import type { TokenizerFile } from './types.ts';

const encoder = new TextEncoder();

/**
 * Tokens of whole pieces, for texts that are written in a notation: the atoms and bonds of a molecule, the notes of a melody. A text
 * is encoded by the longest token at each place; every character of the text that it was fitted to is a token too, so that what never
 * occurred as one piece can still be written.
 */
export class PieceTokenizer extends TokenTable {
  readonly kind = 'pieces';
  readonly #ids: ReadonlyMap<string, number>;
  readonly #pieces: readonly string[];
  /** Lengths of tokens in UTF-16 units, the longest first. */
  readonly #lengths: readonly number[];

  /** `pieces`: distinct, in the order of their ids. */
  constructor(pieces: readonly string[]) {
    super(pieces.map((piece) => encoder.encode(piece)));
    this.#pieces = pieces;
    this.#ids = new Map(pieces.map((piece, id) => [piece, id]));
    this.#lengths = [...new Set(pieces.map(({ length }) => length))].sort((a, b) => b - a);
  }

  encode(text: string): number[] {
    const clean = wellFormed(text);
    const ids: number[] = [];
    for (let at = 0; at < clean.length; ) {
      const length = this.#lengths.find((one) => at + one <= clean.length && this.#ids.has(clean.slice(at, at + one)));
      if (length === undefined) {
        throw unseen(String.fromCodePoint(clean.codePointAt(at)!), this.vocabSize, 'pieces');
      }
      ids.push(this.#ids.get(clean.slice(at, at + length))!);
      at += length;
    }
    return ids;
  }

  safeCut(text: string): number {
    return lineCut(text);
  }

  toJSON(): TokenizerFile {
    return { kind: this.kind, version: 1, pieces: [...this.#pieces] };
  }
}

/** Behind a line's end, which no piece reaches over; within a line what is to come may make a piece longer. */
const lineCut = (text: string): number => text.lastIndexOf('\n') + 1;

/**
 * Pieces that a pattern finds in a text, and all of the text's characters; characters first, each in order of code points.
 * @throws UsageError for what is no regular expression, and for one that finds pieces which reach over the end of a line
 */
export async function trainPieces(pattern: string, chunks: AsyncIterable<string>): Promise<PieceTokenizer> {
  const expression = compile(pattern);
  const characters = new Set<string>();
  const longer = new Set<string>();
  for await (const text of safePieces(chunks, lineCut)) {
    const clean = wellFormed(text);
    for (const character of clean) characters.add(character);
    for (const [piece] of clean.matchAll(expression)) if ([...piece].length > 1) longer.add(piece);
  }
  const astray = [...longer].find((piece) => piece.slice(0, -1).includes('\n'));
  if (astray !== undefined) {
    throw new UsageError(`pieces of ${quote(pattern)} reach over the end of a line, as ${quote(astray)} does`);
  }
  return new PieceTokenizer([...sortCharacters(characters), ...[...longer].sort()]);
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'gu');
  } catch (cause) {
    throw new UsageError(
      `pieces: takes a regular expression, as in pieces:\\[[^\\]]+\\]|Cl|Br; ${(cause as Error).message}`,
      { cause },
    );
  }
}
