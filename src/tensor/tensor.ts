import { UserError } from '../errors.ts';
import type { View } from '../gpu/memory.ts';
import type { Engine } from './engine.ts';
import { format, type Shape, sizeOf } from './shape.ts';

export type DType = 'f32' | 'u32';

/** Both dtypes have four bytes. */
export const ELEMENT_BYTES = 4;

/** Numbers in device memory, with a shape. Made by an `Engine` or by ops; dense and row-major. */
export class Tensor {
  /** Whether gradients flow to this tensor. */
  requiresGrad = false;
  /** Where a parameter's gradient is summed up: a tensor of the same shape. */
  grad: Tensor | undefined;
  /** The tensor that this one is another shape of: gradients belong to it. */
  readonly root: Tensor;

  constructor(
    readonly engine: Engine,
    readonly shape: Shape,
    readonly dtype: DType,
    readonly view: View,
    root?: Tensor,
  ) {
    this.root = root ?? this;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** The same numbers under another shape; costs nothing, gradients pass through. @throws UserError when sizes differ. */
  reshape(shape: Shape): Tensor {
    if (sizeOf(shape) !== this.size) {
      throw new UserError(
        `reshape: ${format(this.shape)} has ${this.size} elements, ${format(shape)} ${sizeOf(shape)}`,
      );
    }
    const tensor = new Tensor(this.engine, shape, this.dtype, this.view, this.root);
    tensor.requiresGrad = this.requiresGrad;
    tensor.grad = this.grad && new Tensor(this.engine, shape, this.dtype, this.grad.view, this.grad.root);
    return tensor;
  }

  /** Uploads elements. @throws UserError when the count or the kind of numbers is wrong. */
  write(data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): this {
    const kind = data instanceof Float32Array ? 'f32' : 'u32';
    if (data.length !== this.size || kind !== this.dtype) {
      throw new UserError(
        `write: expected ${this.size} ${this.dtype} for ${format(this.shape)}, got ${data.length} ${kind}`,
      );
    }
    this.engine.device.write(this.view, data);
    return this;
  }

  /** Waits for the GPU and returns the elements of an f32 tensor. @throws UserError for failures of work before. */
  async floats(): Promise<Float32Array<ArrayBuffer>> {
    return new Float32Array(await this.bytes('f32'));
  }

  /** Waits for the GPU and returns the elements of a u32 tensor. @throws UserError for failures of work before. */
  async uints(): Promise<Uint32Array<ArrayBuffer>> {
    return new Uint32Array(await this.bytes('u32'));
  }

  private async bytes(dtype: DType): Promise<ArrayBuffer> {
    if (this.dtype !== dtype) throw new UserError(`the tensor ${format(this.shape)} is ${this.dtype}, not ${dtype}`);
    const bytes = await this.engine.device.read(this.view);
    return bytes.slice(0, this.size * ELEMENT_BYTES);
  }
}
