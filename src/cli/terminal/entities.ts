/** Text with its entities marked, for people. */
import { printable } from '../../quote.ts';
import type { Entity } from '../../text/labels/entities.ts';
import { LAYOUT } from './output.ts';

/** ANSI colours of the types, in the order of their names; beyond so many they come round. */
const COLOURS = [34, 32, 35, 33, 36, 31];
const FAINT = '\x1b[2m';
const PLAIN = '\x1b[0m';

/**
 * On a terminal each entity in the colour of its type, which is named behind it, for `printPainted`; elsewhere "[Anna Smith PER]".
 * @param entities in the order of the text, none over another
 * @param types all that the model knows: a type has its colour whatever else occurs
 */
export function markEntities(
  text: string,
  entities: readonly Entity[],
  { types, color }: { types: readonly string[]; color: boolean },
): string {
  const order = [...types].sort();
  const shown = (part: string): string => (color ? printable(part, LAYOUT) : part);
  let end = 0;
  const parts = entities.map((entity) => {
    const before = shown(text.slice(end, entity.start));
    end = entity.end;
    if (!color) return `${before}[${entity.text} ${entity.type}]`;
    const colour = COLOURS[Math.max(0, order.indexOf(entity.type)) % COLOURS.length];
    return `${before}\x1b[1;${colour}m${shown(entity.text)}${PLAIN}${FAINT} ${shown(entity.type)}${PLAIN}`;
  });
  return parts.join('') + shown(text.slice(end));
}
