import { UserError } from '../errors.ts';
import type { Block } from '../gpu/memory.ts';
import { accumulate } from './accumulate.ts';
import { format } from './shape.ts';
import { type GradientSink, type TapeEntry, type TapeWriter, type Target, Tensor } from './tensor.ts';

/**
 * Gradients of the tensors between parameters and loss. A sum hands one buffer to several tensors without copying it;
 * `holders` counts them, so that a gradient is added in place only by its last holder.
 */
class Gradients implements GradientSink {
  private readonly byTensor = new Map<Tensor, Tensor>();
  private readonly holders = new Map<Block, number>();

  /** `dOutput` belongs to the caller, who holds it as well: nothing is ever added to it. */
  constructor(output: Tensor, dOutput: Tensor) {
    this.set(output, dOutput);
    this.holders.set(dOutput.view.block, 2);
  }

  get(tensor: Tensor): Tensor | undefined {
    return this.byTensor.get(tensor.root);
  }

  /** Makes `gradient` the gradient of `tensor`, which has none yet. */
  set(tensor: Tensor, gradient: Tensor): void {
    this.byTensor.set(tensor.root, gradient);
    const { block } = gradient.view;
    this.holders.set(block, (this.holders.get(block) ?? 0) + 1);
  }

  /** Forgets a gradient that has been used. */
  delete(tensor: Tensor): void {
    const gradient = this.byTensor.get(tensor.root);
    if (!gradient) return;
    this.byTensor.delete(tensor.root);
    const { block } = gradient.view;
    this.holders.set(block, this.holders.get(block)! - 1);
  }

  target(tensor: Tensor): Target {
    if (tensor.grad) return { tensor: tensor.grad, accumulate: 1 };
    const { engine, shape } = tensor;
    const before = this.get(tensor);
    if (before && this.holders.get(before.view.block) === 1) return { tensor: reshaped(before, tensor), accumulate: 1 };
    const fresh = engine.empty(shape, 'f32', 'a gradient');
    if (before) {
      engine.device.copy(before.view, fresh.view);
      this.delete(tensor);
    }
    this.set(tensor, fresh);
    return { tensor: fresh, accumulate: before ? 1 : 0 };
  }

  pass(tensor: Tensor, gradient: Tensor): void {
    if (tensor.grad || this.get(tensor)) accumulate(this.target(tensor).tensor, gradient);
    else this.set(tensor, reshaped(gradient, tensor));
  }
}

const reshaped = (gradient: Tensor, like: Tensor): Tensor =>
  new Tensor(gradient.engine, like.shape, 'f32', gradient.view, gradient.root);

interface Entry {
  output: Tensor;
  backward(dy: Tensor, gradients: Gradients): void;
}

/** Writes down what ran, and walks it backwards: reverse-mode automatic differentiation. */
export class Tape implements TapeWriter {
  private entries: Entry[] = [];
  private active = true;

  get writing(): boolean {
    return this.active;
  }

  /** Writes an op down that ran; its output then requires gradients. */
  add({ output, backward }: TapeEntry): void {
    if (!this.active) return;
    output.requiresGrad = true;
    this.entries.push({ output, backward: (dy, gradients) => backward(reshaped(dy, output), gradients) });
  }

  paused<T>(work: () => T): T {
    return this.switched(false, work);
  }

  /**
   * Runs `work` and writes down, in place of what ran inside, that it can run again: the backward pass then does so, and walks
   * back through what it finds. Kernels give the same bits each time, so gradients are those without a checkpoint.
   */
  checkpoint(work: () => Tensor): Tensor {
    const { output, entries } = this.collect(work);
    if (entries.length === 0) return output; // nothing inside has gradients
    const backward = (dy: Tensor, gradients: Gradients): void => {
      const again = this.switched(true, () => this.collect(work));
      gradients.delete(output);
      gradients.set(again.output, dy);
      walk(again.entries, gradients);
    };
    this.entries.push({ output, backward });
    return output;
  }

  /**
   * Walks back from `output`, whose own gradient `dOutput` is 1 for a scalar loss, and forgets what ran.
   * @throws UserError when `dOutput` has to be given and is not or does not fit, or when nothing leads to the output.
   */
  backward(output: Tensor, dOutput?: Tensor): void {
    if (!dOutput && output.size !== 1) {
      throw new UserError(`backward: the loss must be one number, got shape ${format(output.shape)}`);
    }
    if (dOutput && dOutput.size !== output.size) {
      throw new UserError(`backward: dOutput must be ${format(output.shape)}, got ${format(dOutput.shape)}`);
    }
    if (!output.requiresGrad) throw new UserError('backward: no parameter leads to this loss');
    const { entries } = this;
    if (!entries.some((entry) => entry.output.root === output.root)) {
      throw new UserError(
        'backward: the tape does not hold this loss (each backward empties it): compute the loss again',
      );
    }
    this.entries = [];
    const gradients = new Gradients(output, dOutput ?? output.engine.one);
    this.paused(() => walk(entries, gradients));
  }

  /** What `work` makes, and the entries that it would have written on this tape. */
  private collect(work: () => Tensor): { output: Tensor; entries: Entry[] } {
    const { entries } = this;
    this.entries = [];
    try {
      return { output: work(), entries: this.entries };
    } finally {
      this.entries = entries;
    }
  }

  private switched<T>(active: boolean, work: () => T): T {
    const before = this.active;
    this.active = active;
    try {
      return work();
    } finally {
      this.active = before;
    }
  }
}

/** Takes the gradients of the last entry's output back to the inputs of the first. */
function walk(entries: readonly Entry[], gradients: Gradients): void {
  for (const entry of [...entries].reverse()) {
    const dy = gradients.get(entry.output);
    if (!dy) continue;
    entry.backward(dy, gradients);
    gradients.delete(entry.output);
  }
}
