/** Checkpoints: everything that a run needs to go on, bit for bit as if it had never stopped. */
import { z } from 'zod';
import { tensorOf } from '../export/safetensors.ts';
import { isLossScaleState } from '../kernels/optimizer/lossScale.ts';
import type { LoraAdapters } from '../model/lora.ts';
import { checkJson, damaged } from '../schema.ts';
import { FILES, type RunState, readWeights, stateOf, type TunedFrom, weightsOf, writeWeights } from './runFolder.ts';
import { adapterWeights } from './savedRun.ts';
import type { Trainer } from './trainer.ts';

const LossScale = z.custom<number[]>(isLossScaleState, 'must be the loss scale of mixed precision');

/** What a run that is tuned goes on from, and the adapters that alone are trained in it. */
interface Tuning {
  readonly adapters?: LoraAdapters;
  readonly from: TunedFrom;
}

/**
 * Saves a checkpoint: the best weights if they are the best so far, then everything that resuming needs, then the last
 * weights; adapters in place of weights where they alone were trained. Each file is replaced as a whole.
 * @throws UserError when the disk is full or the folder read-only.
 */
export async function saveCheckpoint(
  folder: string,
  trainer: Trainer,
  state: RunState,
  isBest: boolean,
  tuning?: Tuning,
): Promise<void> {
  const { adapters } = tuning ?? {};
  const [best, last] = adapters ? [FILES.adapter, FILES.lastAdapter] : [FILES.best, FILES.last];
  const own = adapters ? await adapterWeights(adapters, tuning!.from) : undefined;
  const weights = own?.weights ?? (await weightsOf(trainer.model.parameters));
  const metadata = { state: JSON.stringify(state), ...own?.metadata };
  if (isBest) await writeWeights(folder, best, weights, metadata);
  const { tensors, lossScale } = await trainer.save();
  // doubles in JSON hold what f32 does, to the bit
  const scaling = lossScale && { lossScale: JSON.stringify(lossScale) };
  await writeWeights(folder, FILES.resume, tensors, { ...metadata, ...scaling });
  await writeWeights(folder, last, weights, metadata);
}

/** Puts a trainer where its run stopped. @throws UserError when the checkpoint is missing, damaged or of another config. */
export async function restoreCheckpoint(folder: string, trainer: Trainer): Promise<RunState> {
  const file = await readWeights(folder, FILES.resume);
  const state = stateOf(file);
  const damage = damaged(`${file.fileName} (its lossScale)`);
  const lossScale = trainer.lossScale && checkJson(LossScale, file.metadata.lossScale, damage);
  trainer.restore(state.step, (name, shape) => tensorOf(file, name, shape), lossScale);
  return state;
}
