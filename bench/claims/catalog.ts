/** What dawnlm is to show: whom it is held against on which work, what it must reach and what it aims at. */

import { productShapes, SIZES, type SizeName } from '../../src/check/workloads.ts';
import { FORMS, type Work } from '../peers/job.ts';

/** Parts of the list that can be measured by themselves. `loss` takes minutes, and is measured only when it is named. */
export const PARTS = ['matmul', 'rows', 'attention', 'train', 'forward', 'decode', 'script', 'loss'] as const;
export type Part = (typeof PARTS)[number];

/** What a figure must reach, and what it should; either may be missing. */
export interface Threshold {
  must?: number;
  aim?: number;
}

/** A library that cannot be installed here: its figure is a share of a peer's, as both were once measured on one machine. */
export interface Estimate {
  name: string;
  share: number;
  note: string;
}

/** A peer, and what dawnlm's figure by its own must be. */
export interface Rival extends Threshold {
  peer: string;
  /** What of the peer it is that does this work, where that has a name of its own. */
  as?: string;
  estimate?: Estimate;
}

/** Work on which dawnlm is held against others. */
export interface Contest {
  part: Part;
  preset: SizeName;
  work: Work;
  rivals: readonly Rival[];
  /** Of dawnlm's figure by itself. */
  alone?: Threshold;
}

const llmC = (its: number, pytorchs: number): Estimate => ({
  name: 'llm.c',
  share: its / pytorchs,
  note: `estimated: PyTorch's figure times ${its}/${pytorchs}, both measured on another day`,
});

const BLAS: Threshold = { must: 0.35, aim: 0.5 };
/** PyTorch multiplies by OpenBLAS: with all that the CPU has, and with vectors as long as lavapipe's. */
const PRODUCTS: readonly Rival[] = [
  { peer: 'pytorch', as: 'OpenBLAS', ...BLAS },
  { peer: 'openblas-256', as: 'OpenBLAS, 256 bits', ...BLAS },
];

const square = (n: number): Contest => ({
  ...{ part: 'matmul', preset: 'nano', work: { work: 'matmul', n }, rivals: PRODUCTS },
});

const productsOf = (preset: SizeName): Contest[] => {
  const shapes = productShapes(preset);
  return FORMS.map((form) => ({
    ...{ part: 'matmul', preset, rivals: PRODUCTS },
    work: { work: 'products', form, shapes: shapes[form] },
  }));
};

export const CONTESTS: readonly Contest[] = [
  square(512),
  square(1024),
  ...(Object.keys(SIZES) as SizeName[]).flatMap(productsOf),
  {
    ...{ part: 'train', preset: 'nano', work: { work: 'train' } },
    rivals: [
      { peer: 'tfjs-webgpu', must: 12 },
      { peer: 'jax-js-wasm', must: 1.5 },
      { peer: 'pytorch', estimate: llmC(4335, 9564), aim: 1 },
      { peer: 'pytorch', aim: 1 },
    ],
  },
  {
    ...{ part: 'train', preset: 'small', work: { work: 'train' } },
    rivals: [
      { peer: 'pytorch', estimate: llmC(310, 1337), must: 1, aim: 2 },
      { peer: 'pytorch' },
      { peer: 'tfjs-webgpu' },
    ],
  },
  {
    ...{ part: 'forward', preset: 'nano', work: { work: 'forward' } },
    rivals: [{ peer: 'onnxruntime-webgpu', must: 8 }, { peer: 'pytorch', aim: 0.5 }, { peer: 'onnxruntime-cpu' }],
  },
  {
    ...{ part: 'decode', preset: 'nano', work: { work: 'decode' }, alone: { aim: 1000 } },
    rivals: [{ peer: 'pytorch', must: 1 }, { peer: 'llama.cpp' }, { peer: 'tfjs-webgpu' }],
  },
];

/** Bandwidth of row kernels by that of a copy. */
export const ROWS: Threshold = { must: 0.3, aim: 0.5 };
/** GFLOP/s of causal attention. */
export const ATTENTION = { forward: { must: 20, aim: 30 }, backward: { must: 10, aim: 15 } };
/** JavaScript's share of a training step, at most. */
export const SCRIPT: Threshold = { must: 0.05, aim: 0.02 };
/** PyTorch's time to the loss by dawnlm's: 1.5 times its time, and half of it. */
export const LOSS = { nats: 1.88, must: 1 / 1.5, aim: 2 };

/** The peers that parts of the list need. */
export const peersOf = (parts: readonly Part[]): Set<string> => {
  const chosen = CONTESTS.filter(({ part }) => parts.includes(part));
  return new Set(chosen.flatMap(({ rivals }) => ['dawnlm', ...rivals.map(({ peer }) => peer)]));
};
