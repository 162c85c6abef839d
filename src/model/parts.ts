/** What of a model work is counted for. */
export const MODEL_PARTS = ['embedding', 'attention', 'MLP', 'norms', 'head'] as const;
export type ModelPart = (typeof MODEL_PARTS)[number];

const HOLDS: readonly (readonly [part: ModelPart, names: RegExp])[] = [
  ['embedding', /wte|wpe|embed/],
  ['norms', /ln_|norm/],
  ['attention', /attn/],
  ['MLP', /mlp/],
  ['head', /lm_head/],
];

/** The part that a parameter belongs to. @throws Error for one that belongs to none */
export function partOf(name: string): ModelPart {
  const found = HOLDS.find(([, names]) => names.test(name));
  if (!found) throw new Error(`the parameter ${name} belongs to no part of a model`);
  return found[0];
}
