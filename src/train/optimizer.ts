import { type AdamwTensors, adamw } from '../kernels/optimizer/adamw.ts';
import { type MatrixStack, muon } from '../kernels/optimizer/muon.ts';
import type { ParameterSpec, Parameters, Stretch } from '../tensor/parameters.ts';
import { ELEMENT_BYTES, Tensor } from '../tensor/tensor.ts';
import type { TrainConfig } from './config.ts';

/** The settings that say how parameters move. */
export type OptimizerSettings = Pick<TrainConfig, 'optimizer' | 'muonMomentum' | 'muonFactor'>;

/**
 * One step of a run's optimizer for what is trained. `adamw`: a dispatch for each stretch of it, one when nothing is frozen.
 * `muon`, for collections that have nothing frozen: matrices of hidden layers by Muon, whose momentum lives in the first
 * moment's places; embeddings, head, norms and biases by AdamW. Moments have the gradients' layout.
 */
export function updateParameters(
  parameters: Parameters,
  tensors: Omit<AdamwTensors, 'values' | 'gradients'>,
  { optimizer, muonMomentum: momentum, muonFactor: factor }: OptimizerSettings,
): void {
  const { decayEnd, values, gradients } = parameters;
  const whole = { ...tensors, values, gradients: gradients! };
  const byMuon = optimizer === 'muon' && gradients!.size === values.size;
  if (byMuon) muon(whole, matrixStacks(parameters), { momentum, factor });
  for (const { start, end, at } of byMuon ? restOf(parameters) : parameters.trained) {
    const trained = (tensor: Tensor): Tensor => stretch(tensor, at, at + end - start);
    const [firstMoment, secondMoment] = [trained(tensors.firstMoment), trained(tensors.secondMoment)];
    const flat = {
      values: stretch(values, start, end),
      gradients: trained(whole.gradients),
      firstMoment,
      secondMoment,
    };
    adamw({ ...tensors, ...flat }, { decayEnd: Math.max(0, Math.min(decayEnd, end) - start) });
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
  const { engine } = parameters;
  return [...byShape.values()].map(({ places, ...shape }) => ({
    ...shape,
    places: engine.tensor(Uint32Array.from(places), [places.length / 2, 2]),
  }));
}

/** What of a collection without frozen parts is no matrix of a hidden layer. */
function restOf(parameters: Parameters): Stretch[] {
  const stretches: Stretch[] = [];
  let start: number | undefined;
  const close = (end: number): void => {
    if (start !== undefined) stretches.push({ start, end, at: start });
    start = undefined;
  };
  for (const spec of parameters.specs) {
    if (spec.matrices) close(startOf(parameters, spec));
    else start ??= startOf(parameters, spec);
  }
  close(parameters.values.size);
  return stretches;
}

function stretch({ engine, view }: Tensor, start: number, end: number): Tensor {
  const offsetBytes = view.offsetBytes + start * ELEMENT_BYTES;
  const size = end - start;
  return new Tensor(engine, [size], 'f32', { block: view.block, offsetBytes, sizeBytes: size * ELEMENT_BYTES });
}
