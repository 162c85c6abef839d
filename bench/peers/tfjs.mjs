/**
 * TensorFlow.js, on its WebGPU or its wasm backend: tfjs.mjs after DAWNLM_PEER_BACKEND. Its Adam has no weight decay and no
 * clipping, so that both are made of its ops; the embedding of training is a product with one-hot rows, since the gradient of
 * a look-up is missing on wasm.
 * Dims: B batch, T time, C width, H heads, D head width, V vocabulary.
 */
import { availableParallelism } from 'node:os';
import * as peer from './inputs.ts';
import { serve } from './serve.ts';

const { backend, CHECKED, ends, load } = peer;
const tf = load('@tensorflow/tfjs');
const { gpu, adapter } = await peer.openGpu();
if (gpu) {
  globalThis.navigator = { gpu, hardwareConcurrency: availableParallelism() };
  load('@tensorflow/tfjs-backend-webgpu');
} else {
  load('@tensorflow/tfjs-backend-wasm').setWasmPaths(peer.installed('@tensorflow/tfjs-backend-wasm/dist/'));
}
if (!(await tf.setBackend(backend))) throw new Error(`TensorFlow.js cannot use ${backend} here`);
await tf.ready();

/** Resolves when all work that was submitted is done, without reading anything back. */
async function finish() {
  if (backend !== 'webgpu') return;
  const { commandEncoder, queue } = tf.backend();
  if (commandEncoder) {
    tf.backend().endComputePassEncoder();
    tf.backend().submitQueue();
  }
  await queue.onSubmittedWorkDone();
}

class Model {
  constructor({ sizes, ...job }) {
    this.sizes = sizes;
    this.weights = {};
    for (const { name, shape, data, decay } of peer.readWeights(job)) {
      this.weights[name] = tf.variable(tf.tensor(data, shape)); // its name would have to be the only one in the process
      this.weights[name].decay = decay;
    }
    const window = [sizes.batchSize, sizes.blockSize];
    this.ids = tf.tensor(Int32Array.from(job.inputs), window, 'int32'); // (B, T)
    const T = sizes.blockSize;
    this.mask = tf.tensor(
      Float32Array.from({ length: T * T }, (_, i) => (i % T > Math.floor(i / T) ? -1e30 : 0)),
      [T, T],
    );
  }

  weight(name) {
    return this.weights[`transformer.${name}.weight`];
  }

  norm(x, name) {
    const { mean, variance } = tf.moments(x, -1, true);
    return x.sub(mean).mul(variance.add(1e-5).rsqrt()).mul(this.weight(name));
  }

  /** x W over the last axis: (B, T, K) -> (B, T, N). */
  linear(x, weight, transposed = false) {
    const rows = x.reshape([-1, x.shape.at(-1)]);
    return tf.matMul(rows, weight, false, transposed).reshape([...x.shape.slice(0, -1), -1]);
  }

  /** (B, T, C) of embedded tokens -> (B, T, V). A cache is a list of { k, v } a layer, which grows. */
  logits(embedded, start = 0, cache = undefined) {
    const { nLayer } = this.sizes;
    const T = embedded.shape[1];
    let x = embedded.add(this.weight('wpe').slice([start, 0], [T, -1])); // (B, T, C)
    for (let layer = 0; layer < nLayer; layer++) {
      const h = `h.${layer}`;
      const qkv = this.linear(this.norm(x, `${h}.ln_1`), this.weight(`${h}.attn.c_attn`)); // (B, T, 3 C)
      x = x.add(this.linear(this.attend(qkv, layer, cache), this.weight(`${h}.attn.c_proj`)));
      const up = gelu(this.linear(this.norm(x, `${h}.ln_2`), this.weight(`${h}.mlp.c_fc`))); // (B, T, 4 C)
      x = x.add(this.linear(up, this.weight(`${h}.mlp.c_proj`)));
    }
    return this.linear(this.norm(x, 'ln_f'), this.weight('wte'), true);
  }

  attend(qkv, layer, cache) {
    const { nHead } = this.sizes;
    const [B, T] = qkv.shape;
    const split = (x) => x.reshape([B, T, nHead, -1]).transpose([0, 2, 1, 3]); // (B, H, T, D)
    let [q, k, v] = tf.split(qkv, 3, -1).map(split);
    if (cache) {
      const { k: keys, v: values } = cache[layer] ?? {};
      [k, v] = keys ? [keys.concat(k, 2), values.concat(v, 2)] : [k, v];
      cache[layer] = { k, v };
    }
    const scores = tf.matMul(q, k, false, true).mul(1 / Math.sqrt(q.shape[3])); // (B, H, T, S)
    const seen = T > 1 ? scores.add(this.mask) : scores;
    return tf.matMul(tf.softmax(seen), v).transpose([0, 2, 1, 3]).reshape([B, T, -1]);
  }
}

function gelu(x) {
  const cube = x.mul(x).mul(x);
  const inner = cube.mul(0.044715).add(x);
  return inner
    .mul(Math.sqrt(2 / Math.PI))
    .tanh()
    .add(1)
    .mul(x)
    .mul(0.5);
}

/** A function that makes one AdamW step and returns the loss. */
function trainer(model, { targets, settings }) {
  const { vocabSize } = model.sizes;
  const oneHot = tf.oneHot(model.ids.flatten(), vocabSize).cast('float32'); // (B T, V)
  const labels = tf.oneHot(tf.tensor1d(Int32Array.from(targets), 'int32'), vocabSize).cast('float32');
  const { learningRate, beta1, beta2, epsilon, weightDecay, clipNorm } = settings;
  const adam = tf.train.adam(learningRate, beta1, beta2, epsilon);
  const loss = () => {
    const embedded = oneHot.matMul(model.weight('wte')).reshape([...model.ids.shape, -1]); // (B, T, C)
    return tf.losses.softmaxCrossEntropy(labels, model.logits(embedded).reshape([-1, vocabSize]));
  };
  return () =>
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(loss, Object.values(model.weights));
      const squares = Object.values(grads).map((gradient) => gradient.square().sum());
      const norm = tf.stack(squares).sum().sqrt();
      const factor = tf.minimum(1, tf.scalar(clipNorm).div(norm));
      for (const variable of Object.values(model.weights)) {
        if (variable.decay) variable.assign(variable.mul(1 - learningRate * weightDecay));
        grads[variable.name] = grads[variable.name].mul(factor);
      }
      adam.applyGradients(grads);
      return value;
    });
}

async function train({ model: job }) {
  const step = trainer(new Model(job), job);
  const check = [];
  for (let i = 0; i < CHECKED.steps; i++) check.push(await readOut(step(), (values) => values[0]));
  const note = 'embedding as one-hot product';
  return { amount: job.inputs.length, unit: 'tokens/s', note, check, step: () => done(step()) };
}

/** Waits for a result that nobody reads. */
async function done(tensor) {
  tensor.dispose();
  await finish();
}

async function readOut(tensor, take) {
  const values = await tensor.data();
  tensor.dispose();
  return take(values);
}

async function forward({ model: job }) {
  const model = new Model(job);
  const pass = () => tf.tidy(() => model.logits(tf.gather(model.weight('wte'), model.ids)));
  const check = await readOut(pass(), ends);
  return { amount: job.inputs.length, unit: 'tokens/s', check, step: () => done(pass()) };
}

/** Greedy tokens, each read back before the next: the id is what the host looks up. */
async function* decoded(model, first) {
  for (;;) {
    const cache = [];
    let id = first;
    for (let t = 0; t < model.sizes.blockSize; t++) {
      const before = cache.flatMap(({ k, v }) => [k, v]);
      const best = tf.tidy(() => {
        const logits = model.logits(tf.gather(model.weight('wte'), tf.tensor2d([[id]], [1, 1], 'int32')), t, cache);
        for (const { k, v } of cache) [k, v].map(tf.keep);
        return logits.flatten().argMax();
      });
      tf.dispose(before);
      id = await readOut(best, (values) => values[0]);
      yield id;
    }
    tf.dispose(cache.flatMap(({ k, v }) => [k, v]));
  }
}

async function decode({ model: job }) {
  const tokens = decoded(new Model(job), job.inputs[0]);
  const next = async () => (await tokens.next()).value;
  return { amount: 1, unit: 'tokens/s', note: 'cache', check: await peer.firstTokens(next), step: next };
}

async function matmul({ n }) {
  const [left, right] = peer.matrices(n);
  const product = () => tf.tidy(() => tf.matMul(tf.tensor(left, [n, n]), tf.tensor(right, [n, n])));
  const note = gpu && 'with uploads';
  const check = await readOut(product(), ends);
  return { amount: peer.matmulAmount(n), unit: 'GFLOP/s', note, check, step: () => done(product()) };
}

await serve({ version: peer.versionOf('@tensorflow/tfjs'), adapter, works: { train, forward, decode, matmul } });
