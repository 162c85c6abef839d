import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { multiply } from '../../src/kernels/add.ts';
import { type ParameterSpec, Parameters } from '../../src/tensor/parameters.ts';
import { normals } from '../../src/tensor/random.ts';
import { sizeOf } from '../../src/tensor/shape.ts';
import { testEngine } from '../helpers/engine.ts';
import { normalNumbers } from '../helpers/numbers.ts';

const spec = (name: string, shape: number[], more: Partial<ParameterSpec> = {}): ParameterSpec => ({
  name,
  shape,
  init: { std: 0.02 },
  decay: true,
  ...more,
});

/** Biases and norms stand among the matrices; q, k and v are one stack of 5 + 2 + 2 rows, and so are their biases. */
const SPECS: ParameterSpec[] = [
  spec('embedding', [7, 3]),
  spec('norm', [3], { init: 'ones', decay: false }),
  ...['q', 'k', 'v'].map((part) => spec(part, [part === 'q' ? 5 : 2, 3], { stack: 'qkv' })),
  ...['q', 'k', 'v'].map((part) =>
    spec(`${part}.bias`, [part === 'q' ? 5 : 2], { stack: 'qkv.bias', decay: false, init: 'zeros' }),
  ),
  spec('out', [64, 2]),
];
const SIZE = 21 + 3 + 27 + 9 + 128;

/** Elements to which bindings are aligned. */
const ALIGNED = 64;
const offsetOf = (parameters: Parameters, name: string): number =>
  (parameters.get(name).view.offsetBytes - parameters.values.view.offsetBytes) / 4;

describe('the layout', () => {
  it('puts what decays first, and all that kernels bind at aligned places', async () => {
    const parameters = new Parameters(await testEngine(), SPECS);
    expect(parameters.specs.map(({ name }) => name)).toEqual([
      'embedding',
      'q',
      'k',
      'v',
      'out',
      'norm',
      'q.bias',
      'k.bias',
      'v.bias',
    ]);
    const bound = ['embedding', 'qkv', 'out', 'norm', 'qkv.bias'];
    expect(bound.map((name) => offsetOf(parameters, name))).toEqual([0, 64, 128, 256, 320]);
    expect(parameters.decayEnd).toBe(256);
    for (const { name, decay } of SPECS) expect(offsetOf(parameters, name) < parameters.decayEnd, name).toBe(decay);
    expect(parameters.values.shape).toEqual([384]);
    expect(parameters.values.size % ALIGNED).toBe(0);
    expect(parameters.count).toBe(SIZE);
  });

  it('may have nothing that decays, or nothing else', async () => {
    const engine = await testEngine();
    expect(new Parameters(engine, [spec('a', [3], { decay: false })]).decayEnd).toBe(0);
    expect(new Parameters(engine, [spec('a', [65])]).decayEnd).toBe(128);
    expect(new Parameters(engine, []).values.size).toBe(0);
  });

  it('keeps parameters and gaps apart', async () => {
    const parameters = new Parameters(await testEngine(), SPECS);
    const covered = new Float32Array(parameters.values.size);
    parameters.specs.forEach(({ name, shape }, i) => {
      parameters.get(name).write(new Float32Array(sizeOf(shape)).fill(i + 1));
      covered.fill(i + 1, offsetOf(parameters, name), offsetOf(parameters, name) + sizeOf(shape));
    });
    expect(await parameters.values.floats()).toEqual(covered);
    expect(covered.filter((value) => value !== 0)).toHaveLength(SIZE);
  });

  it('names a parameter that there is not', async () => {
    const parameters = new Parameters(await testEngine(), SPECS);
    expect(() => parameters.get('wte')).toThrow(new UserError('the model has no parameter wte'));
  });
});

describe('stacks', () => {
  it('show their parts one below the other', async () => {
    const parameters = new Parameters(await testEngine(), SPECS).initialize(1);
    for (const [stack, shape] of [
      ['qkv', [9, 3]],
      ['qkv.bias', [9]],
    ] as const) {
      expect(parameters.get(stack).shape).toEqual(shape);
      const parts = parameters.specs
        .filter((one) => one.stack === stack)
        .map(({ name }) => parameters.get(name).floats());
      const joined = (await Promise.all(parts)).flatMap((part) => [...part]);
      expect([...(await parameters.get(stack).floats())]).toEqual(joined);
    }
  });

  it('share their gradients with their parts', async () => {
    const engine = await testEngine();
    const parameters = new Parameters(engine, SPECS).initialize(2).requireGradients();
    const weights = normalNumbers([9, 3], 5);
    engine.backward(
      multiply({ a: parameters.get('qkv'), b: engine.tensor(weights, [9, 3]) }),
      engine.tensor(new Float32Array(27).fill(2), [9, 3]),
    );
    expect(await parameters.get('k').grad!.floats()).toEqual(weights.subarray(15, 21).map((value) => 2 * value));
  });

  it('refuse other parameters between their parts, and parts of other widths', async () => {
    const engine = await testEngine();
    const part = (name: string, shape: number[]) => spec(name, shape, { stack: 'both' });
    const sentence = 'the parts of both must be neighbours, alike but for the length of their first axis';
    for (const specs of [
      [part('a', [2, 3]), spec('between', [1]), part('b', [2, 3])],
      [part('a', [2, 3]), { ...part('b', [2, 3]), decay: false }],
      [part('a', [2, 3]), part('b', [2, 4])],
      [part('a', [2, 3]), part('b', [2])],
    ]) {
      expect(() => new Parameters(engine, specs)).toThrow(sentence);
    }
  });
});

describe('gradients', () => {
  it('stand in the places of their parameters, zero at first', async () => {
    const engine = await testEngine();
    const parameters = new Parameters(engine, SPECS).initialize(3);
    expect([parameters.gradients, parameters.get('out').requiresGrad]).toEqual([undefined, false]);
    expect(parameters.requireGradients()).toBe(parameters);
    const { gradients } = parameters;
    expect(await gradients!.floats()).toEqual(new Float32Array(parameters.values.size));
    const ones = engine.tensor(new Float32Array(128).fill(1), [64, 2]);
    engine.backward(multiply({ a: parameters.get('out'), b: ones }), ones);
    const expected = new Float32Array(parameters.values.size).fill(1, 128, 256);
    expect(await gradients!.floats()).toEqual(expected);
    expect(parameters.requireGradients().gradients).toBe(gradients);
  });
});

describe('split and join', () => {
  it('are each the opposite of the other', async () => {
    const parameters = new Parameters(await testEngine(), SPECS).initialize(4);
    const flat = await parameters.values.floats();
    const parts = parameters.split(flat);
    expect(parts.map(({ name, shape }) => [name, shape])).toEqual(
      parameters.specs.map(({ name, shape }) => [name, shape]),
    );
    for (const { name, data } of parts) expect(data, name).toEqual(await parameters.get(name).floats());
    const joined = parameters.join((name, shape) => {
      const part = parts.find((one) => one.name === name)!;
      expect(shape).toEqual(part.shape);
      return part.data;
    });
    expect(joined).toEqual(flat);
    expect(joined.buffer).not.toBe(flat.buffer);
  });
});

describe('initialize', () => {
  const valuesOf = async (specs: ParameterSpec[], seed: number) =>
    new Parameters(await testEngine(), specs).initialize(seed).values.floats();

  it('depends on the seed alone', async () => {
    const first = await valuesOf(SPECS, 1337);
    expect(await valuesOf(SPECS, 1337)).toEqual(first);
    const parameters = new Parameters(await testEngine(), SPECS).initialize(7);
    expect(await parameters.values.floats()).not.toEqual(first);
    expect(await parameters.initialize(1337).values.floats()).toEqual(first); // again: nothing of the old is left
  });

  it('gives zeros, ones and normal numbers of the asked deviation, another stream for each', async () => {
    const parameters = new Parameters(await testEngine(), SPECS).initialize(1337);
    expect(await parameters.get('norm').floats()).toEqual(Float32Array.of(1, 1, 1));
    expect(await parameters.get('qkv.bias').floats()).toEqual(new Float32Array(9));
    expect(await parameters.get('embedding').floats()).toEqual(normals(21, 0.02, 1337, 0));
    expect(await parameters.get('out').floats()).toEqual(normals(128, 0.02, 1337, 4));
    const gaps = parameters.join(() => []).map((_, i) => (i >= 21 && i < 64 ? 1 : 0));
    const values = await parameters.values.floats();
    expect(values.filter((_, i) => gaps[i] === 1)).toEqual(new Float32Array(43));
  });
});

describe('frozen parameters', () => {
  it('have no gradients and no place among them; neighbours that are trained are one stretch', async () => {
    const parameters = new Parameters(await testEngine(), SPECS);
    parameters.requireGradients(['embedding', 'q', 'k', 'v', 'norm', 'q.bias', 'k.bias', 'v.bias']);
    expect(parameters.get('out').requiresGrad).toBe(false);
    expect(parameters.get('out').grad).toBeUndefined();
    expect(parameters.trained).toEqual([
      { start: 0, end: 128, at: 0 },
      { start: 256, end: 384, at: 128 },
    ]);
    const { gradients } = parameters;
    expect(gradients!.shape).toEqual([256]);
    for (const [name, place] of [
      ['embedding', 0],
      ['qkv', 64],
      ['norm', 128],
      ['qkv.bias', 192],
    ] as const) {
      const { grad, shape } = parameters.get(name);
      expect(grad!.shape).toEqual(shape);
      expect(grad!.view.offsetBytes - gradients!.view.offsetBytes, name).toBe(4 * place);
    }
  });

  it('split and join by what is trained', async () => {
    const parameters = new Parameters(await testEngine(), SPECS).requireGradients(['out', 'norm']);
    const flat = parameters.join(
      (name, shape) => new Float32Array(sizeOf(shape)).fill(name === 'out' ? 1 : 2),
      'gradients',
    );
    expect(flat.length).toBe(parameters.gradients!.size);
    const parts = parameters.split(flat, 'gradients');
    expect(parts.map(({ name, data }) => [name, data.length, data[0]])).toEqual([
      ['out', 128, 1],
      ['norm', 3, 2],
    ]);
  });

  it('are chosen anew by another call, and the same ones keep their gradients', async () => {
    const parameters = new Parameters(await testEngine(), SPECS).requireGradients(['out']);
    const { gradients } = parameters;
    expect(parameters.requireGradients(['out']).gradients).toBe(gradients);
    parameters.requireGradients(['norm']);
    expect(parameters.get('out').requiresGrad).toBe(false);
    expect(parameters.get('norm').requiresGrad).toBe(true);
    expect(parameters.requireGradients([]).gradients).toBeUndefined();
  });

  it('are no parts of stacks, and known by name', async () => {
    const parameters = new Parameters(await testEngine(), SPECS);
    expect(() => parameters.requireGradients(['q', 'k'])).toThrow('k and v are trained together or not at all');
    expect(() => parameters.requireGradients(['wte'])).toThrow(new UserError('the model has no parameter wte'));
  });
});
