/** A model card as plain data: what MODEL_CARD.md and the page that people look at are both made of. */

/** What stands under a heading, one after the other. */
export type CardBlock =
  | { readonly kind: 'text'; readonly text: string }
  /** Names and what they have. */
  | { readonly kind: 'facts'; readonly rows: readonly (readonly [name: string, value: string])[] }
  /** The first column heads its row. */
  | { readonly kind: 'table'; readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'code'; readonly language: string; readonly code: string };

export interface CardSection {
  readonly heading: string;
  readonly blocks?: readonly CardBlock[];
  readonly sections?: readonly CardSection[];
}

export interface CardDocument {
  readonly name: string;
  /** What the model is, in a sentence or two. */
  readonly summary: string;
  readonly sections: readonly CardSection[];
}

export const text = (sentence: string): CardBlock => ({ kind: 'text', text: sentence });

/** Rows without a value are left out: what is not known is not said. */
export const facts = (rows: readonly (readonly [name: string, value: string | undefined])[]): CardBlock => ({
  kind: 'facts',
  rows: rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
});

export const table = (columns: readonly string[], rows: readonly (readonly string[])[]): CardBlock => ({
  ...{ kind: 'table', columns, rows },
});

export const code = (language: string, lines: string): CardBlock => ({ kind: 'code', language, code: lines });

/** Stands where nothing is known. `how`: the command that measures it. */
export const notMeasured = (how?: string): CardBlock =>
  text(how === undefined ? 'Not measured.' : `Not measured. What measures it: ${how}`);
