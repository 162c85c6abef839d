/** AdamW changes its buffers in place and so is no op: it is timed and compared by hand here. */
import { type AdamwTensors, adamw, adamwReference } from '../kernels/optimizer/adamw.ts';
import { packSettings, SETTINGS } from '../kernels/optimizer/optimizer.ts';
import type { Engine } from '../tensor/engine.ts';
import { normals } from '../tensor/random.ts';
import type { HeldWork } from './measure.ts';
import { type Comparison, largestError } from './ops.ts';

const AT = { learningRate: 1e-3, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1, clipNorm: 1 };
const NORM = 2;

/** Buffers of n elements, as they are at the third step; moments squared are positive. */
function makeArrays(n: number) {
  return {
    values: normals(n, 0.1, 1, 0),
    gradients: normals(n, 0.01, 1, 1),
    firstMoment: normals(n, 0.01, 1, 2),
    secondMoment: normals(n, 0.01, 1, 3).map((x) => x * x),
  };
}

function uploadState(engine: Engine, arrays: ReturnType<typeof makeArrays>): AdamwTensors {
  const upload = (data: Float32Array) => engine.tensor(data, [data.length]);
  const { values, gradients, firstMoment, secondMoment } = arrays;
  return {
    ...{ values: upload(values), gradients: upload(gradients) },
    ...{ firstMoment: upload(firstMoment), secondMoment: upload(secondMoment) },
    norm: engine.tensor([NORM], [1]),
    settings: engine.tensor(packSettings(AT, 3), [SETTINGS.size]),
  };
}

/** One step over n parameters. */
export function adamwWork(engine: Engine, n: number): HeldWork {
  const tensors = uploadState(engine, makeArrays(n));
  const free = (): void => {
    for (const { view } of Object.values(tensors)) engine.device.free(view);
  };
  return { work: () => adamw(tensors, { decayEnd: n >> 1 }), free };
}

/** Parameters after one step against float64. Five terms are added up, and roots are good to a few ulp. */
export async function compareAdamw(engine: Engine, n = 1004): Promise<Comparison> {
  const arrays = makeArrays(n);
  const tensors = uploadState(engine, arrays);
  const { values, gradients, firstMoment, secondMoment } = arrays;
  const exact = {
    ...{ values: Float64Array.from(values), gradients: Float64Array.from(gradients) },
    ...{ firstMoment: Float64Array.from(firstMoment), secondMoment: Float64Array.from(secondMoment) },
  };
  adamwReference(exact, NORM, packSettings(AT, 3), n >> 1);
  adamw(tensors, { decayEnd: n >> 1 });
  return { error: largestError(await tensors.values.floats(), exact.values), tolerance: 2 ** -23 * 21 };
}
