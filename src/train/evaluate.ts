import type { GPT } from '../model/gpt.ts';
import type { Recording } from '../tensor/engine.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Tokens } from '../text/windows/dataset.ts';
import { type CountedBatches, evaluationBatches, spreadBatches } from '../text/windows/windows.ts';
import type { TrainConfig } from './config.ts';

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
    const { engine } = model.parameters;
    [this.ids, this.targets] = [0, 1].map(() => engine.zeros([batchSize, blockSize], 'u32'));
    this.work = engine.withoutGradients(() => engine.record(() => ({ loss: model.loss(this.ids, this.targets) })));
  }

  get transientBytes(): number {
    return this.work.transientBytes;
  }

  /** Hands back the memory of the recorded pass. */
  dispose(): void {
    this.work.dispose();
  }

  /** Scores a whole text. */
  run(tokens: Tokens): Promise<Evaluation> {
    const [B, T] = this.ids.shape;
    return this.score(evaluationBatches(tokens, B, T));
  }

  /** Scores batches of this evaluator's size: all of them, or where `most` is not 0 that many, spread evenly. */
  async score(batches: CountedBatches, most = 0): Promise<Evaluation> {
    let [sum, tokens] = [0, 0];
    for (const { inputs, targets, count } of spreadBatches(batches, most)) {
      this.ids.write(inputs as Uint32Array<ArrayBuffer>);
      this.targets.write(targets as Uint32Array<ArrayBuffer>);
      this.work.run();
      sum += (await this.work.outputs.loss.floats())[0] * count;
      tokens += count;
    }
    return { loss: sum / tokens, tokens };
  }
}

/** Held-out tokens that the last validation scores at most, spread over all of them: a large corpus would take minutes. */
const FINAL_TOKENS = 2 ** 18;

/** How many batches the last validation of a run scores; 0 for all. */
export const finalBatches = ({
  batchSize,
  blockSize,
  evalBatches,
}: Pick<TrainConfig, 'batchSize' | 'blockSize' | 'evalBatches'>): number =>
  evalBatches === 0 ? 0 : Math.max(Math.ceil(FINAL_TOKENS / (batchSize * blockSize)), evalBatches);
