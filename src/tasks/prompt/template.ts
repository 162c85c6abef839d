/** Templates of prompts: text with placeholders for an example's text and label. Pure functions. */
import { UsageError } from '../../errors.ts';
import type { LabelledText } from '../../text/labels/labelled.ts';

/** The text around the placeholders of a template such as `"{text}\nClass: {label}\n"`. */
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

const PLACEHOLDER = /\{(\w*)\}/g;
const EXAMPLE = 'for example "{text}\\nClass: {label}\\n"';

/** Whether a template asks for a label, and so wants labelled examples. */
export const asksForLabel = (source: string): boolean => source.includes('{label}');

/** The placeholders of a template, and the text around them. @throws UsageError for one that nothing fills */
function parse(source: string): { texts: string[]; placeholders: string[] } {
  const placeholders = [...source.matchAll(PLACEHOLDER)].map(([, name]) => name);
  const unknown = placeholders.find((name) => name !== 'text' && name !== 'label');
  if (unknown === undefined) return { texts: source.split(/\{\w*\}/), placeholders };
  throw new UsageError(`the template has a place {${unknown}}, but only {text} and {label} can be filled`);
}

/** @throws UsageError unless {text} and then {label} occur once each, with something between them */
export function parseLabelTemplate(source: string): LabelTemplate {
  const { texts, placeholders } = parse(source);
  if (placeholders.join() !== 'text,label') {
    const found = placeholders.map((name) => `{${name}}`).join(', ') || 'none';
    throw new UsageError(
      `the template must hold {text} and behind it {label}, each once, but its places are ${found}; ${EXAMPLE}`,
    );
  }
  const [before, between, after] = texts;
  if (between !== '') return { before, between, after };
  throw new UsageError(
    `the template has nothing between {text} and {label}: the label would be read as a part of the text; ${EXAMPLE}`,
  );
}

/** @throws UsageError for a template with {text} more than once or with other placeholders */
export function parseTextTemplate(source: string): TextTemplate {
  const { texts, placeholders } = parse(source);
  if (placeholders.length <= 1)
    return { before: texts[0], after: texts[1] ?? '', takesText: placeholders.length === 1 };
  throw new UsageError(`the template must hold {text} once at most, but its places are {${placeholders.join('}, {')}}`);
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
    if (twin === undefined) continue;
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
