import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { NO_FILTERS } from '../../src/kernels/sampling/settings.ts';
import { Generator } from '../../src/model/generate.ts';
import { GPT } from '../../src/model/gpt.ts';
import { LoraAdapters, targetsOf } from '../../src/model/lora.ts';
import { quantizeModel, weightBytes } from '../../src/model/quantized.ts';
import { styleOf } from '../../src/model/styles.ts';
import { type PackedFormat, pack, unpack } from '../../src/tensor/operands/packing.ts';
import { testEngine } from '../helpers/engine.ts';
import { smallModel } from '../helpers/models.ts';
import { expectClose } from '../helpers/numbers.ts';

const engine = await testEngine();

/** A model with clear choices, and heads of 16: they decode in two dispatches a block. */
function decisive(style: string, tieEmbeddings: boolean): GPT {
  const nKvHead = styleOf({ style }).grouped ? 2 : 4;
  return smallModel(engine, style, { nEmbd: 64, nHead: 4, nKvHead, nHidden: 132, tieEmbeddings });
}

async function scaled(model: GPT): Promise<GPT> {
  const { values } = model.parameters;
  values.write((await values.floats()).map((x) => 5 * x));
  return model;
}

/** The plain model with the numbers that the quantized one stands for: every matrix by itself, as files have it. */
async function asQuantized(model: GPT, format: PackedFormat): Promise<GPT> {
  const { parameters, config, style } = model;
  const parts = new Map(parameters.split(await parameters.values.floats()).map((part) => [part.name, part]));
  const twin = new GPT(engine, config);
  const numbers = parameters.join((name) => {
    const { shape, data } = parts.get(name)!;
    const matrix = parameters.specs.find((spec) => spec.name === name)!.matrices !== undefined;
    if (!matrix && ![`${style.names.tokens}.weight`, `${style.names.head}.weight`].includes(name)) return data;
    const turned = matrix && !style.transposed; // (in, out)
    const [N, K] = turned ? [shape[1], shape[0]] : shape;
    const back = unpack(pack({ data, row: turned ? 1 : K, col: turned ? N : 1 }, [N, K], format, 8192));
    return turned ? data.map((_, i) => back[(i % N) * K + Math.floor(i / N)]) : back;
  });
  twin.parameters.values.write(numbers);
  return twin;
}

async function greedy(model: GPT, prompts: number[][]): Promise<number[]> {
  const settings = { ...NO_FILTERS, temperature: 0, seed: 1, tokens: 24 };
  const made: number[] = [];
  for await (const { tokens } of new Generator(model, prompts.length).generate(prompts, settings)) made.push(...tokens);
  return made;
}

describe.each([
  ['gpt2', true, 'int8'],
  ['llama', false, 'int4'],
] as const)('a quantized model in the %s style, tied embeddings: %s, %s', (style, tied, format) => {
  it('scores and writes as the plain one with the same numbers', async () => {
    const model = await scaled(decisive(style, tied));
    const twin = await asQuantized(model, format);
    const quantized = await quantizeModel(model, format);
    const ids = engine.tensor(Uint32Array.from([3, 1, 4, 1, 5, 9, 2, 6]), [2, 4]);
    const logits = (of: GPT) => engine.withoutGradients(() => of.logits(of.hidden(ids))).floats();
    expectClose(await logits(quantized), await logits(twin), 2e-4, 'logits');
    const loss = (of: GPT) => engine.withoutGradients(() => of.loss(ids, ids)).floats();
    expectClose(await loss(quantized), await loss(twin), 1e-4, 'loss');
    for (const prompts of [[[3, 1, 4]], Array.from({ length: 8 }, (_, b) => [b + 1, 2])]) {
      expect(await greedy(quantized, prompts)).toEqual(await greedy(twin, prompts));
    }
  });
});

describe('quantized weights', () => {
  it('leave none of the plain ones on the adapter, and are small', async () => {
    const model = decisive('llama', false);
    const { count } = model.parameters;
    const quantized = await quantizeModel(model, 'int4');
    expect(model.parameters.values.view.block.gpu).toBeUndefined();
    const { matrices, others } = weightBytes(quantized);
    expect(4 * quantized.parameters.count).toBe(others);
    expect((4 * count - others) / matrices).toBeGreaterThan(6.5); // rows of 23 and 44 are filled up; 7.5 at usual widths
  });

  it('serve with adapters beside them, and refuse to be merged with them, or trained', async () => {
    const quantized = await quantizeModel(await scaled(decisive('gpt2', true)), 'int8');
    const before = await greedy(quantized, [[3, 1, 4]]);
    const lora = { rank: 2, alpha: 2, targets: targetsOf(quantized.config), dropout: 0 };
    const adapters = new LoraAdapters(engine, quantized, lora).initialize(1);
    const { values } = adapters.parameters;
    values.write((await values.floats()).map((_, i) => Math.sin(i)));
    quantized.adapters = adapters;
    expect(await greedy(quantized, [[3, 1, 4]])).not.toEqual(before);
    expect(() => adapters.merge()).toThrow(UserError);
    expect(() => adapters.merge()).toThrow(/merging adapters needs the weights as they were trained; these are int8/);
    const ids = engine.tensor(Uint32Array.of(1, 2), [1, 2]);
    expect(() => quantized.loss(ids, ids)).toThrow(/training needs the weights as they were trained/);
  });
});
