import { type AdamwTensors, adamw } from '../kernels/adamw.ts';
import { type MatrixStack, muon } from '../kernels/muon.ts';
import type { ParameterSpec, Parameters } from '../tensor/parameters.ts';
import { ELEMENT_BYTES, Tensor } from '../tensor/tensor.ts';
import type { TrainConfig } from './config.ts';

/**
 * One step of a run's optimizer. `adamw`: everything in one dispatch. `muon`: the blocks' matrices by Muon, whose momentum lives in
 * the first moment's places; embeddings, head, norms and biases by AdamW.
 */
export function updateParameters(
  parameters: Parameters,
  tensors: Omit<AdamwTensors, 'values' | 'gradients'>,
  { optimizer, muonMomentum: momentum, muonFactor: factor }: TrainConfig,
): void {
  const { decayEnd, values } = parameters;
  const whole = { ...tensors, values, gradients: parameters.gradients! };
  if (optimizer === 'adamw') {
    adamw(whole, { decayEnd });
    return;
  }
  muon(whole, matrixStacks(parameters), { momentum, factor });
  for (const [start, end] of restOf(parameters)) {
    const part = (tensor: Tensor): Tensor => stretch(tensor, start, end);
    const flat = { values: part(values), gradients: part(whole.gradients) };
    const moments = { firstMoment: part(tensors.firstMoment), secondMoment: part(tensors.secondMoment) };
    adamw({ ...tensors, ...flat, ...moments }, { decayEnd: Math.max(0, Math.min(decayEnd, end) - start) });
  }
}

/** Where a parameter begins in the flat tensors, in elements. */
const startOf = (parameters: Parameters, { name }: ParameterSpec): number =>
  parameters.get(name).view.offsetBytes / ELEMENT_BYTES;

/** The matrices of all blocks, those of one shape together: each as it was named, and the three in GPT-2's c_attn by themselves. */
function matrixStacks(parameters: Parameters): MatrixStack[] {
  const byShape = new Map<string, { rows: number; columns: number; places: number[] }>();
  for (const spec of parameters.specs) {
    const { matrices } = spec;
    if (!matrices) continue;
    const [rows, width] = spec.shape;
    const columns = width / matrices;
    const key = `${rows} ${columns}`;
    const stack = byShape.get(key) ?? { rows, columns, places: [] };
    byShape.set(key, stack);
    for (let i = 0; i < matrices; i++) stack.places.push(startOf(parameters, spec) + i * columns, width);
  }
  const { engine } = parameters.values;
  return [...byShape.values()].map(({ places, ...shape }) => ({
    ...shape,
    places: engine.tensor(Uint32Array.from(places), [places.length / 2, 2]),
  }));
}

/** The stretches [start, end) of the flat tensors that hold no matrices of blocks. */
function restOf(parameters: Parameters): [number, number][] {
  const stretches: [number, number][] = [];
  let start: number | undefined;
  for (const spec of parameters.specs) {
    if (!spec.matrices) start ??= startOf(parameters, spec);
    else if (start !== undefined) {
      stretches.push([start, startOf(parameters, spec)]);
      start = undefined;
    }
  }
  return start === undefined ? stretches : [...stretches, [start, parameters.values.size]];
}

function stretch({ engine, view }: Tensor, start: number, end: number): Tensor {
  const offsetBytes = view.offsetBytes + start * ELEMENT_BYTES;
  const size = end - start;
  return new Tensor(engine, [size], 'f32', { block: view.block, offsetBytes, sizeBytes: size * ELEMENT_BYTES });
}
