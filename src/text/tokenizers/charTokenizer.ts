import { UserError } from '../../errors.ts';
import { safePieces } from '../windows/stream.ts';
import { pairCut, wellFormed } from './bytes.ts';
import { TokenTable } from './tokenTable.ts';
import type { TokenizerFile } from './types.ts';

const encoder = new TextEncoder();

/** One token a Unicode code point, ids in code point order, as nanoGPT's character data sets are made. */
export class CharTokenizer extends TokenTable {
  readonly kind = 'char';
  readonly #characters: string;
  /** Code point to id + 1, so that 0 says that the character is unknown. Code points above U+FFFF are looked up in a Map. */
  readonly #basicPlane = new Uint32Array(0x10000);
  readonly #higherPlanes = new Map<number, number>();

  /** `characters`: the alphabet as distinct code points in ascending order. */
  constructor(characters: string) {
    super(Array.from(characters, (character) => encoder.encode(character)));
    this.#characters = characters;
    for (const [id, character] of [...characters].entries()) {
      const codePoint = character.codePointAt(0)!;
      if (codePoint < 0x10000) this.#basicPlane[codePoint] = id + 1;
      else this.#higherPlanes.set(codePoint, id + 1);
    }
  }

  encode(text: string): number[] {
    const clean = wellFormed(text);
    const ids: number[] = [];
    for (let i = 0; i < clean.length; i++) {
      const codePoint = clean.codePointAt(i)!;
      const found = codePoint < 0x10000 ? this.#basicPlane[codePoint] : (this.#higherPlanes.get(codePoint) ?? 0);
      if (found === 0) throw unseen(String.fromCodePoint(codePoint), this.vocabSize, 'characters');
      if (codePoint >= 0x10000) i++;
      ids.push(found - 1);
    }
    return ids;
  }

  safeCut(text: string): number {
    return pairCut(text);
  }

  toJSON(): TokenizerFile {
    return { kind: this.kind, version: 1, characters: this.#characters };
  }
}

/** What is said of a character that a tokenizer cannot write. */
export function unseen(character: string, vocabSize: number, tokens: string): UserError {
  const hex = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
  return new UserError(
    `the character ${JSON.stringify(character)} (U+${hex}) is not among the ${vocabSize} ${tokens} that this tokenizer ` +
      'learned from its corpus; leave it out, or train with --tokenizer bpe, which encodes any text',
  );
}

/** The characters that occur in the text. */
export async function trainChar(chunks: AsyncIterable<string>): Promise<CharTokenizer> {
  const seen = new Set<string>();
  for await (const text of safePieces(chunks, pairCut)) for (const character of wellFormed(text)) seen.add(character);
  return new CharTokenizer(sortCharacters(seen));
}

/** Code point order, which differs from the order of UTF-16 units above U+FFFF. */
export function sortCharacters(characters: Iterable<string>): string {
  return [...characters].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!).join('');
}
