/** Templates of prompts: text with places for an example's text and label. Pure functions. */
import { UsageError } from '../../errors.ts';
import type { LabelledText } from '../../text/labels/labelled.ts';

/** A template with places for text and label, such as `"{text}\nClass: {label}\n"`, taken apart at these. */
export interface LabelTemplate {
  readonly before: string;
  readonly between: string;
  readonly after: string;
}

/** A template for free writing, such as `"A letter to {text}:\n"`. Without {text} it stands as it is. */
export interface TextTemplate {
  readonly before: string;
  readonly after: string;
  readonly takesText: boolean;
}

const PLACE = /\{(\w*)\}/g;

/** Whether a template asks for a label, and so wants labelled examples. */
export const asksForLabel = (source: string): boolean => source.includes('{label}');

/** The places of a template with its pieces of text. @throws UsageError for a place that nothing fills */
function takeApart(source: string): { pieces: string[]; places: string[] } {
  const places = [...source.matchAll(PLACE)].map(([, name]) => name);
  const unknown = places.find((name) => name !== 'text' && name !== 'label');
  if (unknown !== undefined) {
    throw new UsageError(`the template has a place {${unknown}}, but only {text} and {label} can be filled`);
  }
  return { pieces: source.split(/\{\w*\}/), places };
}

/** @throws UsageError unless {text} and then {label} occur once each, with something between them */
export function parseLabelTemplate(source: string): LabelTemplate {
  const { pieces, places } = takeApart(source);
  if (places.join() !== 'text,label') {
    const found = places.map((name) => `{${name}}`).join(', ') || 'none';
    throw new UsageError(
      `the template must hold {text} and behind it {label}, each once, but its places are ${found}; for example "{text}\\nClass: {label}\\n"`,
    );
  }
  const [before, between, after] = pieces;
  if (between === '') {
    throw new UsageError(
      'the template has nothing between {text} and {label}: the label would be read as a part of the text; for example "{text}\\nClass: {label}\\n"',
    );
  }
  return { before, between, after };
}

/** @throws UsageError for a template with {text} more than once or with other places */
export function parseTextTemplate(source: string): TextTemplate {
  const { pieces, places } = takeApart(source);
  if (places.length > 1) {
    throw new UsageError(`the template must hold {text} once at most, but its places are {${places.join('}, {')}}`);
  }
  return { before: pieces[0], after: pieces[1] ?? '', takesText: places.length === 1 };
}

/** What each label is called in prompts. */
export type Verbalizer = ReadonlyMap<string, string>;

/**
 * The words of the labels: those of `given`, written label=word, and the label itself for all others.
 * @throws UsageError for a label that there is not, an empty word, and two labels with the same word
 */
export function verbalizer(classes: readonly string[], given: readonly string[] = []): Verbalizer {
  const words = new Map(classes.map((label) => [label, label]));
  for (const pair of given) {
    const label = classes.find((each) => pair.startsWith(`${each}=`));
    if (label === undefined) {
      throw new UsageError(
        `--verbalize ${pair} names no label; write label=word, where the labels are ${classes.join(', ')}`,
      );
    }
    words.set(label, pair.slice(label.length + 1));
  }
  for (const [label, word] of words) {
    if (word.trim() === '') throw new UsageError(`the label ${label} has no word: write --verbalize "${label}=word"`);
    const twin = classes.find((other) => other !== label && words.get(other) === word);
    if (twin !== undefined)
      throw new UsageError(
        `the labels ${label} and ${twin} have the same word "${word}": a model cannot tell them apart`,
      );
  }
  return words;
}

/** A solved example, as it stands in the prompt before the question. */
export const renderShot = (
  { before, between, after }: LabelTemplate,
  { text, label }: LabelledText,
  words: Verbalizer,
): string => `${before}${text}${between}${words.get(label)}${after}`;

/** The question: all up to the label. */
export const renderQuery = ({ before, between }: LabelTemplate, text: string): string => `${before}${text}${between}`;
