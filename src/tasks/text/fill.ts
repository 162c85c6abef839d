/** What a model that was trained with fillInMiddle writes between texts. */
import { max } from 'simple-statistics';
import { UserError } from '../../errors.ts';
import { type Question, Scorer } from '../../model/score.ts';
import { count } from '../../report/format.ts';
import {
  behindSpace,
  type Hole,
  holePrompt,
  LONGEST_TOKEN,
  MARK_TEXTS,
  type PartOrder,
  spaceBefore,
} from '../../text/windows/fillInMiddle.ts';
import { openingTokens } from '../../train/samples.ts';
import type { Base } from '../fineTuned.ts';
import { writtenUpTo } from './continued.ts';

export interface Filling {
  /** Of each middle at most. What is left of the context is for what stands around it. */
  readonly tokens: number;
  /** 0 takes the likeliest token. */
  readonly temperature: number;
  readonly seed: number;
  /** Middles that are written for a hole, of which the one is kept with which the whole text is likeliest. 1 unless given. */
  readonly candidates?: number;
  /** Before which a middle ends, besides where the model says that it does. */
  readonly stop?: string;
  /** The suffix first unless given. */
  readonly order?: PartOrder;
  readonly signal?: AbortSignal;
}

/** How a hole is filled unless somebody says otherwise. */
export const FILLING = { temperature: 0.7, candidates: 8 };

/** Holes that are written at once, at most. */
const AT_ONCE = 32;

/** Writes the middle of each hole. The same seed gives the same texts. */
export async function fill(base: Base, holes: readonly Hole[], filling: Filling): Promise<string[]> {
  const { candidates = 1, temperature } = filling;
  const each = temperature === 0 ? 1 : candidates; // without chance all are the same
  const asked = holes.flatMap((hole) => Array<Hole>(each).fill(hole));
  const middles = await middlesOf(base, asked, filling);
  const written = holes.map((_, i) => withoutBlank([...new Set(middles.slice(i * each, (i + 1) * each))]));
  return likeliest(base, holes, written);
}

/** Some middles without those that are blank, unless all are: nothing is likely, being short, and is not what was asked for. */
function withoutBlank(middles: readonly string[]): readonly string[] {
  const some = middles.filter((middle) => middle.trim() !== '');
  return some.length === 0 ? middles : some;
}

/** A middle for each hole, up to where it meets the suffix or stops. */
async function middlesOf(
  { model, tokenizer }: Base,
  holes: readonly Hole[],
  { stop, order, ...settings }: Filling,
): Promise<string[]> {
  const room = model.config.blockSize - settings.tokens;
  const prompts = holes.map((hole) => holePrompt(tokenizer, hole, room, order));
  const middleOf = (text: string, i: number): string => behindSpace(spaceBefore(holes[i]), text);
  const isEnough = stop === undefined ? undefined : (text: string, i: number) => middleOf(text, i).includes(stop);
  const batch = Math.min(AT_ONCE, holes.length);
  const asked = { ...settings, isEnough, what: 'holes', batch };
  const written = (await writtenUpTo({ model, tokenizer }, prompts, MARK_TEXTS, asked)).map(middleOf);
  return stop === undefined ? written : written.map((text) => text.split(stop, 1)[0]);
}

/** Tokens of what comes after a hole by which middles are told apart: those of the next lines. */
const AFTER = 32;

/**
 * Of the middles written for each hole the one with which the whole text is likeliest, read from left to right, as p(middle | prefix, suffix)
 * is in proportion to p(prefix, middle, suffix). Small models hardly mind the suffix when they write, and yet know which middle it goes on from.
 */
async function likeliest(
  base: Base,
  holes: readonly Hole[],
  written: readonly (readonly string[])[],
): Promise<string[]> {
  const open = holes.flatMap((_, i) => (written[i].length > 1 ? [i] : []));
  const scorer = new Scorer(base.model);
  const scores = await scorer
    .score(open.map((i) => wholeTexts(base, holes[i], written[i])))
    .finally(() => scorer.dispose());
  const chosen = written.map(([first]) => first);
  for (const [at, i] of open.entries()) {
    const sums = scores[at].map(({ sum }) => sum);
    chosen[i] = written[i][sums.indexOf(max(sums))];
  }
  return chosen;
}

/** Asks how likely each middle is together with what comes after it, after as much of what stands before as fits. */
function wholeTexts({ model, tokenizer }: Base, hole: Hole, middles: readonly string[]): Question {
  const most = model.config.blockSize;
  const after = hole.suffix === '' ? '\n' : hole.suffix.slice(0, LONGEST_TOKEN * AFTER);
  const next = tokenizer.decode(tokenizer.encode(after).slice(0, AFTER));
  const continuations = middles.map((middle) => tokenizer.encode(spaceBefore(hole) + middle + next).slice(0, most));
  const room = 1 + most - max(continuations.map(({ length }) => length));
  const before = tokenizer.encode(hole.prefix.trimEnd().slice(-LONGEST_TOKEN * most));
  return { prompt: [...openingTokens(tokenizer), ...before].slice(-room), continuations };
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
