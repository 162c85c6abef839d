import { expect, it } from 'vitest';
import { operationsOf, recomputedOperations, sixN, stepWork } from '../../src/cost/operations.ts';
import { GPT } from '../../src/model/gpt.ts';
import { forwardOperations } from '../../src/model/operations.ts';
import type { Dispatched } from '../../src/tensor/kernel.ts';
import { sizeOf } from '../../src/tensor/shape.ts';
import { modelConfig, resolveConfig } from '../../src/train/config.ts';
import { modelTable, trainingFlopsPerToken } from '../../src/train/modelTable.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { testEngine } from '../helpers/engine.ts';

const V = 83;
/** Two layers of width 32, two heads, a context of 32, 8 windows: 256 tokens a step. */
const tiny = (settings: Record<string, unknown> = {}) => resolveConfig('tiny', settings);
const LLAMA = { style: 'llama', nKvHead: 1, tieEmbeddings: false };

it('counts a step of GPT-2 as one does by hand', () => {
  const { attention, MLP, head, norms, embedding } = stepWork(tiny(), V);
  // c_attn (32, 96) and c_proj (32, 32), and two products of 32 numbers with the 16.5 tokens that are seen; forward, twice backward
  expect(attention.operations).toBe(256 * 3 * 2 * (2 * (32 * 96 + 32 * 32) + 2 * 2 * 32 * 16.5));
  expect(attention.operations).toBe(15_826_944);
  // c_fc (32, 128) and c_proj (128, 32)
  expect(MLP.operations).toBe(256 * 3 * 2 * 2 * (32 * 128 + 128 * 32));
  expect(MLP.operations).toBe(25_165_824);
  expect(head.operations).toBe(256 * 3 * 2 * 32 * 83);
  expect([norms.operations, embedding.operations]).toEqual([0, 0]);
});

it('counts a step of Llama as one does by hand', () => {
  const { attention, MLP, head } = stepWork(tiny(LLAMA), V);
  // two query heads and one head of keys and one of values, 16 wide: (32, 64), then o_proj (32, 32)
  expect(attention.operations).toBe(256 * 3 * 2 * (2 * (32 * 64 + 32 * 32) + 2 * 2 * 32 * 16.5));
  // gate, up and down: 8/3 of 32, up to a multiple of 8
  expect(MLP.operations).toBe(256 * 3 * 2 * 2 * 3 * 32 * 88);
  expect(head.operations).toBe(256 * 3 * 2 * 32 * 83);
});

it("counts AdamW's work on each parameter", () => {
  // wte, wpe, and a layer's four matrices and two norms; the last norm
  const parameters = 83 * 32 + 32 * 32 + 2 * (32 * 96 + 32 * 32 + 32 * 128 + 128 * 32 + 2 * 32) + 32;
  expect(parameters).toBe(28_416);
  const { operations, bytes } = stepWork(tiny(), V).optimizer;
  // g^2 and a sum for the norm; clip 1, m 3, v 4, sqrt / + eps 3, rate m 1, quotient 1, decay 1, difference 1
  expect(operations).toBe(parameters * (2 + 15));
  // cleared, read for the norm; p, g, m, v read and p, m, v written: four bytes each
  expect(bytes).toBe(parameters * 4 * (2 + 7));
});

it("counts Muon's work on each matrix, and AdamW's on the rest", () => {
  const { operations } = stepWork(tiny({ optimizer: 'muon' }), V).optimizer;
  const matrices = 2 * (32 * 96 + 32 * 32 + 32 * 128 + 128 * 32);
  const rest = 83 * 32 + 32 * 32 + 2 * 2 * 32 + 32;
  // queries, keys, values and the projection are squares: five iterations of three products
  const squares = 2 * 4 * (5 * 3 * 2 * 32 ** 3);
  // of 32 x 128: X X^T and Q X, and 17 products of 32 x 32 in between
  const long = 2 * 2 * (2 * (2 * 32 * 32 * 128) + 17 * 2 * 32 ** 3);
  expect(operations).toBe(17 * rest + (2 + 11) * matrices + squares + long);
});

/** Operations of the products that a step really dispatches. */
function dispatchedOperations(dispatches: readonly Dispatched[]) {
  const sum = (names: RegExp, of: (params: Readonly<Record<string, number>>) => number): number =>
    dispatches.reduce((total, { kernel, params }) => total + (names.test(kernel.spec.name) ? of(params) : 0), 0);
  // scores and weighted sum; backward dP, dQ, dK and dV, beside what flash attention calculates once more
  const pairs = ({ B, H, T, D }: Readonly<Record<string, number>>): number => 2 * B * H * D * ((T * (T + 1)) / 2);
  return {
    products: sum(/^matmul/, ({ M, N, K, batch }) => 2 * M * N * K * batch),
    attention: 2 * sum(/^attention_flash$/, pairs) + 2 * sum(/^attention_flash_dq$/, pairs) + 2 * sum(/_dkv$/, pairs),
  };
}

it.each([
  ['gpt2', {}],
  ['gpt2, odd', { nLayer: 3, nHead: 3, nEmbd: 42, blockSize: 19, batchSize: 3 }],
  ['gpt2, muon', { optimizer: 'muon', gradientAccumulation: 2 }],
  ['llama', LLAMA],
  ['llama, muon', { ...LLAMA, optimizer: 'muon', nHidden: 40 }],
])('agrees with the products that a step dispatches (%s)', async (_, settings) => {
  const config = tiny(settings);
  const trainer = new Trainer(new GPT(await testEngine(), modelConfig(config, V)), config);
  const found = dispatchedOperations(trainer.rehearse());
  const counted = stepWork(config, V);
  const model = counted.attention.operations + counted.MLP.operations + counted.head.operations;
  const byHand = counted.optimizer.operations - elementwiseOperations(trainer, config.optimizer === 'muon');
  expect(found.products + found.attention).toBe(model + byHand);
});

/** What an optimizer does beside products: 17 operations a number by AdamW, 13 by Muon. */
const elementwiseOperations = ({ model: { parameters } }: Trainer, muon: boolean): number =>
  parameters.specs.reduce((sum, { shape, matrices }) => sum + (muon && matrices ? 13 : 17) * sizeOf(shape), 0);

it('counts recomputed blocks apart, all but the last', () => {
  const config = tiny({ recompute: true });
  expect(recomputedOperations(tiny(), V)).toBe(0);
  const { attention, MLP } = forwardOperations(modelConfig(config, V));
  expect(recomputedOperations(config, V)).toBe((256 * (attention + MLP)) / 2);
  expect(stepWork(config, V)).toEqual(stepWork(tiny(), V));
});

it("has the rule of 6 N beside it, and PaLM's convention with what the mask hides", () => {
  const model = modelConfig(resolveConfig('nano'), V);
  const total = (seen?: number) => Object.values(operationsOf(model, seen)).reduce((a, b) => a + b);
  const N = 4 * 12 * 128 ** 2 + 83 * 128;
  expect(sixN(model)).toBe(6 * N);
  expect(total(0)).toBe(6 * N);
  expect(total(64)).toBe(6 * N + 12 * 4 * 128 * 64);
  expect(total()).toBe(6 * N + 12 * 4 * 128 * 32.5);
});

it.each([{}, LLAMA])('the table of a report counts the same (%o)', async (settings) => {
  const { config, parameters } = new GPT(await testEngine(), modelConfig(tiny(settings), V));
  const sum = Object.values(operationsOf(config)).reduce((a, b) => a + b);
  expect(trainingFlopsPerToken(modelTable(config, parameters.specs))).toBe(sum);
});
