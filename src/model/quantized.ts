import type { Engine } from '../tensor/engine.ts';
import type { PackedFormat } from '../tensor/operands/packing.ts';
import { QuantizedMatrix } from '../tensor/operands/quantized.ts';
import type { ParameterSpec } from '../tensor/parameters.ts';
import { type Shape, sizeOf } from '../tensor/shape.ts';
import type { ModelConfig } from './config.ts';
import { GPT } from './gpt.ts';
import type { Style } from './layers.ts';
import { parameterSpecs } from './parameters.ts';
import { styleOf } from './styles.ts';

/** The numbers of a parameter. */
type PartOf = (spec: ParameterSpec) => Float32Array;

/** What is large: the linear layers, the embedding of tokens and the head. Norms, biases and learned positions stay as they are. */
const isLarge = ({ name, matrices }: ParameterSpec, { names: { tokens, head } }: Style): boolean =>
  matrices !== undefined || name === `${tokens}.weight` || name === `${head}.weight`;

/**
 * A model whose large matrices are quantized, one after another on the CPU: the adapter never sees them as they were. For
 * sampling and scoring; it cannot be trained.
 * @param partOf the numbers of each parameter, called as often as there are parameters
 */
export function quantizedModel(engine: Engine, config: ModelConfig, format: PackedFormat, partOf: PartOf): GPT {
  const style = styleOf(config);
  const matrices = new Map<string, ParameterSpec[]>();
  for (const spec of parameterSpecs(config, style).filter((one) => isLarge(one, style))) {
    const name = spec.stack ?? spec.name;
    matrices.set(name, [...(matrices.get(name) ?? []), spec]);
  }
  const packed = new Map(
    [...matrices].map(([name, parts]) => [name, packMatrix(engine, parts, partOf, format, style)] as const),
  );
  const model = new GPT(engine, config, packed);
  const specs = new Map(model.parameters.specs.map((spec) => [spec.name, spec]));
  model.parameters.values.write(model.parameters.join((name) => partOf(specs.get(name)!)));
  return model;
}

/** A matrix of which files may know parts, one above another, as (outputs, inputs). */
function packMatrix(
  engine: Engine,
  parts: readonly ParameterSpec[],
  partOf: PartOf,
  format: PackedFormat,
  style: Style,
) {
  const [rows, cols] = [parts.reduce((sum, { shape }) => sum + shape[0], 0), parts[0].shape[1]];
  const data = parts.length === 1 ? partOf(parts[0]) : new Float32Array(rows * cols);
  let end = 0;
  for (const part of parts.length === 1 ? [] : parts) {
    data.set(partOf(part), end);
    end += sizeOf(part.shape);
  }
  const asOutputs = style.transposed || parts[0].matrices === undefined; // embeddings are (V, C) in every style
  return asOutputs
    ? QuantizedMatrix.of(engine, { data, row: cols, col: 1 }, [rows, cols], format)
    : QuantizedMatrix.of(engine, { data, row: 1, col: cols }, [cols, rows], format);
}

/** A model on the adapter with its large matrices quantized, and the memory of what it was given back: `model` is not to be used any more. */
export async function quantizeModel(model: GPT, format: PackedFormat): Promise<GPT> {
  const { engine, config, parameters } = model;
  const parts = new Map(parameters.split(await parameters.values.floats()).map(({ name, data }) => [name, data]));
  engine.device.free(parameters.values.view);
  return quantizedModel(engine, config, format, ({ name }) => parts.get(name)!);
}

/**
 * Bytes of a model's weights: of the large matrices, scales included; of what is beside them, f32; and of what a step of decoding
 * reads, which is all but the tables of which it takes a row.
 */
export function weightBytes({ parameters, packed, config, style }: GPT) {
  const bytesOf = (name: string, shape: Shape): number => packed.get(name)?.sizeBytes ?? 4 * sizeOf(shape);
  const { tokens } = style.names;
  const others = parameterSpecs(config, style)
    .filter((spec) => !isLarge(spec, style))
    .reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
  const quantized = [...packed.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const matrices = packed.size > 0 ? quantized : 4 * parameters.count - others;
  const { vocabSize: V, blockSize: T, nEmbd: C, tieEmbeddings } = config;
  const lookedUp = (tieEmbeddings ? 0 : bytesOf(`${tokens}.weight`, [V, C])) + (style.rotary ? 0 : 4 * T * C);
  return { matrices, others, read: matrices + others - lookedUp };
}
