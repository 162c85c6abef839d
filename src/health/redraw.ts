import { median } from 'simple-statistics';
import type { GPT } from '../model/gpt.ts';
import type { Inside } from '../report/logRecord.ts';
import type { TrainConfig } from '../train/config.ts';

/** Gives heads that add less than a hundredth of their block's median the fresh values and projections of the run's seed. */
export async function drawHeads(model: GPT, heads: Inside['heads'], config: TrainConfig): Promise<void> {
  const { nHead, nEmbd } = model.config;
  const D = nEmbd / nHead;
  const fresh = new Map([...model.fresh(config.seed, config)].map(([{ name }, values]) => [name, values]));
  for (const [layer, shares] of heads.entries()) {
    const usual = median(shares.map(({ share }) => share));
    for (const [head, { share }] of shares.entries()) {
      if (share >= 0.01 * usual) continue;
      await redraw(model, fresh, { layer, first: head * D, D });
    }
  }
}

/** The columns of the values and the rows of the projection that are a head's, in GPT-2's layout (in, out); in Llama's turned. */
async function redraw(
  model: GPT,
  fresh: ReadonlyMap<string, Float32Array>,
  { layer, first, D }: { layer: number; first: number; D: number },
): Promise<void> {
  const { qkv, projection } = model.style.names.block(layer);
  const { transposed } = model.style;
  for (const { name, shape } of model.parameters.specs) {
    const isValues = name === `${qkv}.weight` || /v_proj/.test(name);
    const isOut = name === `${projection}.weight`;
    if (isValues && model.config.nKvHead !== model.config.nHead) continue; // shared with heads that live
    const ofLayer = name.includes(`.${layer}.`) && (isValues || isOut);
    if (!ofLayer || shape.length < 2) continue;
    const tensor = model.parameters.get(name);
    const values = await tensor.floats();
    const [, width] = shape;
    const offset = name === `${qkv}.weight` && !transposed ? width - model.config.nEmbd : 0;
    const byColumn = isOut === Boolean(transposed);
    for (let i = 0; i < values.length; i++) {
      const at = byColumn ? (i % width) - offset : Math.floor(i / width);
      if (at >= first && at < first + D) values[i] = fresh.get(name)![i];
    }
    tensor.write(values as Float32Array<ArrayBuffer>);
  }
}
