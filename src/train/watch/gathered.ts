import type { Engine } from '../../tensor/engine.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** Results of recorded work by name, side by side in one tensor: the host reads once, and waits once. */
export class Gathered {
  private readonly parts = new Map<string, Tensor>();

  /** Puts a result in; under a name that is there it takes the other's place. */
  add(name: string, result: Tensor): void {
    this.parts.set(name, result);
  }

  /** Copies all that was put in, to be called at the end of the work.   -> (N) */
  gather(engine: Engine): Tensor {
    const all = engine.empty([this.size]);
    let at = 0;
    for (const part of this.parts.values()) {
      engine.device.copy(part.view, all.part(at, part.shape).view);
      at += part.size;
    }
    return all;
  }

  /** What was read of the gathered tensor, by name. */
  split(numbers: Float32Array): (name: string) => Float32Array {
    let at = 0;
    const named = new Map<string, Float32Array>();
    for (const [name, { size }] of this.parts) named.set(name, numbers.subarray(at, (at += size)));
    return (name) => {
      const part = named.get(name);
      if (!part) throw new Error(`nothing was gathered as ${name}`);
      return part;
    };
  }

  private get size(): number {
    return [...this.parts.values()].reduce((sum, { size }) => sum + size, 0);
  }
}
