/**
 * Properties as words in front of a molecule, and molecules as lines: "weight 180, rings 1: CC(=O)OC1=CC=CC=C1C(=O)O". A SMILES that does not
 * begin where the canonical one does stands behind a semicolon, so that a model which learned from both is asked for canonical ones, which are
 * easier. No atom is written as aromatic: whether a ring is can only be told once all of it is known, and what a model wrote of such
 * atoms was often no ring that could be.
 */
import { UserError } from '../../src/errors.ts';
import { quote } from '../../src/quote.ts';
import type { Properties } from './rdkit.ts';

type Name = keyof Properties;

/** What each property is rounded to, and the last steps on both sides, which stand for all beyond: they hold 98 of 100 molecules. */
const STEPS: Readonly<Record<Name, { readonly step: number; readonly least: number; readonly most: number }>> = {
  weight: { step: 20, least: 80, most: 360 },
  logP: { step: 0.5, least: -2.5, most: 5.5 },
  rings: { step: 1, least: 0, most: 5 },
};
export const PROPERTIES = Object.keys(STEPS) as readonly Name[];

/** In front of a molecule of which nothing is said. */
const ANY = 'molecule';
/** Behind the words, before the canonical SMILES; and before one that begins at any atom. */
const CANONICAL = ': ';
const RANDOM = '; ';

/** What is a token: a property with its value, an atom in brackets, an atom of two letters, a ring number of two digits. */
export const TOKENS = String.raw`(?:weight|logP|rings) -?\d+(?:\.\d)?|${ANY}|, |${CANONICAL}|${RANDOM}|\[[^\[\]\n]+\]|Br|Cl|%\d\d`;

function word(name: Name, value: number): string {
  const { step, least, most } = STEPS[name];
  return `${name} ${Math.min(most, Math.max(least, step * Math.round(value / step))) || 0}`; // no "-0"
}

/** What stands before a molecule of such properties, in their order: no word for those that are not there. */
export function promptOf(properties: Partial<Properties>, form: 'canonical' | 'random' = 'canonical'): string {
  const words = PROPERTIES.flatMap((name) => {
    const value = properties[name];
    return value === undefined ? [] : [word(name, value)];
  });
  return `${words.join(', ') || ANY}${form === 'canonical' ? CANONICAL : RANDOM}`;
}

/** What a line says of its molecule, and the molecule's SMILES; of one without words in front all of it. */
export function readLine(line: string): { prompt: string; smiles: string; isCanonical: boolean } {
  const [prompt = ''] = /^[^:;]*[:;] /.exec(line) ?? [];
  return { prompt, smiles: line.slice(prompt.length), isCanonical: !prompt.endsWith(RANDOM) };
}

/** The properties that a line's words name, as they were rounded. */
export function readWords(prompt: string): Partial<Properties> {
  const found = [...prompt.matchAll(/(weight|logP|rings) (-?[\d.]+)/g)];
  return Object.fromEntries(found.map(([, name, value]) => [name, Number(value)]));
}

const WISH = /^(?:(?<name>weight|logp|rings?)\s*[:=]?\s*(?<value>[-−]?\d+(?:\.\d+)?)|(?<rings>\d+)\s+rings?)$/iu;
const OFFER = `${PROPERTIES.map((name) => `${name} (${STEPS[name].least} to ${STEPS[name].most})`).join(', ')}, as in "weight 300, rings 2"`;

/**
 * The prompt for what a person asks for: "weight 300, rings 2", "2 rings and logP 1.5"; '' for any molecule.
 * @throws UserError for what cannot be asked for, saying what can
 */
export function promptFor(words: string): string {
  const asked: { -readonly [K in Name]?: number } = {};
  const wishes = words.split(/,|;|\band\b/i).map((wish) => wish.trim());
  for (const wish of wishes.filter((one) => one !== '' && one !== ANY)) {
    const { name, value } = readWish(wish);
    const { least, most } = STEPS[name];
    if (!(value >= least && value <= most))
      throw new UserError(`No molecule can be asked for with ${quote(wish)}: ask for ${OFFER}.`);
    if (asked[name] !== undefined) throw new UserError(`${quote(words)} names ${name} twice; name it once.`);
    asked[name] = value;
  }
  return promptOf(asked);
}

function readWish(wish: string): { name: Name; value: number } {
  const found = WISH.exec(wish)?.groups;
  if (!found) throw new UserError(`${quote(wish)} is nothing that molecules can be asked for: ask for ${OFFER}.`);
  if (found.rings) return { name: 'rings', value: Number(found.rings) };
  const name = PROPERTIES.find((one) => one.toLowerCase().startsWith(found.name.toLowerCase()))!;
  return { name, value: Number(found.value.replace('−', '-')) };
}
