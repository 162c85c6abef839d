/** Lines of a text for pictures: the caption, then a character for each code of a patch. */
import { UserError } from '../../src/errors.ts';
import { type Codebook, PATCHES } from './patches.ts';
import type { Captions, Said } from './words.ts';

/** The character of code 0; those of the others follow. A block of letters that no caption has, large enough for any codebook. */
const FIRST = 0x4e00;

/** A line, taken apart. */
export interface Shown {
  readonly said: Partial<Said>;
  readonly codes: number[];
}

/** How pictures are written with one codebook. */
export class Lines {
  constructor(
    readonly captions: Captions,
    readonly codebook: Codebook,
  ) {}

  /** Codes as text. */
  spell(codes: readonly number[]): string {
    return codes.map((code) => String.fromCharCode(FIRST + code)).join('');
  }

  /** The opposite of `spell`, up to what is no code. */
  codes(text: string): number[] {
    const all = Array.from(text, (character) => character.charCodeAt(0) - FIRST);
    const end = all.findIndex((code) => code < 0 || code >= this.codebook.size);
    return end < 0 ? all : all.slice(0, end);
  }

  line(said: Partial<Said>, codes: readonly number[]): string {
    return `${this.captions.caption(said)}${this.spell(codes)}`;
  }

  /** The picture of a line, of which as much may be missing as a model left out. @throws UserError for what has no caption */
  read(line: string): Shown {
    const read = this.captions.read(line);
    if (!read) throw new UserError('this is no line of pictures: it begins with no caption');
    return { said: read.said, codes: this.codes(read.picture) };
  }

  /** Whether a line is that of a picture: a caption, all codes, and nothing else. */
  holds(line: string): boolean {
    const read = this.captions.read(line);
    return read?.picture.length === PATCHES && this.codes(read.picture).length === PATCHES;
  }

  /** Whether all of a picture is there. */
  isWhole = ({ codes }: Shown): boolean => codes.length === PATCHES;
}
