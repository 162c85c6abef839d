/** Named spans of running text: from tags of words to places in the text. */
import { spansOf } from './conll.ts';
import type { Word } from './words.ts';

/** A span of the text that something is named by: UTF-16 offsets, so that `text.slice(start, end)` is what stands there. */
export interface Entity {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The entities that the tags of a sentence mark. `words` are of `text`, and as many as `tags`. */
export const entitiesOf = (text: string, words: readonly Word[], tags: readonly string[]): Entity[] =>
  spansOf(tags).map(({ type, ...span }) => {
    const { start } = words[span.start];
    const { end } = words[span.end - 1];
    return { type, start, end, text: text.slice(start, end) };
  });
