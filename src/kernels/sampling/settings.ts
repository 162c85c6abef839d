import { defineStruct } from '../../tensor/struct.ts';

/** How to choose the next token. */
const members = {
  /** Divides the logits; 0 takes the most likely token. */
  temperature: 'f32',
  /** Keeps the most likely tokens that have this share of the probability together; 1 keeps all. */
  topP: 'f32',
  /** Keeps tokens with at least this share of the most likely one's probability; 0 keeps all. */
  minP: 'f32',
  /** Divides positive and multiplies negative logits of the tokens seen before; 1 does nothing. */
  repetitionPenalty: 'f32',
  /** Keeps this many of the most likely tokens, and ties with the last of them; 0 keeps all. */
  topK: 'f32',
  /** Taken off the logits of the tokens that were generated before, once. */
  presencePenalty: 'f32',
  /** Taken off for each time that they were. */
  frequencyPenalty: 'f32',
} as const;

export type SampleSettings = { -readonly [K in keyof typeof members]: number };

/** Draws as the model says. */
export const NO_FILTERS: Readonly<SampleSettings> = {
  ...{ temperature: 1, topP: 1, minP: 0, topK: 0 },
  ...{ repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0 },
};

/** What the `settings` tensor of `sample` holds, for each row. */
export const SAMPLE_SETTINGS = defineStruct('SampleSettings', members);

/** The settings that stand in a row of such a tensor. */
export function settingsIn(numbers: ArrayLike<number>): SampleSettings {
  const entries = Object.keys(members).map((member, i) => [member, numbers[i]]);
  return Object.fromEntries(entries) as SampleSettings;
}

/** Below this the temperature counts as 0: dividing by it could overflow. */
export const SMALLEST_TEMPERATURE = 1e-6;
