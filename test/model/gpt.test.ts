import { describe, expect, it } from 'vitest';
import type { GPT } from '../../src/model/gpt.ts';
import { GPT as Model } from '../../src/model/gpt.ts';
import { STYLES } from '../../src/model/styles.ts';
import { resolveConfig } from '../../src/train/config.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { testEngine } from '../helpers/engine.ts';
import { smallConfig, smallModel } from '../helpers/models.ts';
import { randomIds } from '../helpers/numbers.ts';

const logitsOf = async (model: GPT, ids: Uint32Array<ArrayBuffer>, shape: [number, number]) => {
  const { engine } = model.parameters;
  return engine.withoutGradients(() => model.logits(model.hidden(engine.tensor(ids, shape)))).floats();
};

const rootMeanSquare = (x: Float32Array): number =>
  Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length);

describe.each(Object.keys(STYLES))('a model of the %s style', (style) => {
  it('does not look ahead: changing token t leaves the logits before t bit-equal and changes those at t', async () => {
    const model = smallModel(await testEngine(), style);
    const [B, T, V] = [2, 17, 23];
    const ids = randomIds([B, T], V, 1);
    const before = await logitsOf(model, ids, [B, T]);
    for (const t of [1, 8, 16]) {
      const changed = ids.slice();
      changed[t] = (changed[t] + 1) % V;
      const after = await logitsOf(model, changed, [B, T]);
      expect(after.subarray(0, t * V)).toEqual(before.subarray(0, t * V));
      expect(after.subarray(t * V, (t + 1) * V)).not.toEqual(before.subarray(t * V, (t + 1) * V));
      expect(after.subarray(T * V), 'the other sequence').toEqual(before.subarray(T * V));
    }
  });

  it('reads both ways when asked: a later token changes earlier logits, padding none', async () => {
    const model = smallModel(await testEngine(), style);
    const { engine } = model.parameters;
    const [B, T, V] = [2, 17, 23];
    const lengths = engine.tensor(Uint32Array.of(11, T), [B]);
    const read = (ids: Uint32Array<ArrayBuffer>) =>
      engine
        .withoutGradients(() =>
          model.logits(model.hidden(engine.tensor(ids, [B, T]), { bidirectional: true, lengths })),
        )
        .floats();
    const changedAt = (t: number) => ids.map((id, i) => (i === t ? (id + 1) % V : id));
    const ids = randomIds([B, T], V, 1);
    const before = await read(ids);
    const later = await read(changedAt(10)); // the first sequence's last token
    for (let t = 0; t <= 10; t++) {
      expect(later.subarray(t * V, (t + 1) * V), `token ${t}`).not.toEqual(before.subarray(t * V, (t + 1) * V));
    }
    const padding = await read(changedAt(11));
    expect(padding.subarray(0, 11 * V)).toEqual(before.subarray(0, 11 * V));
    for (const after of [later, padding]) {
      expect(after.subarray(T * V), 'the other sequence').toEqual(before.subarray(T * V));
    }
  });

  it('starts with queries and keys of the size that it is told, and all else to the bit as without', async () => {
    const model = smallModel(await testEngine(), style, { nEmbd: 64 });
    const { parameters, config } = model;
    const weights = async () => parameters.split((await parameters.values.floats()).slice());
    const before = new Map((await weights()).map(({ name, data }) => [name, data]));
    model.initialize(7, { queryKeyGain: 1.5 });
    const C = config.nEmbd;
    for (const { name, data } of await weights()) {
      const joined = name.includes('c_attn.weight');
      const isAttention = (i: number): boolean => (joined ? i % (3 * C) < 2 * C : /[qk]_proj\.weight/.test(name));
      const [fresh, same] = [true, false].map((wanted) => data.filter((_, i) => isAttention(i) === wanted));
      expect(same, name).toEqual(before.get(name)!.filter((_, i) => !isAttention(i)));
      if (fresh.length > 0) expect(rootMeanSquare(fresh), name).toBeCloseTo(1.5 / Math.sqrt(C), 2);
    }
  });

  it('overfits one batch to a loss under 0.01', async () => {
    const model = smallModel(await testEngine(), style, { nEmbd: 32, nHidden: 64 });
    const config = resolveConfig('tiny', {
      ...{ style, nLayer: 2, nHead: 4, nEmbd: 32, batchSize: 3, blockSize: 13, steps: 300, learningRate: 5e-3 },
      ...{ minLearningRate: 1e-3, warmupSteps: 10, weightDecay: 0 },
    });
    const trainer = new Trainer(model, config);
    // every context is another one, also to a model that sees only relative positions
    const inputs = Uint32Array.from({ length: 3 * 13 }, (_, i) => (5 * (i % 13) + Math.floor(i / 13)) % 23);
    const batch = { inputs, targets: randomIds([3, 13], 23, 6) };
    for (let i = 0; i < 300; i++) trainer.train([batch]);
    expect((await trainer.metrics(1))[0].loss).toBeLessThan(0.01);
  });

  it('starts near the loss of guessing', async () => {
    const model = smallModel(await testEngine(), style);
    const { engine } = model.parameters;
    const loss = model.loss(
      engine.tensor(randomIds([4, 19], 23, 1), [4, 19]),
      engine.tensor(randomIds([4, 19], 23, 2), [4, 19]),
    );
    expect(Math.abs((await loss.floats())[0] - Math.log(23))).toBeLessThan(0.1);
  });

  it('has the same gradients to the bit, in less memory, when its blocks are recomputed', async () => {
    const engine = await testEngine();
    const bytes: number[] = [];
    const gradients: Float32Array[] = [];
    for (const recompute of [false, true]) {
      const model = smallModel(engine, style, { dropout: 0.3, nLayer: 4 });
      model.parameters.requireGradients();
      const [ids, targets] = [1, 2].map((seed) => engine.tensor(randomIds([4, 19], 23, seed), [4, 19]));
      const state = engine.tensor(Uint32Array.of(1, 0), [2]);
      const step = engine.record(() => {
        engine.backward(model.loss(ids, targets, { state, recompute }));
        return {};
      });
      step.run();
      bytes.push(step.transientBytes);
      gradients.push(await model.parameters.gradients!.floats());
    }
    expect(gradients[1]).toEqual(gradients[0]);
    expect(gradients[0].some((value) => value !== 0)).toBe(true);
    expect(bytes[1]).toBeLessThan(0.6 * bytes[0]);
  });

  it('drops activations in training only, by seed and step', async () => {
    const model = smallModel(await testEngine(), style, { dropout: 0.3 });
    const { engine } = model.parameters;
    const ids = engine.tensor(randomIds([2, 9], 23, 1), [2, 9]);
    const hidden = (state?: [number, number]) =>
      engine
        .withoutGradients(() => model.hidden(ids, state && { state: engine.tensor(Uint32Array.from(state), [2]) }))
        .floats();
    const [plain, first, again, next] = [
      await hidden(),
      await hidden([1, 0]),
      await hidden([1, 0]),
      await hidden([1, 1]),
    ];
    expect(first).toEqual(again);
    expect(first).not.toEqual(plain);
    expect(first).not.toEqual(next);
  });
});

it('refuses configs that do not fit together, with a sentence', async () => {
  const engine = await testEngine();
  expect(() => new Model(engine, smallConfig('gpt2', { nHead: 5 }))).toThrow('5 heads cannot share a width of 24');
  expect(() => new Model(engine, smallConfig('llama', { nKvHead: 3 }))).toThrow('3 does not divide 4');
  expect(() => new Model(engine, smallConfig('llama', { nHead: 8 }))).toThrow('even head width');
  expect(() => new Model(engine, smallConfig('gpt2', { nLayer: 0 }))).toThrow('nLayer must be a whole number');
});

it.each([
  { nHead: 4, nKvHead: 4 },
  { nHead: 4, nKvHead: 2 },
])('a head that begins so looks at the token before, whatever the tokens are: %j', async (heads) => {
  const model = smallModel(await testEngine(), 'llama', { nEmbd: 64, nLayer: 2, vocabSize: 50, ...heads });
  const { parameters, config } = model;
  const weights = async () =>
    new Map(parameters.split((await parameters.values.floats()).slice()).map((one) => [one.name, one.data]));
  model.initialize(7, { queryKeyGain: 1 });
  const before = await weights();
  model.initialize(7, { queryKeyGain: 1, previousTokenHead: true });
  const after = await weights();
  const changed = [...after].flatMap(([name, data]) =>
    data.some((value, i) => value !== before.get(name)![i]) ? [name] : [],
  );
  const [tokens, query, key] = ['embed_tokens', 'layers.0.self_attn.q_proj', 'layers.0.self_attn.k_proj'].map(
    (name) => `model.${name}.weight`,
  );
  expect(new Set(changed)).toEqual(new Set([tokens, query, key]));
  const [C, D] = [config.nEmbd, config.nEmbd / config.nHead];
  /** Query or key of a token at a place: RMS norm, projection and rotation as formulas. */
  const turned = (matrix: string, id: number, place: number): number[] => {
    const x = after.get(tokens)!.subarray(id * C, (id + 1) * C);
    const rows = Array.from({ length: D }, (_, d) => after.get(matrix)!.subarray(d * C, (d + 1) * C));
    const y = rows.map((row) => row.reduce((sum, w, c) => sum + (w * x[c]) / rootMeanSquare(x), 0));
    const angle = (d: number): number => place * config.ropeBase ** ((-2 * (d % (D / 2))) / D);
    return y.map(
      (value, d) => value * Math.cos(angle(d)) + (d < D / 2 ? -y[d + D / 2] : y[d - D / 2]) * Math.sin(angle(d)),
    );
  };
  const ids = randomIds([20], 50, 3);
  for (let t = 1; t < ids.length; t++) {
    const q = turned(query, ids[t], t);
    const scores = Array.from({ length: t + 1 }, (_, s) =>
      Math.exp(turned(key, ids[s], s).reduce((sum, k, d) => sum + k * q[d], 0) / Math.sqrt(D)),
    );
    expect(scores[t - 1] / scores.reduce((a, b) => a + b)).toBeGreaterThan(0.6);
  }
});
