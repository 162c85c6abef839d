import { describe, expect, it } from 'vitest';
import { rope } from '../../src/kernels/rope.ts';
import { testEngine } from '../helpers/engine.ts';
import { describeAnchors, goldenCases, runOp } from '../helpers/golden.ts';
import { pack } from '../helpers/heads.ts';
import { expectClose, normalNumbers } from '../helpers/numbers.ts';

/** The tensor serves as queries, keys and values; the values must come through as they are. */
describeAnchors(
  rope,
  goldenCases('rope').map(({ inputs: { x }, attributes, gradients, output, dOutput }) => ({
    inputs: {
      qkv: pack(x, x, x),
      start: { shape: [x.shape[0]], data: new Uint32Array(x.shape[0]).fill(attributes.offset) },
    },
    attributes: { nHead: x.shape[1], nKvHead: x.shape[1], base: attributes.base },
    output: pack(output, output, x),
    dOutput: pack(dOutput, dOutput, dOutput),
    gradients: { qkv: pack(gradients.x, gradients.x, dOutput) },
  })),
);

const attributes = { nHead: 1, nKvHead: 1, base: 10000 };

describe('rope', () => {
  it.each([6, 64])('stays exact at position 4,000 (D %i)', async (D) => {
    const shape = [2, 3, 3 * D];
    const inputs = {
      qkv: { shape, data: normalNumbers(shape, 1) },
      start: { shape: [2], data: Uint32Array.of(4000, 1023) },
    };
    const { output } = await runOp(rope, inputs, { attributes, dy: { shape, data: normalNumbers(shape, 2) } });
    expectClose(output, rope.definition.reference(inputs, attributes), 2e-6);
  });

  it('without start is the same as starting at 0', async () => {
    const engine = await testEngine();
    engine.variant = 'best';
    const qkv = engine.tensor(normalNumbers([2, 3, 24], 1), [2, 3, 24]);
    const start = engine.tensor(Uint32Array.of(0, 0), [2]);
    const zeros = await rope({ qkv, start }, attributes).floats();
    expect(await rope({ qkv }, attributes).floats()).toEqual(zeros);
  });

  it('refuses odd widths and starts of the wrong shape', async () => {
    const engine = await testEngine();
    expect(() => rope({ qkv: engine.zeros([1, 1, 9]) }, attributes)).toThrow(/even width, got 3/);
    const inputs = { qkv: engine.zeros([2, 1, 12]), start: engine.zeros([1], 'u32') };
    expect(() => rope(inputs, attributes)).toThrow(/start must be \(2\)/);
  });
});
