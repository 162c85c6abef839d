/**
 * jax-js on its wasm or webgpu device (DAWNLM_PEER_BACKEND): each work one jitted function. Its gradient of a look-up is
 * missing, so that the embedding of training is a product with one-hot rows; its cache has a fixed size, for one compilation.
 * Arguments are owned by who gets them: `.ref` where a value is used again.
 * Dims: B batch, T time, C width, H heads, D head width, V vocabulary.
 */
import './jaxShim.mjs';
import * as peer from './inputs.ts';
import { serve } from './serve.ts';

const { backend: device, CHECKED, ends } = peer;
const { gpu, adapter } = await peer.openGpu();
if (gpu) navigator.gpu = gpu;
peer.load('core-js/actual/iterator'); // global only from Node 22 on
const jax = await peer.loadModule('@jax-js/jax/dist/index.js');
const { jit, nn, numpy: np, tree } = jax;
if (!(await jax.init(device)).includes(device)) throw new Error(`jax-js cannot use ${device} here`);
jax.defaultDevice(device);

const int32 = (values) => np.array(Int32Array.from(values), { dtype: np.int32 });
const short = (name) => name.replace(/^transformer\.|\.weight$/g, '');

/** The weights by name. */
const makeWeights = (job) =>
  Object.fromEntries(
    peer.readWeights(job).map(({ name, shape, data }) => [short(name), np.array(data).reshape([...shape])]),
  );

const norm = (x, weight) => nn.standardize(x, -1, { epsilon: 1e-5 }).mul(weight);

/** x (B, T, C) with positions added -> logits (B, T, V). `attend` turns (B, T, 3 C) of a layer into (B, T, C). */
function logitsOf(p, x, nLayer, attend) {
  for (let layer = 0; layer < nLayer; layer++) {
    const w = (name) => p[`h.${layer}.${name}`];
    const heads = attend(np.matmul(norm(x.ref, w('ln_1')), w('attn.c_attn')), layer); // (B, T, C)
    x = x.add(np.matmul(heads, w('attn.c_proj')));
    const up = nn.gelu(np.matmul(norm(x.ref, w('ln_2')), w('mlp.c_fc'))); // (B, T, 4 C)
    x = x.add(np.matmul(up, w('mlp.c_proj')));
  }
  return np.matmul(norm(x, p.ln_f), p.wte.transpose());
}

/** (B, T, 3 C) -> queries, keys and values of (B, T, H, D) each. */
function splitHeads(qkv, nHead) {
  const [B, T, width] = qkv.shape;
  return np.split(qkv, 3, -1).map((part) => part.reshape([B, T, nHead, width / 3 / nHead]));
}

/** Logits (B, T, V) of whole windows, whose tokens come as one-hot rows (B, T, V). */
function windowLogits(p, oneHot, { nLayer, nHead }) {
  const { wpe, ...rest } = p;
  const x = np.matmul(oneHot, rest.wte.ref).add(wpe); // (B, T, C)
  const [B, T, C] = x.shape;
  const attend = (qkv) => nn.dotProductAttention(...splitHeads(qkv, nHead), { isCausal: true }).reshape([B, T, C]);
  return logitsOf(rest, x, nLayer, attend);
}

/** Ids as one-hot rows (B, T, V). */
const oneHotRows = (ids, { batchSize, blockSize, vocabSize }) =>
  nn.oneHot(int32(ids).reshape([batchSize, blockSize]), vocabSize);

/** One AdamW step: (weights, moments, bias corrections, ids and targets as one-hot rows) -> loss, weights, moments. */
function makeStep({ sizes, settings, parameters }) {
  const { learningRate, beta1, beta2, epsilon, weightDecay, clipNorm } = settings;
  const tokens = sizes.batchSize * sizes.blockSize;
  const lossOf = (p, oneHot, labels) =>
    nn
      .logSoftmax(windowLogits(p, oneHot, sizes), -1)
      .mul(labels)
      .sum()
      .mul(-1 / tokens);
  return jit((p, m, v, c1, c2, oneHot, labels) => {
    const [loss, gradients] = jax.valueAndGrad(lossOf)(tree.ref(p), oneHot, labels);
    const squares = Object.values(gradients).map((g) => np.square(g.ref).sum());
    const factor = np.minimum(1, np.reciprocal(np.sqrt(squares.reduce((a, b) => a.add(b)))).mul(clipNorm));
    const [weights, firsts, seconds] = [{}, {}, {}];
    for (const { name: full, decay } of parameters) {
      const name = short(full);
      const g = gradients[name].mul(factor.ref);
      firsts[name] = m[name].mul(beta1).add(g.ref.mul(1 - beta1));
      seconds[name] = v[name].mul(beta2).add(np.square(g).mul(1 - beta2));
      const update = firsts[name].ref.mul(c1.ref).div(np.sqrt(seconds[name].ref.mul(c2.ref)).add(epsilon));
      const kept = decay ? p[name].mul(1 - learningRate * weightDecay) : p[name];
      weights[name] = kept.sub(update.mul(learningRate));
    }
    for (const used of [factor, c1, c2]) used.dispose();
    return { loss, weights, firsts, seconds };
  });
}

async function train({ model: job }) {
  const step = makeStep(job);
  const { beta1, beta2 } = job.settings;
  const [oneHot, labels] = [oneHotRows(job.inputs, job.sizes), oneHotRows(job.targets, job.sizes)];
  const zeros = (p) => tree.map((x) => np.zeros(x.shape), p);
  let weights = makeWeights(job);
  let [firsts, seconds] = [zeros(weights), zeros(weights)];
  let steps = 0;
  const next = () => {
    steps++;
    const corrections = [beta1, beta2].map((beta) => np.array([1 / (1 - beta ** steps)]));
    const made = step(weights, firsts, seconds, ...corrections, oneHot.ref, labels.ref);
    ({ weights, firsts, seconds } = made);
    return made.loss;
  };
  const check = [];
  for (let i = 0; i < CHECKED.steps; i++) check.push((await next().data())[0]);
  return { ...windows(job), check, step: () => done(next(), weights) };
}

const windows = ({ inputs }) => ({ amount: inputs.length, unit: 'tokens/s', note: 'embedding as one-hot product' });

/** Waits for a result that nobody reads, and for what was made with it. */
async function done(result, ...others) {
  await jax.blockUntilReady([result, ...others]);
  result.dispose();
}

async function forward({ model: job }) {
  const weights = makeWeights(job);
  const ids = int32(job.inputs).reshape([job.sizes.batchSize, job.sizes.blockSize]);
  const pass = jit((p, tokens) => windowLogits(p, nn.oneHot(tokens, job.sizes.vocabSize), job.sizes));
  const next = () => pass(tree.ref(weights), ids.ref);
  return { ...windows(job), check: ends(await next().data()), step: () => done(next()) };
}

/** One greedy token: (weights, caches of (1, T, H, D) a layer, id, position) -> the next id and caches. */
function makeDecodeStep({ nLayer, nHead, blockSize: T, vocabSize: V }) {
  return jit((p, caches, id, position) => {
    const { wpe, ...rest } = p;
    const hot = nn.oneHot(position.ref, T); // (1, T)
    const x = np.matmul(nn.oneHot(id, V), rest.wte.ref).add(np.matmul(hot.ref, wpe)); // (1, C)
    const [, C] = x.shape;
    const bias = np.where(np.arange(T).lessEqual(position), 0, -1e30).reshape([1, 1, 1, T]);
    const here = hot.reshape([1, T, 1, 1]);
    const kept = [];
    const put = (cache, row) => cache.mul(np.subtract(1, here.ref)).add(here.ref.mul(row)); // (1, T, H, D)
    const attend = (qkv, layer) => {
      const [q, k, v] = splitHeads(qkv, nHead);
      const [keys, values] = [put(caches[layer][0], k), put(caches[layer][1], v)];
      kept.push([keys.ref, values.ref]);
      return nn.dotProductAttention(q, keys, values, { bias: bias.ref }).reshape([1, 1, C]);
    };
    const next = np.argmax(logitsOf(rest, x.reshape([1, 1, C]), nLayer, attend).reshape([1, V]), -1).astype(np.int32);
    for (const used of [here, bias]) used.dispose();
    return { id: next, caches: kept }; // id (1)
  });
}

async function decode({ model: job }) {
  const { nLayer, nHead, nEmbd, blockSize } = job.sizes;
  const weights = makeWeights(job);
  const step = makeDecodeStep(job.sizes);
  const empty = () => np.zeros([1, blockSize, nHead, nEmbd / nHead]);
  let position = 0;
  let id = int32([job.inputs[0]]);
  let caches = Array.from({ length: nLayer }, () => [empty(), empty()]);
  const next = () => {
    if (position === blockSize) {
      id.dispose(); // the caches may keep what they hold: the mask hides it
      [position, id] = [0, int32([job.inputs[0]])];
    }
    ({ id, caches } = step(tree.ref(weights), caches, id, int32([position++])));
  };
  const check = await peer.firstTokens(async () => {
    next();
    return (await id.ref.data())[0];
  });
  const finish = () => jax.blockUntilReady([id, caches]);
  return { amount: 1, unit: 'tokens/s', note: 'cache of fixed size', check, step: next, finish };
}

async function matmul({ n }) {
  const [left, right] = peer.matrices(n);
  const product = jit((a, b) => np.matmul(a, b));
  const upload = (data) => np.array(data).reshape([n, n]);
  const next = () => product(upload(left), upload(right));
  const check = ends(await next().data());
  return {
    amount: peer.matmulAmount(n),
    unit: 'GFLOP/s',
    note: gpu && 'with uploads',
    check,
    step: () => done(next()),
  };
}

await serve({ version: peer.versionOf('@jax-js/jax'), adapter, works: { train, forward, decode, matmul } });
