/** The texts of the domain: pictures painted one after the other, and put into a part by what they look like. */
import { mix } from '../../src/text/windows/permutation.ts';
import { Chances } from '../chances.ts';
import type { DomainParts } from '../domain.ts';
import type { Lines } from './lines.ts';
import { type Design, paint } from './paint.ts';
import { COLOUR_NAMES, COLOURS, isHeldOut, KINDS, PLACES, type Said, SIZES } from './words.ts';

/** What pictures are painted of. */
export interface Models {
  /** A design of a thing, by index. */
  design(thing: number, chances: Chances): Design;
  /** Whether things may be turned left to right. */
  readonly mirrored: boolean;
}

const SEED = 15;
/** How much each part of a colour may differ from what its name says, as a share. */
const SHADES = 0.07;
/** Of a thousand pictures, those that validate and those that are kept aside. */
const VALIDATION = 50;
const TEST = 50;
/** One of as many words of training captions is not told, so that one may ask for less. */
const UNTOLD = 8;

/**
 * `count` pictures or somewhat less, since none is there twice. Which part a picture is in its codes alone say, so that pictures that look
 * the same are on one side; those of combinations that are held out are all kept aside. Captions of the test tell everything.
 */
export function paintParts(models: Models, lines: Lines, count: number): DomainParts {
  const parts = { train: '', validation: '', test: '' };
  const chances = new Chances(SEED);
  const met = new Set<string>();
  for (let i = 0; i < count; i++) {
    const said = anySaid(lines.captions.words.thing.length, chances);
    const told = Object.fromEntries(KINDS.flatMap((kind) => (chances.below(UNTOLD) > 0 ? [[kind, said[kind]]] : [])));
    const codes = lines.codebook.encode(paintSaid(models, said, chances));
    const key = lines.spell(codes);
    if (met.has(key)) continue;
    met.add(key);
    const part = isHeldOut(said) ? 'test' : partOf(codes);
    parts[part] += `${lines.line(part === 'test' ? said : told, codes)}\n`;
  }
  return parts;
}

/** What a picture is to show, by chance. */
export const anySaid = (things: number, chances: Chances): Said => ({
  size: chances.below(SIZES.length),
  colour: chances.below(COLOUR_NAMES.length),
  thing: chances.below(things),
  place: chances.below(PLACES.length),
});

/** A picture as it is said. */
export function paintSaid({ design, mirrored }: Models, said: Said, chances: Chances): Uint8Array {
  const colour = COLOURS[COLOUR_NAMES[said.colour]];
  const tint = colour.map((part) => part * chances.between(1 - SHADES, 1 + SHADES));
  return paint(design(said.thing, chances), { ...said, tint, mirrored }, chances);
}

function partOf(codes: readonly number[]): keyof DomainParts {
  const place = codes.reduce((hash, code) => mix(hash, code), SEED) % 1000;
  if (place < TEST) return 'test';
  return place < TEST + VALIDATION ? 'validation' : 'train';
}
