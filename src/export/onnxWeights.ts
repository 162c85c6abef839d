/** A model's parameters as constants of an ONNX graph, and what is computed with them: in f32, or with matrices of 8 bits. */
import { FLOAT, type OnnxGraph } from './onnxGraph.ts';
import type { NamedTensor } from './safetensors.ts';

/** A matrix in the graph. */
interface Matrix {
  /** (R, C): f32, or of whole numbers around ZERO. */
  readonly values: string;
  /** Of whole numbers: what the columns, or rows, are to be multiplied by. */
  readonly scales?: string;
}

/** What stands for 0. Numbers with a sign would do without it, but CPUs without VNNI let sums of their products overflow. */
const ZERO = 128;
/** The largest distance from it. */
const MOST = 127;

/** Parameters by the names of their layers: texts are names of what is in the graph. */
export class OnnxWeights {
  private readonly tensors: ReadonlyMap<string, NamedTensor>;
  private readonly known = new Map<string, Matrix>();

  /** @param quantized whether matrices are of 8 bits, symmetric, with a scale for each output */
  constructor(
    private readonly graph: OnnxGraph,
    tensors: Iterable<NamedTensor>,
    private readonly quantized: boolean,
  ) {
    this.tensors = new Map([...tensors].map((tensor) => [tensor.name, tensor]));
  }

  /** A vector. @throws Error when the model has none of that name */
  vector(layer: string, part = 'weight'): string {
    const { shape, data } = this.tensor(`${layer}.${part}`);
    return this.graph.constant(shape, data);
  }

  /** The rows of a table at some places: (V, C), (B, T) int64 -> (B, T, C). */
  rows(layer: string, places: string): string {
    const { graph } = this;
    const { values, scales } = this.matrix(layer, 0);
    const found = graph.add('Gather', [values, places]);
    if (scales === undefined) return found;
    const zero = graph.constant([], Float32Array.of(ZERO));
    const numbers = graph.add('Sub', [graph.add('Cast', [found], { to: FLOAT }), zero]);
    const sizes = graph.add('Unsqueeze', [graph.add('Gather', [scales, places]), graph.integers(-1)]); // (B, T, 1)
    return graph.add('Mul', [numbers, sizes]);
  }

  /**
   * x times a matrix (in, out), or (out, in) where it is `transposed`: (..., in) -> (..., out). With a matrix of 8 bits so is x, by
   * one scale for all of it, and the products are summed up as whole numbers.
   */
  product(x: string, layer: string, transposed: boolean): string {
    const { graph } = this;
    const { values, scales } = this.matrix(layer, transposed ? 0 : 1);
    const matrix = transposed ? graph.add('Transpose', [values], { perm: [1, 0] }) : values;
    if (scales === undefined) return graph.add('MatMul', [x, matrix]);
    const [whole, scale, zero] = graph.addMany(3, 'DynamicQuantizeLinear', [x]);
    const sums = graph.add('MatMulInteger', [whole, matrix, zero, graph.constant([], Uint8Array.of(ZERO))]);
    return graph.add('Mul', [graph.add('Cast', [sums], { to: FLOAT }), graph.add('Mul', [scale, scales])]);
  }

  /** A matrix; of 8 bits it has a scale for each place along `axis`. */
  private matrix(layer: string, axis: 0 | 1): Matrix {
    const { graph, quantized, known } = this;
    const before = known.get(layer);
    if (before) return before;
    const tensor = this.tensor(`${layer}.weight`);
    const { shape } = tensor;
    const matrix = quantized ? this.inBytes(tensor, axis) : { values: graph.constant(shape, tensor.data) };
    known.set(layer, matrix);
    return matrix;
  }

  private inBytes({ shape, data }: NamedTensor, axis: 0 | 1): Matrix {
    const columns = shape[1];
    const channel = (i: number): number => (axis === 0 ? Math.floor(i / columns) : i % columns);
    const scales = new Float32Array(shape[axis]);
    for (const [i, value] of data.entries()) {
      scales[channel(i)] = Math.max(scales[channel(i)], Math.abs(value) / MOST);
    }
    const bytes = Uint8Array.from(data, (value, i) => ZERO + Math.round(value / (scales[channel(i)] || 1)));
    return { values: this.graph.constant(shape, bytes), scales: this.graph.constant([shape[axis]], scales) };
  }

  private tensor(name: string): NamedTensor {
    const tensor = this.tensors.get(name);
    if (tensor) return tensor;
    throw new Error(`ONNX: the model's tensor ${name} is missing`);
  }
}
