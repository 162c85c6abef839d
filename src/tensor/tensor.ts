import { UserError } from '../errors.ts';
import type { Device } from '../gpu/device.ts';
import type { View } from '../gpu/memory.ts';
import type { Capabilities } from './capabilities.ts';
import { format, type Shape, sizeOf } from './shape.ts';
import type { Tuning } from './tuning/table.ts';

export type DType = 'f32' | 'u32';

/** Both dtypes have four bytes. */
export const ELEMENT_BYTES = 4;

/** What kernels and ops need of the engine that made a tensor (see `engine.ts`). */
export interface TensorEngine {
  readonly device: Device;
  readonly capabilities: Capabilities;
  readonly tuning: Tuning;
  readonly variant: string;
  readonly tape: TapeWriter;
  /** Becomes 1 when an operand does not fit an f16, until somebody clears it: (1) u32. Mixed precision only. */
  readonly overflow: Tensor;
  /** The gradient of a loss by itself: 1. */
  readonly one: Tensor;
  empty(shape: Shape, dtype?: DType, label?: string): Tensor;
  tensor(data: ArrayLike<number>, shape: Shape, label?: string): Tensor;
}

/** Where ops write down how their gradients are computed (see `autograd.ts`). */
export interface TapeWriter {
  /** Whether ops are being written down, so that a backward pass may follow. */
  readonly writing: boolean;
  add(entry: TapeEntry): void;
}

/** An op that ran: given the gradient of its output, it hands on those of its inputs. */
export interface TapeEntry {
  readonly output: Tensor;
  backward(dy: Tensor, gradients: GradientSink): void;
}

/** Where a gradient goes. The kernel must write it, or add to what is there: `dx = v + (accumulate ? dx : 0)`. */
export interface Target {
  tensor: Tensor;
  /** 1 to add, 0 to overwrite: made to be handed to a kernel as a param. */
  accumulate: 0 | 1;
}

/** Takes the gradients of tensors. */
export interface GradientSink {
  /** Where a kernel writes (or adds) the gradient of `tensor`. */
  target(tensor: Tensor): Target;
  /** Makes `gradient` the gradient of `tensor`, or adds it to what is there. */
  pass(tensor: Tensor, gradient: Tensor): void;
}

/** Numbers in device memory, with a shape. Made by an `Engine` or by ops; dense and row-major. */
export class Tensor {
  /** Whether gradients flow to this tensor. */
  requiresGrad = false;
  /** Where a parameter's gradient is summed up: a tensor of the same shape. */
  grad: Tensor | undefined;
  /** The tensor that this one is another shape of: gradients belong to it. */
  readonly root: Tensor;

  constructor(
    readonly engine: TensorEngine,
    readonly shape: Shape,
    /** 'packed': an operand in a form of its own (see operands/quantized.ts). */
    readonly dtype: DType | 'packed',
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

  /** A part of the elements, from `start` on, under a shape of its own; no gradient flows back through it. */
  part(start: number, shape: Shape): Tensor {
    const { block, offsetBytes } = this.view;
    const view = {
      block,
      offsetBytes: offsetBytes + start * ELEMENT_BYTES,
      sizeBytes: sizeOf(shape) * ELEMENT_BYTES,
    };
    return new Tensor(this.engine, shape, this.dtype, view);
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
