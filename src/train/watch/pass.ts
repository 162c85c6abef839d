import { attentionEntropy } from '../../kernels/attention/attentionEntropy.ts';
import { matmul } from '../../kernels/matmul/matmul.ts';
import { columnPeaks, sumRows } from '../../kernels/reduce.ts';
import { segmentProducts } from '../../kernels/segmentProducts.ts';
import type { GPT } from '../../model/gpt.ts';
import type { Linear, Observer } from '../../model/layers.ts';
import type { Inside } from '../../report/logRecord.ts';
import { rowsAndColumns } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Gathered } from './gathered.ts';
import { squares } from './weights.ts';

/** A unit is dead when its largest output in the batch is below this part of the layer's root mean square. */
const DEAD = 0.01;

const asRows = (x: Tensor): Tensor => {
  const { R, C } = rowsAndColumns(x.shape);
  return x.reshape([R, C]);
};

/** Measures heads and units while a pass goes through a model. */
export class PassMeasures implements Observer {
  constructor(
    private readonly model: GPT,
    private readonly results: Gathered,
    /** How many the pass reads. */
    private readonly tokens: number,
  ) {}

  attending(qkv: Tensor, layer: number): void {
    const { nHead, nKvHead } = this.model.config;
    const entropy = attentionEntropy({ qkv }, { nHead, nKvHead }); //                      (B, T, H)
    this.results.add(`entropy ${layer}`, sumRows({ x: asRows(entropy) })); //              (H)
  }

  adding(y: Tensor, { stream, by, layer }: { stream: Tensor; by: Linear; layer: number }): void {
    const { projection, down } = this.model.blocks[layer];
    if (by === projection) this.heads(asRows(y), stream, by, layer);
    if (by === down) this.units(asRows(y), layer);
  }

  /**
   * What a head adds is y_h W_h, for its columns of y and its rows of W; the sum of its squares is that of the products of elements
   * of y_h^T y_h and W_h W_h^T, which are blocks on the diagonals of two small matrices: no head's part is ever stored.
   */
  private heads(y: Tensor, stream: Tensor, { weight, transposed }: Linear, layer: number): void {
    const gram = matmul({ a: y, b: y }, { transposeA: true }); //                          (H D, H D)
    const weights = matmul({ a: weight, b: weight }, transposed ? { transposeA: true } : { transposeB: true });
    const { segments, width: longest } = this.diagonalBlocks(y.shape[1]);
    this.results.add(`added ${layer}`, segmentProducts({ x: gram, times: weights, segments }, { longest })); // (H D)
    this.results.add(`stream ${layer}`, squares(stream)); //                               (1)
  }

  private units(y: Tensor, layer: number): void {
    this.results.add(`peaks ${layer}`, columnPeaks({ x: y })); //                          (nHidden)
    this.results.add(`units ${layer}`, squares(y)); //                                     (1)
  }

  /** Of each row of a matrix (C, C) the columns that are of the same head.   segments: (C, 2) u32 */
  private diagonalBlocks(C: number): { segments: Tensor; width: number } {
    const width = C / this.model.config.nHead;
    const places = Array.from({ length: C }, (_, row) => [row * C + row - (row % width), width]);
    return { segments: this.model.engine.tensor(Uint32Array.from(places.flat()), [C, 2]), width };
  }

  /** What was measured, from the numbers that were gathered. */
  figures(result: (name: string) => Float32Array): Pick<Inside, 'heads' | 'deadUnits'> {
    const layers = this.model.blocks.map((_, layer) => layer);
    return {
      heads: layers.map((layer) => this.headsOf(layer, result)),
      deadUnits: layers.map((layer) => {
        const peaks = result(`peaks ${layer}`);
        const rms = Math.sqrt(result(`units ${layer}`)[0] / (peaks.length * this.tokens));
        return peaks.filter((peak) => !(peak > DEAD * rms)).length / peaks.length;
      }),
    };
  }

  private headsOf(layer: number, result: (name: string) => Float32Array): Inside['heads'][number] {
    const [entropy, added, [stream]] = ['entropy', 'added', 'stream'].map((name) => result(`${name} ${layer}`));
    const width = added.length / entropy.length;
    return Array.from(entropy, (sum, head) => {
      const square = added.subarray(head * width, (head + 1) * width).reduce((total, one) => total + one, 0);
      return { entropy: sum / this.tokens, share: Math.sqrt(Math.max(0, square) / stream) };
    });
  }
}
