/**
 * Properties as words in front of a molecule, and molecules as lines: "canonical, weight 180, logP 1.25, rings 1: CC(=O)OC1=CC=CC=C1C(=O)O".
 * The words come in any order, so that whoever asks for some of them begins a line, and the model goes on with the others: it says
 * what kind of molecule it will write before it writes one, and writes fewer of the simplest. "random" in place of
 * "canonical" stands before a SMILES that begins at any atom. No atom is written as aromatic: whether a ring is can only be told once all of
 * it is known, and what a model wrote of such atoms was often no ring that could be.
 */
import { permutationsHeap } from 'simple-statistics';
import { UserError } from '../../src/errors.ts';
import { quote } from '../../src/quote.ts';
import type { Properties } from './rdkit.ts';

type Name = keyof Properties;

/** What each property is rounded to, and the last steps on both sides, which stand for all beyond: they hold 98 of 100 molecules. */
const STEPS: Readonly<Record<Name, { readonly step: number; readonly least: number; readonly most: number }>> = {
  weight: { step: 10, least: 80, most: 360 },
  logP: { step: 0.25, least: -2.5, most: 5.5 },
  rings: { step: 1, least: 0, most: 5 },
};
export const PROPERTIES = Object.keys(STEPS) as readonly Name[];
/** All orders that they can come in. */
export const ORDERS: readonly (readonly Name[])[] = permutationsHeap([...PROPERTIES]);

/** What a line begins with: whether its SMILES is the molecule's canonical one, or begins at any atom. */
export type Form = 'canonical' | 'random';
/** Between the words and the SMILES. */
const END = ': ';

/** What is a token: a property with its value, an atom in brackets, an atom of two letters, a ring number of two digits. */
export const TOKENS = String.raw`canonical|random|, (?:weight|logP|rings) -?\d+(?:\.\d+)?|${END}|\[[^\[\]\n]+\]|Br|Cl|%\d\d`;

function word(name: Name, value: number): string {
  const { step, least, most } = STEPS[name];
  return `${name} ${Math.min(most, Math.max(least, step * Math.round(value / step))) || 0}`; // no "-0"
}

/** The beginning of a line: its form, and the properties that are there, in the order of `names`. */
function beginOf(properties: Partial<Properties>, form: Form, names: readonly Name[]): string {
  const words = names.flatMap((name) => {
    const value = properties[name];
    return value === undefined ? [] : [word(name, value)];
  });
  return [form, ...words].join(', ');
}

/** All that stands before a SMILES in its line. */
export const wordsOf = (
  properties: Properties,
  form: Form = 'canonical',
  order: readonly Name[] = PROPERTIES,
): string => `${beginOf(properties, form, order)}${END}`;

/** The words that a line begins with, and the SMILES behind them; of a line without words all of it. */
export function readLine(line: string): { words: string; smiles: string; isCanonical: boolean } {
  const [words = ''] = /^[^:]*: /.exec(line) ?? [];
  return { words, smiles: line.slice(words.length), isCanonical: !words.startsWith('random') };
}

/** A line's words as people read them: the properties alone. */
export const shownWords = (words: string): string => words.replace(/^(?:canonical|random),? ?/, '').replace(/: $/, '');

/** The properties that a line's words name, as they were rounded. */
export function readWords(words: string): Partial<Properties> {
  const found = [...words.matchAll(/(weight|logP|rings) (-?[\d.]+)/g)];
  return Object.fromEntries(found.map(([, name, value]) => [name, Number(value)]));
}

const WISH = /^(?:(?<name>weight|logp|rings?)\s*[:=]?\s*(?<value>[-−]?\d+(?:\.\d+)?)|(?<rings>\d+)\s+rings?)$/iu;
const OFFER = `${PROPERTIES.map((name) => `${name} (${STEPS[name].least} to ${STEPS[name].most})`).join(', ')}, as in "weight 300, rings 2"`;

/**
 * The beginning of a line for what a person asks for: "weight 300, rings 2", "2 rings and logP 1.5"; '' for any molecule.
 * @throws UserError for what cannot be asked for, saying what can
 */
export function promptFor(words: string): string {
  const asked: { -readonly [K in Name]?: number } = {};
  const wishes = words.split(/,|;|\band\b/i).map((wish) => wish.trim());
  for (const wish of wishes.filter((one) => one !== '')) {
    const { name, value } = readWish(wish);
    const { least, most } = STEPS[name];
    if (!(value >= least && value <= most))
      throw new UserError(`No molecule can be asked for with ${quote(wish)}: ask for ${OFFER}.`);
    if (asked[name] !== undefined) throw new UserError(`${quote(words)} names ${name} twice; name it once.`);
    asked[name] = value;
  }
  return beginOf(asked, 'canonical', PROPERTIES);
}

function readWish(wish: string): { name: Name; value: number } {
  const found = WISH.exec(wish)?.groups;
  if (!found) throw new UserError(`${quote(wish)} is nothing that molecules can be asked for: ask for ${OFFER}.`);
  if (found.rings) return { name: 'rings', value: Number(found.rings) };
  const name = PROPERTIES.find((one) => one.toLowerCase().startsWith(found.name.toLowerCase()))!;
  return { name, value: Number(found.value.replace('−', '-')) };
}
