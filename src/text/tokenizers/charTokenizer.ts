import { UserError } from '../../errors.ts';
import { safePieces } from '../windows/stream.ts';
import { checkId, pairCut, wellFormed } from './bytes.ts';
import type { Tokenizer, TokenizerFile } from './types.ts';

const encoder = new TextEncoder();

/** One token a Unicode code point, ids in code point order, as nanoGPT's character data sets are made. */
export class CharTokenizer implements Tokenizer {
  readonly kind = 'char';
  readonly vocabSize: number;
  readonly #characters: readonly string[];
  readonly #bytes: readonly Uint8Array[];
  /** Code point to id + 1, so that 0 says that the character is unknown. Code points above U+FFFF are looked up in a Map. */
  readonly #basicPlane = new Uint32Array(0x10000);
  readonly #higherPlanes = new Map<number, number>();

  /** `characters`: the alphabet as distinct code points in ascending order. */
  constructor(characters: string) {
    this.#characters = [...characters];
    this.vocabSize = this.#characters.length;
    this.#bytes = this.#characters.map((character) => encoder.encode(character));
    for (const [id, character] of this.#characters.entries()) {
      const point = character.codePointAt(0)!;
      if (point < 0x10000) this.#basicPlane[point] = id + 1;
      else this.#higherPlanes.set(point, id + 1);
    }
  }

  encode(text: string): number[] {
    const clean = wellFormed(text);
    const ids: number[] = [];
    for (let i = 0; i < clean.length; i++) {
      const point = clean.codePointAt(i)!;
      const found = point < 0x10000 ? this.#basicPlane[point] : (this.#higherPlanes.get(point) ?? 0);
      if (found === 0) throw this.#unseen(String.fromCodePoint(point));
      if (point >= 0x10000) i++;
      ids.push(found - 1);
    }
    return ids;
  }

  decode(ids: ArrayLike<number>): string {
    let text = '';
    for (let i = 0; i < ids.length; i++) {
      checkId(ids[i], this.vocabSize);
      text += this.#characters[ids[i]];
    }
    return text;
  }

  tokenBytes(id: number): Uint8Array {
    checkId(id, this.vocabSize);
    return this.#bytes[id];
  }

  safeCut(text: string): number {
    return pairCut(text);
  }

  toJSON(): TokenizerFile {
    return { kind: this.kind, version: 1, characters: this.#characters.join('') };
  }

  #unseen(character: string): UserError {
    const hex = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
    return new UserError(
      `the character ${JSON.stringify(character)} (U+${hex}) is not among the ${this.vocabSize} that this character ` +
        'tokenizer learned from its corpus; leave it out, or train with --tokenizer bpe, which encodes any text',
    );
  }
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
