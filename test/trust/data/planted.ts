/**
 * Made private items and look-alikes in real prose, by a seed: to judge detectors by. Written from how people, letters, logs and settings
 * write such things, not from the detectors' patterns.
 */
import { type Draw, drawBy } from '../../harm/mutate.ts';
import { FORMS } from './privateForms.ts';

/** Something planted: what is looked for, at its place in `text`; a look-alike has no kind. */
export interface Planted {
  readonly form: string;
  readonly isPrivate: boolean;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const pick = <T>(items: readonly T[], draw: Draw): T => items[draw(items.length)];

/** How many of a form there are, and as many look-alikes. */
export const EACH = 25;

/** All planted things in an order of chance: 25 of each of twelve forms, and 25 look-alikes of each. */
export function planted(seed: number): Planted[] {
  const draw = drawBy(seed);
  const all = FORMS.flatMap((form) => [
    ...Array.from({ length: EACH }, () => framed(form.form, pick(form.frames, draw), form.items(draw))),
    ...Array.from({ length: EACH }, (_, i) => {
      const made = form.lookAlikes[i % form.lookAlikes.length];
      const text = typeof made === 'string' ? made : made(draw);
      return { form: form.form, isPrivate: false, text, start: 0, end: text.length };
    }),
  ]);
  for (let i = all.length - 1; i > 0; i--) {
    const j = draw(i + 1);
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all;
}

function framed(form: string, frame: string, item: string): Planted {
  const start = frame.indexOf('{}');
  return { form, isPrivate: true, text: frame.replace('{}', () => item), start, end: start + item.length };
}

/** Passages of prose with one planted thing in each, between two sentences; places are those within the passage. */
export function inProse(things: readonly Planted[], sentences: readonly string[], seed: number): Planted[] {
  const draw = drawBy(seed ^ 0x5eed);
  return things.map((thing) => {
    const before = `${pick(sentences, draw)} `;
    const start = before.length + thing.start;
    const text = `${before}${thing.text} ${pick(sentences, draw)}`;
    return { ...thing, text, start, end: start + thing.end - thing.start };
  });
}
