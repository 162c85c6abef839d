/** Checkpoints: everything that a run needs to go on, bit for bit as if it had never stopped. */
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { BASE_HASH, toPeftTensors } from '../export/peft.ts';
import { encodeSafetensors, type NamedTensor } from '../export/safetensors.ts';
import { isLossScaleState } from '../kernels/optimizer/lossScale.ts';
import type { GPT } from '../model/gpt.ts';
import type { LoraAdapters } from '../model/lora.ts';
import { writeAtomic } from '../node/files.ts';
import { FILES, partOf, type RunState, readWeights, type TunedFrom } from './runFolder.ts';
import type { Trainer } from './trainer.ts';

/** How far a run was when it wrote a file. @throws UserError when the file does not say so */
export function parseState(metadata: Readonly<Record<string, string>>, file: string): RunState {
  try {
    const state = JSON.parse(metadata.state) as RunState;
    if (Number.isInteger(state.step) && state.step >= 0) return state;
  } catch {
    // said below
  }
  throw new UserError(`${file} does not say how far its run was; it is not a checkpoint of this program.`);
}

function parseLossScale({ lossScale }: Readonly<Record<string, string>>, file: string): number[] {
  try {
    const state: unknown = JSON.parse(lossScale);
    if (isLossScaleState(state)) return state;
  } catch {
    // said below
  }
  throw new UserError(
    `${file} does not hold the loss scale of mixed precision; restore it from a copy, or train anew.`,
  );
}

/** Reads parameters back. */
async function weightsOf(model: GPT): Promise<NamedTensor[]> {
  return model.parameters.split(await model.parameters.values.floats());
}

/** What is written as a run's weights, and where. */
async function weightsToSave(model: GPT, tuning?: { adapters?: LoraAdapters; from: TunedFrom }) {
  const metadata: Record<string, string> = {};
  if (!tuning?.adapters) return { best: FILES.best, last: FILES.last, weights: await weightsOf(model), metadata };
  const { parameters, layers } = tuning.adapters;
  const weights = toPeftTensors(layers, parameters.split(await parameters.values.floats()));
  return { best: FILES.adapter, last: FILES.lastAdapter, weights, metadata: { [BASE_HASH]: tuning.from.sha256 } };
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
  tuning?: { adapters?: LoraAdapters; from: TunedFrom },
): Promise<void> {
  const { best, last, weights, ...of } = await weightsToSave(trainer.model, tuning);
  const metadata = { state: JSON.stringify(state), ...of.metadata };
  if (isBest) await writeAtomic(join(folder, best), encodeSafetensors(weights, metadata));
  const { tensors, lossScale } = await trainer.save();
  // doubles in JSON hold what f32 does, to the bit
  const scaling = lossScale && { lossScale: JSON.stringify(lossScale) };
  await writeAtomic(join(folder, FILES.resume), encodeSafetensors(tensors, { ...metadata, ...scaling }));
  await writeAtomic(join(folder, last), encodeSafetensors(weights, metadata));
}

/** Puts a trainer where its run stopped. @throws UserError when the checkpoint is missing, damaged or of another config. */
export async function restoreCheckpoint(folder: string, trainer: Trainer): Promise<RunState> {
  const file = join(folder, FILES.resume);
  const loaded = await readWeights(folder, FILES.resume);
  const state = parseState(loaded.metadata, file);
  const lossScale = trainer.lossScale && parseLossScale(loaded.metadata, file);
  trainer.restore(state.step, (name, shape) => partOf(loaded, file, name, shape), lossScale);
  return state;
}
