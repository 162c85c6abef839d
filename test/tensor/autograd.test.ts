import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { defineOp } from '../../src/tensor/op.ts';
import { threefry } from '../../src/tensor/random.ts';
import type { Shape } from '../../src/tensor/shape.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { testEngine } from '../helpers/engine.ts';
import { normalNumbers } from '../helpers/numbers.ts';
import { checkGradients, gpu, leaf, type Network, type Ops } from './networks.ts';

const { add, multiply, scale, softmax } = gpu;

const SHAPE: Shape = [3, 5];

/** A sum takes gradients without copying them: these are the networks in which one buffer serves several tensors. */
const NETWORKS: Record<string, [Network, Shape[]]> = {
  'x + x': [(o, [x]) => o.add(x, x), [SHAPE]],
  'x * x': [(o, [x]) => o.multiply(x, x), [SHAPE]],
  'x + x of what was computed': [(o, [x]) => fold(o.gelu(x), (h) => o.add(h, h)), [SHAPE]],
  'x + (x + (x + x))': [(o, [x]) => fold(o.gelu(x), (h) => o.add(h, o.add(h, o.add(h, h)))), [SHAPE]],
  'a tensor in two places': [(o, [x, w]) => o.multiply(o.gelu(x), o.add(x, w)), [SHAPE, SHAPE]],
  'a diamond': [(o, [x]) => fold(o.gelu(x), (h) => o.add(o.softmax(h), o.scale(h, 3))), [SHAPE]],
  'a diamond whose sides meet twice': [
    (o, [x]) =>
      fold(o.gelu(x), (h) => {
        const [a, b] = [o.softmax(h), o.scale(h, 2)];
        return o.add(o.multiply(a, b), o.add(b, a));
      }),
    [SHAPE],
  ],
  'a residual chain': [(o, [x]) => repeat(5, x, (h) => o.add(h, o.gelu(h))), [SHAPE]],
  'a residual chain, sides swapped': [(o, [x]) => repeat(5, x, (h) => o.add(o.gelu(h), h)), [SHAPE]],
  'residuals in matmul, one weight for all': [
    (o, [x, w]) => repeat(4, x, (h) => o.matmul(o.softmax(h), w, h)),
    [SHAPE, [5, 5]],
  ],
  'a residual that is also the operand': [(o, [x, w]) => repeat(3, x, (h) => o.matmul(h, w, h)), [SHAPE, [5, 5]]],
  // the gradient of h comes straight from the output, then another is added to it when nobody else holds it any more
  'a short cut from the output': [(o, [x]) => fold(o.gelu(x), (h) => o.add(h, o.scale(o.scale(h, 3), 2))), [SHAPE]],
  'two short cuts from the output': [
    (o, [x]) => fold(o.gelu(x), (h) => fold(o.gelu(h), (k) => o.add(h, o.add(k, o.multiply(h, o.gelu(k)))))),
    [SHAPE],
  ],
  'a short cut from the middle': [
    (o, [x, w]) =>
      o.multiply(
        w,
        fold(o.gelu(x), (h) => o.add(h, o.scale(o.gelu(h), 2))),
      ),
    [SHAPE, SHAPE],
  ],
  'sums of sums that share parts': [
    (o, [x, w]) => {
      const [h, k] = [o.gelu(x), o.gelu(w)];
      const a = o.add(h, k);
      const b = o.add(a, h);
      return o.add(o.add(b, a), o.multiply(o.gelu(a), o.add(b, k)));
    },
    [SHAPE, SHAPE],
  ],
  'other shapes of one tensor': [
    (o, [x]) => fold(o.gelu(x), (h) => o.add(o.reshape(o.gelu(o.reshape(h, [15])), SHAPE), h)),
    [SHAPE],
  ],
  'a sum of other shapes': [
    (o, [x]) => fold(o.gelu(x), (h) => o.gelu(o.add(o.reshape(h, [5, 3]), o.reshape(o.softmax(h), [5, 3])))),
    [SHAPE],
  ],
  'broadcasting beside a sum': [
    (o, [x, b]) => fold(o.add(o.gelu(x), b), (h) => o.add(h, o.multiply(h, b))),
    [SHAPE, [5]],
  ],
};

const fold = <X>(x: X, work: (x: X) => X): X => work(x);
const repeat = <X>(times: number, x: X, work: (x: X) => X): X =>
  Array.from({ length: times }).reduce<X>((h) => work(h), x);

it.each(Object.entries(NETWORKS))('gradients of %s', async (_, [network, shapes]) => {
  await checkGradients(await testEngine(), network, shapes);
});

/** A random network of sums, products and residuals; nodes are taken again and again, the late ones more often. */
function randomNetwork(seed: number): Network {
  return <X>(ops: Ops<X>, leaves: X[]): X => {
    let draws = 0;
    const random = (below: number): number => threefry(seed, 1, draws++, 0)[0] % below;
    const nodes = leaves.map((x) => ops.gelu(x));
    const pick = (): X => nodes[Math.max(random(nodes.length), random(nodes.length))];
    for (let i = 0; i < 12; i++) {
      const kind = random(8);
      if (kind < 4) nodes.push(ops.scale(ops.add(pick(), pick()), 0.5));
      else if (kind === 4) nodes.push(ops.add(pick(), pick()));
      else if (kind === 5) nodes.push(ops.multiply(ops.softmax(pick()), pick()));
      else if (kind === 6) nodes.push(ops.gelu(pick()));
      else nodes.push(ops.reshape(ops.add(ops.reshape(pick(), [15]), ops.reshape(pick(), [15])), SHAPE));
    }
    return ops.add(nodes[nodes.length - 1], ops.add(nodes[nodes.length - 2], nodes[nodes.length - 1]));
  };
}

it('gradients of random networks', async () => {
  const engine = await testEngine();
  for (let seed = 0; seed < 25; seed++) await checkGradients(engine, randomNetwork(seed), [SHAPE, SHAPE]);
});

it('a residual chain hands gradients on without copying them', async () => {
  const engine = await testEngine();
  const x = leaf(engine, SHAPE, 1);
  const dy = engine.tensor(new Float32Array(15), SHAPE);
  const { commands } = engine.device.capture(() => {
    const y = repeat(4, x, (h) => add(h, scale(scale(h, 2), 2)));
    engine.backward(y, dy);
  });
  const copies = commands.filter(({ kind }) => kind === 'copy');
  expect(copies).toHaveLength(1); // dy belongs to the caller, so what is added to it is a copy
});

describe('backward', () => {
  it('adds to the gradients that are there', async () => {
    const engine = await testEngine();
    const x = leaf(engine, [], 1).write(Float32Array.of(3));
    engine.backward(multiply(x, x));
    expect(await x.grad!.floats()).toEqual(Float32Array.of(6));
    engine.backward(multiply(x, x));
    expect(await x.grad!.floats()).toEqual(Float32Array.of(12));
  });

  it('multiplies by the gradient of the loss, which it leaves alone', async () => {
    const engine = await testEngine();
    const x = leaf(engine, [1], 1).write(Float32Array.of(3));
    const dLoss = engine.tensor([0.25], []);
    for (let i = 1; i <= 3; i++) {
      const h = scale(x, 1);
      engine.backward(add(h, scale(scale(h, 2), 2)), dLoss); // h ends as dLoss's only holder
      expect(await x.grad!.floats()).toEqual(Float32Array.of(1.25 * i));
      expect(await dLoss.floats()).toEqual(Float32Array.of(0.25));
    }
  });

  it('leaves the gradient of a loss by itself at 1', async () => {
    const engine = await testEngine();
    const x = leaf(engine, [], 1);
    const h = scale(x, 1);
    engine.backward(add(h, scale(scale(h, 2), 3)));
    expect(await x.grad!.floats()).toEqual(Float32Array.of(7));
    expect(await engine.one.floats()).toEqual(Float32Array.of(1));
  });

  it('leaves constants, and what does not lead to the loss, without gradients', async () => {
    const engine = await testEngine();
    const [x, unused] = [leaf(engine, [2], 1), leaf(engine, [2], 2)];
    const constant = engine.tensor([1, 2], [2]);
    scale(unused, 2);
    engine.backward(multiply(x, constant), engine.tensor([1, 1], [2]));
    expect(await x.grad!.floats()).toEqual(Float32Array.of(1, 2));
    expect(await unused.grad!.floats()).toEqual(new Float32Array(2));
    expect([constant.grad, constant.requiresGrad]).toEqual([undefined, false]);
    expect(multiply(constant, constant).requiresGrad).toBe(false);
  });

  it('refuses what it cannot do, in a sentence', async () => {
    const engine = await testEngine();
    const x = leaf(engine, [2], 1);
    const refused = (loss: Tensor, dLoss: Tensor | undefined, message: string) => {
      expect(() => engine.backward(loss, dLoss)).toThrow(new UserError(message));
    };
    const y = softmax(x);
    refused(y, undefined, 'backward: the loss must be one number, got shape (2)');
    refused(y, engine.zeros([3]), 'backward: dOutput must be (2), got (3)');
    const constant = softmax(engine.zeros([1]));
    refused(constant, undefined, 'backward: no parameter leads to this loss');
    engine.backward(y, engine.tensor([1, 0], [2])); // what was refused has spoilt nothing
    expect((await x.grad!.floats()).some((value) => value !== 0)).toBe(true);
  });

  it('works once for what has run', async () => {
    const engine = await testEngine();
    const x = leaf(engine, [], 1);
    const [loss, other] = [scale(x, 2), scale(x, 5)];
    engine.backward(loss);
    for (const used of [loss, other]) {
      expect(() => engine.backward(used)).toThrow(
        new UserError('backward: the tape does not hold this loss (each backward empties it): compute the loss again'),
      );
    }
    expect(await x.grad!.floats()).toEqual(Float32Array.of(2));
  });

  it('that failed leaves a tape on which the next one works', async () => {
    const engine = await testEngine();
    const x = leaf(engine, [], 1);
    const failing = defineOp<{ x: Tensor }>({
      ...scaleByTwo,
      backward: () => {
        throw new UserError('no gradient today');
      },
    });
    expect(() => engine.backward(failing({ x: scale(x, 3) }))).toThrow('no gradient today');
    engine.backward(scale(scale(x, 3), 2));
    expect(await x.grad!.floats()).toEqual(Float32Array.of(6));
  });
});

describe('checkpoint', () => {
  /** Bits of the leaves' gradients when `wrap` stands around each gelu and around the whole network. */
  const gradientsOf = async (network: Network, shapes: Shape[], wrap: (work: () => Tensor) => Tensor) => {
    const engine = await testEngine();
    const leaves = shapes.map((shape, i) => leaf(engine, shape, i + 1));
    const y = wrap(() => network({ ...gpu, gelu: (x) => wrap(() => gpu.gelu(gpu.scale(x, 2))) }, leaves));
    engine.backward(y, engine.tensor(normalNumbers(y.shape, 77), y.shape));
    return Promise.all([y, ...leaves.map(({ grad }) => grad!)].map((tensor) => tensor.floats()));
  };

  it.each(Object.entries(NETWORKS))('changes no bit of the gradients of %s', async (_, [network, shapes]) => {
    const engine = await testEngine();
    const plain = await gradientsOf(network, shapes, (work) => work());
    expect(await gradientsOf(network, shapes, (work) => engine.checkpoint(work))).toEqual(plain);
  });

  it('keeps the result alone, and runs again for the gradients alone', async () => {
    const engine = await testEngine();
    const x = leaf(engine, [2], 1);
    let runs = 0;
    const work = () => {
      runs++;
      return scale(scale(x, 2), 3);
    };
    expect(engine.withoutGradients(() => engine.checkpoint(work)).requiresGrad).toBe(false);
    const y = engine.checkpoint(work);
    expect([y.requiresGrad, runs]).toEqual([true, 2]);
    engine.backward(y, engine.tensor([1, 10], [2]));
    expect([...(await x.grad!.floats()), runs]).toEqual([6, 60, 3]);
  });

  it('that failed leaves the tape as it was', async () => {
    const engine = await testEngine();
    const x = leaf(engine, [], 1);
    const y = scale(x, 5);
    const fail = () => {
      scale(y, 2);
      throw new Error('inside');
    };
    expect(() => engine.checkpoint(fail)).toThrow('inside');
    engine.backward(y);
    expect(await x.grad!.floats()).toEqual(Float32Array.of(5));
  });
});

/** The definition of an op that does nothing to its output. */
const scaleByTwo = {
  name: 'nothing',
  inputs: ['x'] as const,
  shape: () => [],
  run: { only: () => {} },
  reference: () => [0],
  cases: [],
};

describe('withoutGradients', () => {
  it('writes no tape, and goes back to what was before, also after an error and from within itself', async () => {
    const engine = await testEngine();
    const x = leaf(engine, [], 1);
    const double = () => scale(x, 2);
    const y = engine.withoutGradients(() => {
      expect(engine.withoutGradients(double).requiresGrad).toBe(false);
      return double();
    });
    expect(y.requiresGrad).toBe(false);
    expect(() => engine.backward(y)).toThrow('backward: no parameter leads to this loss');
    const fail = () => {
      throw new Error('inside');
    };
    expect(() => engine.withoutGradients(fail)).toThrow('inside');
    expect(double().requiresGrad).toBe(true);
  });
});
