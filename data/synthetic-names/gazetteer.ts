/** Names to fill sentences with, in two parts that share no word: those that are trained on, and those that are tested on. */
import { z } from 'zod';
import { checkJson, damaged } from '../../src/schema.ts';
import { mix } from '../../src/text/windows/permutation.ts';
import type { PackageFiles } from '../files.ts';
import { CITIES, FEMALE_NAMES, MALE_NAMES } from '../packages.ts';
import { readSynsets } from '../wordnet-glosses/synsets.ts';
import { cityNames } from './cities.ts';
import { FIXED_WORDS } from './templates.ts';

/** Names of one part. Organisations are composed of surnames and cities. */
export interface Gazetteer {
  readonly firstNames: readonly string[];
  readonly surnames: readonly string[];
  readonly cities: readonly string[];
}

/** The class of persons among WordNet's lexicographer files. */
const PERSON = 18;
const WORD = /^[A-Z][a-z]+$/;
/** Words of place names that say nothing of which place it is; they may stand in both parts. */
const COMMON = new Set(
  'San Santa Saint New Old North South East West Upper Lower Fort Port Lake Mount Great El La Los Las Le De Al City Town Bay Hill Hills Park Beach Point Valley Springs Falls Heights Island'.split(
    ' ',
  ),
);
/** Share of words that only the test parts use, in 1/100. */
const HELD_OUT = 25;
const SEED = 9;

/** Whether a word belongs to the test parts: by its letters alone, so that all lists agree. */
const isHeldOut = (word: string): boolean => {
  let hash = SEED;
  for (const letter of word.toLowerCase()) hash = mix(letter.charCodeAt(0), hash);
  return hash % 100 < HELD_OUT;
};

/** Words of a name that tell it from others. */
export const tellingWords = (name: string): string[] => name.split(' ').filter((word) => !COMMON.has(word));

/** Names whose telling words all lie on one side; the others are used nowhere. */
function side(names: readonly string[], heldOut: boolean): string[] {
  return [...new Set(names)].filter((name) => {
    const words = tellingWords(name);
    return words.length > 0 && words.every((word) => isHeldOut(word) === heldOut && !FIXED_WORDS.has(word));
  });
}

/** The gazetteers of the training and of the test parts. */
export async function readGazetteers(files: PackageFiles): Promise<{ known: Gazetteer; fresh: Gazetteer }> {
  const firstNames = await readFirstNames(files);
  const surnames = await readSurnames(files);
  const cities = cityNames(await files.readBytes(CITIES, 'cities.pbf'));
  const part = (heldOut: boolean): Gazetteer => ({
    firstNames: side(firstNames, heldOut),
    surnames: side(surnames, heldOut),
    cities: side(cities, heldOut),
  });
  return { known: part(false), fresh: part(true) };
}

async function readFirstNames(files: PackageFiles): Promise<string[]> {
  const lists = [MALE_NAMES, FEMALE_NAMES].map(async (pkg) =>
    checkJson(z.array(z.string()), await files.read(pkg, 'data/names.json'), damaged('names.json')),
  );
  return (await Promise.all(lists)).flat().filter((name) => WORD.test(name));
}

/** Last words of the persons that WordNet knows by name. */
async function readSurnames(files: PackageFiles): Promise<string[]> {
  const persons = (await readSynsets(files)).filter(
    ({ instance, lexicographer }) => instance && lexicographer === PERSON,
  );
  const names = persons.flatMap(({ words }) => words).filter((name) => name.includes(' '));
  return names
    .map((name) => name.slice(name.lastIndexOf(' ') + 1))
    .filter((word) => WORD.test(word) && word.length > 2);
}
