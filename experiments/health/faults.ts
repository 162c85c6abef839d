/**
 * Faults as they are planted into a sound run: through its settings, its text, what is learned from it, or its weights on the way. What a
 * check-up should call each stands here, and nowhere in the code that is tested.
 */
import { mix } from '../../src/text/windows/permutation.ts';
import type { Batch } from '../../src/text/windows/windows.ts';
import type { TrainConfig } from '../../src/train/config.ts';
import { type Material, textMaterial } from '../../src/train/run/material.ts';
import { corpusOf, textOf } from './texts.ts';

/** What a run is made of. */
export interface Planted {
  readonly settings: Partial<TrainConfig>;
  readonly text: string;
  readonly spoil?: (material: Material) => Material;
  /** A tokenizer that is not the text's own. */
  readonly tokenizerOf?: string;
  /** Heads that die on the way, as [block, head]. */
  readonly kill?: readonly (readonly [number, number])[];
}

export interface Fault {
  readonly name: string;
  /** Any of these names is right. */
  readonly right: readonly string[];
  /** Sizes that it shows at; all unless given. */
  readonly size?: 'tiny' | 'mid';
  readonly plant: (sound: Planted, draw: number) => Promise<Planted> | Planted;
}

const times = (sound: Planted, factor: number): Planted => {
  const { learningRate = 1e-3, minLearningRate = learningRate / 10 } = sound.settings;
  return {
    ...sound,
    settings: {
      ...sound.settings,
      learningRate: learningRate * factor,
      minLearningRate: minLearningRate * factor,
    },
  };
};

const set = (sound: Planted, settings: Partial<TrainConfig>): Planted => ({
  ...sound,
  settings: { ...sound.settings, ...settings },
});

/** The same targets in another order: none follows from what stands before it. */
function shuffled(batch: Batch, seed: number): Batch {
  const targets = batch.targets.slice();
  for (let i = targets.length - 1; i > 0; i--) {
    const j = mix(seed, i) % (i + 1);
    [targets[i], targets[j]] = [targets[j], targets[i]];
  }
  return { ...batch, targets };
}

/** A stretch of two letters that stand nowhere else, again and again. */
const strange = (i: number): string => String.fromCodePoint(0x410 + (i % 60), 0x3b1 + (i % 23)).repeat(300);

export const FAULTS: readonly Fault[] = [
  { name: 'rate 30 times too high', right: ['rate-too-high'], plant: (sound) => times(sound, 30) },
  { name: 'rate 100 times too low', right: ['rate-too-low'], plant: (sound) => times(sound, 1 / 100) },
  {
    ...{ name: 'no warm-up', right: ['no-warm-up'], size: 'mid' },
    plant: (sound) => set(sound, { learningRate: 8e-3, minLearningRate: 8e-4, warmupSteps: 0, optimizer: 'adamw' }),
  },
  {
    ...{ name: 'validation that leaks', right: ['validation-overlap'] },
    plant: (sound, draw) => {
      const { text } = sound;
      const body = text.slice(0, Math.floor(0.9 * text.length));
      const piece = Math.floor(text.length / 100);
      const copies = Array.from({ length: 10 }, (_, i) => body.slice((mix(draw, i) % 89) * piece).slice(0, piece));
      return { ...sound, text: body + copies.join('') };
    },
  },
  {
    ...{ name: 'validation of a few hundred characters', right: ['validation-small'] },
    plant: (sound) => set(sound, { validationFraction: 400 / sound.text.length }),
  },
  {
    ...{ name: 'shuffled targets', right: ['targets-unrelated'] },
    plant: (sound, draw) => ({
      ...sound,
      spoil: (material) => ({
        ...material,
        train: { batch: (index) => shuffled(material.train.batch(index), mix(draw, index)) },
      }),
    }),
  },
  {
    ...{ name: 'wrong vocabulary', right: ['tokenizer-unfit', 'vocabulary-unseen', 'vocabulary-too-large'] },
    plant: async (sound, draw) => ({
      ...set(sound, { tokenizer: 'bpe:512' }),
      text: await textOf('code', sound.text.length, draw),
      tokenizerOf: await textOf('novel', 300_000, draw),
    }),
  },
  {
    ...{ name: 'duplicated text', right: ['repeated-text'] },
    plant: ({ text, ...sound }) => {
      const part = text.slice(0, Math.floor(text.length / 6));
      return { ...sound, text: part.repeat(5) + text.slice(-part.length) };
    },
  },
  {
    ...{ name: 'no clipping with spikes', right: ['spikes-without-clipping'], size: 'mid' },
    plant: (sound, draw) => {
      const pieces = sound.text.match(/[\s\S]{1,3000}/g) ?? [];
      const text = pieces.map((piece, i) => (mix(draw, i) % 8 === 0 ? piece + strange(i) : piece)).join('');
      return { ...set(sound, { clipNorm: 0, learningRate: 4e-3, minLearningRate: 4e-4, optimizer: 'adamw' }), text };
    },
  },
  {
    ...{ name: 'a dead head', right: ['dead-head'] },
    plant: (sound, draw) => ({ ...sound, kill: [[mix(draw, 1) % 2, mix(draw, 2) % 2]] }),
  },
  {
    ...{ name: 'far too small', right: ['model-too-small'], size: 'tiny' },
    plant: (sound) =>
      set(sound, {
        nLayer: 1,
        nHead: 1,
        nEmbd: 8,
        learningRate: 1e-2,
        minLearningRate: 1e-3,
        steps: 900,
        optimizer: 'adamw',
      }),
  },
  {
    ...{ name: 'far too big for the text', right: ['model-too-large', 'overfitting'], size: 'mid' },
    plant: (sound) => ({
      ...set(sound, {
        nEmbd: 96,
        optimizer: 'muon',
        learningRate: 3e-3,
        minLearningRate: 3e-4,
        muonFactor: 3,
        validationFraction: 0.25,
      }),
      text: sound.text.slice(0, 12_000),
    }),
  },
];

/** The material of a planted run, as it should be and as it is. */
export async function materialOf(planted: Planted, config: TrainConfig, refit: boolean): Promise<Material> {
  const corpus = corpusOf('study', planted.text);
  if (refit || planted.tokenizerOf === undefined) return textMaterial(corpus, config);
  const other = await textMaterial(corpusOf('other', planted.tokenizerOf), config);
  return textMaterial(corpus, config, other.tokenizer);
}
