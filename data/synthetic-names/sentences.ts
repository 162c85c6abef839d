import type { TaggedSentence } from '../../src/text/labels/conll.ts';
import { Chances } from '../chances.ts';
import type { Gazetteer } from './gazetteer.ts';
import { BODIES, COMPANIES, FILLERS, INDUSTRIES, TEAMS } from './templates.ts';

/** As many sentences as `count`, from templates that the seed picks, with names of a gazetteer. */
export function makeSentences(
  templates: readonly string[],
  names: Gazetteer,
  count: number,
  seed: number,
): TaggedSentence[] {
  const chances = new Chances(seed);
  return Array.from({ length: count }, () => fill(chances.pick(templates), names, chances));
}

function fill(template: string, names: Gazetteer, chances: Chances): TaggedSentence {
  const words: string[] = [];
  const tags: string[] = [];
  for (const token of template.split(' ')) {
    const slot = token.match(/^\{(\w+)\}$/)?.[1];
    const type = slot && /^(?:PER|LOC|ORG)/.exec(slot)?.[0];
    const filled = slot ? fillSlot(slot, names, chances).split(' ') : [token];
    for (const [i, word] of filled.entries()) {
      words.push(word);
      tags.push(type ? `${i === 0 ? 'B' : 'I'}-${type}` : 'O');
    }
  }
  for (const [i, word] of words.entries()) {
    if (word === 'a' && /^[aeiou]/.test(words[i + 1] ?? '')) words[i] = 'an';
  }
  words[0] = words[0][0].toUpperCase() + words[0].slice(1);
  return { words, tags };
}

function fillSlot(slot: string, names: Gazetteer, chances: Chances): string {
  if (slot === 'PER') return person(names, chances);
  if (slot === 'PER1') return chances.pick(names.surnames);
  if (slot === 'LOC') return chances.pick(names.cities);
  if (slot === 'ORG') return organisation(names, chances);
  return chances.pick(FILLERS[slot]);
}

/** First and last name in six of ten cases; else a last name, a first name, or initials. */
function person({ firstNames, surnames }: Gazetteer, chances: Chances): string {
  const first = chances.pick(firstNames);
  const last = chances.pick(surnames);
  const kind = chances.below(10);
  if (kind < 6) return `${first} ${last}`;
  if (kind < 8) return last;
  return kind === 8 ? first : `${first[0]}. ${last}`;
}

/** Organisations bear the names of people and cities: what follows or surrounds them tells what they are. */
function organisation({ surnames, cities }: Gazetteer, chances: Chances): string {
  const surname = chances.pick(surnames);
  const city = chances.pick(cities);
  const kinds = [
    `${surname} ${chances.pick(INDUSTRIES)} ${chances.pick(COMPANIES)}`,
    `${city} ${chances.pick(INDUSTRIES)} ${chances.pick(COMPANIES)}`,
    `${surname} ${chances.pick(COMPANIES)}`,
    `${surname} ${chances.pick(BODIES)}`,
    `${city} ${chances.pick(BODIES)}`,
    `University of ${city}`,
    `Bank of ${city}`,
    `${surname} & ${chances.pick(surnames)}`,
    `${city} ${chances.pick(TEAMS)}`,
    surname,
  ];
  return chances.pick(kinds);
}
