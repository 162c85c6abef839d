/** AdamW changes its buffers in place and so is no op: it is timed and compared by hand here. */
import { type AdamwTensors, adamw, adamwReference } from '../kernels/optimizer/adamw.ts';
import { packSettings, SETTINGS } from '../kernels/optimizer/optimizer.ts';
import type { Engine } from '../tensor/engine.ts';
import { normals } from '../tensor/random.ts';
import type { HeldWork } from './measure.ts';
import { type Comparison, freeAll, largestError } from './ops.ts';

const AT = { learningRate: 1e-3, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1, clipNorm: 1 };
const NORM = 2;

/** The state of n elements as it is at the third step; moments squared are positive. */
function makeState<T>(n: number, as: (data: Float32Array) => T) {
  const [values, gradients, firstMoment, roots] = [0.1, 0.01, 0.01, 0.01].map((std, i) => normals(n, std, 1, i));
  return {
    ...{ values: as(values), gradients: as(gradients), firstMoment: as(firstMoment) },
    secondMoment: as(roots.map((x) => x * x)),
  };
}

const upload = (engine: Engine, n: number): AdamwTensors => ({
  ...makeState(n, (data) => engine.tensor(data, [n])),
  norm: engine.tensor([NORM], [1]),
  settings: engine.tensor(packSettings(AT, 3), [SETTINGS.size]),
});

/** One step over n parameters. */
export function adamwWork(engine: Engine, n: number): HeldWork {
  const tensors = upload(engine, n);
  return { work: () => adamw(tensors, { decayEnd: n >> 1 }), free: () => freeAll(Object.values(tensors)) };
}

/** Parameters after one step against float64. Five terms are added up, and roots are good to a few ulp. */
export async function compareAdamw(engine: Engine, n = 1004): Promise<Comparison> {
  const tensors = upload(engine, n);
  const exact = makeState(n, (data) => Float64Array.from(data));
  adamwReference(exact, NORM, packSettings(AT, 3), n >> 1);
  adamw(tensors, { decayEnd: n >> 1 });
  return { error: largestError(await tensors.values.floats(), exact.values), tolerance: 2 ** -23 * 21 };
}
