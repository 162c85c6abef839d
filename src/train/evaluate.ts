import type { GPT } from '../model/gpt.ts';
import type { Engine, Recording } from '../tensor/engine.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Tokens } from '../text/windows/dataset.ts';
import { type CountedBatches, evaluationBatches } from '../text/windows/windows.ts';

/** Mean cross-entropy over a text, and of how many tokens. */
export interface Evaluation {
  /** Nats a token. */
  loss: number;
  /** Tokens predicted: all but the first of the text. */
  tokens: number;
}

/** Scores text with a model: windows of the context's length, each predicted from its own start, without dropout. */
export class Evaluator {
  private readonly ids: Tensor; //     (B, T) u32
  private readonly targets: Tensor; // (B, T) u32
  private readonly work: Recording<{ loss: Tensor }>;

  constructor(model: GPT, batchSize: number) {
    const { blockSize } = model.config;
    const engine: Engine = model.parameters.engine;
    this.ids = engine.zeros([batchSize, blockSize], 'u32');
    this.targets = engine.zeros([batchSize, blockSize], 'u32');
    this.work = engine.withoutGradients(() => engine.record(() => ({ loss: model.loss(this.ids, this.targets) })));
  }

  get transientBytes(): number {
    return this.work.transientBytes;
  }

  /** Scores `tokens`, or `batches` batches spread evenly over them (0: all). `signal` stops it early: undefined then. */
  run(tokens: Tokens, batches = 0, signal?: AbortSignal): Promise<Evaluation | undefined> {
    const [B, T] = this.ids.shape;
    return this.score(evaluationBatches(tokens, B, T), batches, signal);
  }

  /** The same for batches that were made elsewhere, of this evaluator's size. */
  async score({ total, batches }: CountedBatches, most = 0, signal?: AbortSignal): Promise<Evaluation | undefined> {
    const wanted = most === 0 ? total : Math.min(most, total);
    let sum = 0;
    let count = 0;
    let index = 0;
    let taken = 0;
    for (const batch of batches()) {
      if (signal?.aborted) return undefined;
      // batch i of `wanted` is the one at i / wanted of the text
      if (index++ !== Math.floor((taken * total) / wanted)) continue;
      taken++;
      this.ids.write(batch.inputs as Uint32Array<ArrayBuffer>);
      this.targets.write(batch.targets as Uint32Array<ArrayBuffer>);
      this.work.run();
      const [loss] = await this.work.outputs.loss.floats();
      sum += loss * batch.count;
      count += batch.count;
      if (taken === wanted) break;
    }
    return { loss: sum / count, tokens: count };
  }
}
