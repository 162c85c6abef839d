/** What a model that was trained with fillInMiddle writes between texts. */
import { UserError } from '../../errors.ts';
import { count } from '../../report/format.ts';
import {
  behindSpace,
  type Hole,
  holePrompt,
  MARK_TEXTS,
  type PartOrder,
  spaceBefore,
} from '../../text/windows/fillInMiddle.ts';
import type { Base } from '../fineTuned.ts';
import { writtenUpTo } from './continued.ts';

export interface Filling {
  /** Of each middle at most. What is left of the context is for what stands around it. */
  readonly tokens: number;
  /** 0 takes the likeliest token. */
  readonly temperature: number;
  readonly seed: number;
  /** Before which a middle ends, besides where the model says that it does. */
  readonly stop?: string;
  /** The suffix first unless given. */
  readonly order?: PartOrder;
  readonly signal?: AbortSignal;
}

/** Holes that are written at once, at most. */
const AT_ONCE = 32;

/** Writes the middle of each hole. The same seed gives the same texts. */
export async function fill({ model, tokenizer }: Base, holes: readonly Hole[], filling: Filling): Promise<string[]> {
  const { tokens, stop, order } = filling;
  const prompts = holes.map((hole) => holePrompt(tokenizer, hole, model.config.blockSize - tokens, order));
  const batch = Math.min(AT_ONCE, holes.length);
  const written = await writtenUpTo({ model, tokenizer }, prompts, MARK_TEXTS, { ...filling, what: 'holes', batch });
  const middles = written.map((text, i) => behindSpace(spaceBefore(holes[i]), text));
  return stop === undefined ? middles : middles.map((text) => text.split(stop, 1)[0]);
}

/** Where in a text something is to be written, counted from 1. */
export interface Place {
  readonly line: number;
  /** In characters: what stands behind it stays. Without one the whole line is set aside, to be written anew. */
  readonly column?: number;
}

/** Tokens that are read at least, marks included. */
export const LEAST_READ = MARK_TEXTS.length;

/** What stands before a place of a text, and after it. @throws UserError when there is no such place in it */
export function holeAt(text: string, { line, column }: Place, name: string): Hole {
  const lines = text.split('\n');
  if (lines.length > 1 && lines.at(-1) === '') lines.pop(); // the last line's end begins none
  if (line > lines.length)
    throw new UserError(`${name} has ${count(lines.length)} lines, and so no line ${count(line)}`);
  const before = lines
    .slice(0, line - 1)
    .map((one) => `${one}\n`)
    .join('');
  const [own, after] = [lines[line - 1], text.slice(before.length + lines[line - 1].length)];
  if (column === undefined) return { prefix: before, suffix: after };
  const characters = [...own];
  if (column > characters.length + 1) {
    const where = `line ${count(line)} of ${name} has ${count(characters.length)} characters`;
    throw new UserError(`${where}: --column may be ${count(characters.length + 1)} at most`);
  }
  const kept = characters.slice(0, column - 1).join('');
  return { prefix: before + kept, suffix: own.slice(kept.length) + after };
}
