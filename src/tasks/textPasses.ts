import type { GPT } from '../model/gpt.ts';
import { type Pooling, pool, poolingPlaces } from '../model/heads.ts';
import type { Recording } from '../tensor/engine.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { batchesByLength, type EncodedText, padTexts } from '../text/labels/labelledBatches.ts';

/** The inputs of batches of one length, and what is recorded over them. */
interface Pass {
  readonly ids: Tensor; //    (B, T) u32
  readonly places: Tensor; // (B) u32, see `poolingPlaces`
  readonly work: Recording<{ rows: Tensor }>; // (B, N)
}

/** What texts are read by: a model, and where the state of a text is taken from. */
export interface TextReader {
  readonly model: GPT;
  readonly pooling: Pooling;
  /** Texts that are read at once. */
  readonly batchSize: number;
}

/** A row of numbers for each text, without dropout and gradients: one recorded pass for each padded length. */
export class TextPasses {
  private readonly passes = new Map<number, Pass>();

  /** @param output what becomes of the texts' states: (B, C) -> (B, N) */
  constructor(
    private readonly reader: TextReader,
    private readonly output: (states: Tensor) => Tensor,
  ) {}

  /** The rows of the texts, in their order: N numbers each. */
  async rows(texts: readonly EncodedText[]): Promise<Float32Array[]> {
    const { model, pooling, batchSize } = this.reader;
    const rows = new Array<Float32Array>(texts.length);
    for (const batch of batchesByLength(texts, batchSize)) {
      const chosen = batch.map((i) => texts[i]);
      const { length, ids, lengths } = padTexts(chosen, batchSize, model.config.blockSize);
      const pass = this.pass(length);
      pass.ids.write(ids);
      pass.places.write(poolingPlaces(lengths, pooling));
      pass.work.run();
      const flat = await pass.work.outputs.rows.floats();
      const width = flat.length / batchSize;
      batch.forEach((i, b) => {
        rows[i] = flat.slice(b * width, (b + 1) * width);
      });
    }
    return rows;
  }

  /** Hands back the memory of what was recorded; a later call records anew. */
  dispose(): void {
    for (const { work } of this.passes.values()) work.dispose();
    this.passes.clear();
  }

  private pass(length: number): Pass {
    const before = this.passes.get(length);
    if (before) return before;
    const { model, pooling, batchSize } = this.reader;
    const { engine } = model.parameters;
    const ids = engine.zeros([batchSize, length], 'u32');
    const places = engine.zeros([batchSize], 'u32');
    const read = () => ({ rows: this.output(pool(model.hidden(ids), places, pooling)) });
    const pass = { ids, places, work: engine.withoutGradients(() => engine.record(read)) };
    this.passes.set(length, pass);
    return pass;
  }
}
