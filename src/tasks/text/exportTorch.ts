/** A run as a folder from which PyTorch goes on with it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../errors.ts';
import { bytesOf } from '../../export/bytes.ts';
import { encodeSafetensors, type NamedTensor, tensorOf } from '../../export/safetensors.ts';
import { tokenType, torchPrograms } from '../../export/torch/torch.ts';
import { writeAtomic } from '../../node/files.ts';
import { shellWord } from '../../shellWord.ts';
import { sizeOf } from '../../tensor/shape.ts';
import type { Dataset, Tokens } from '../../text/windows/dataset.ts';
import { MOMENTS, momentName } from '../../train/optimizer.ts';
import { FILES, type RunState, readWeights, stateOf } from '../../train/runFolder.ts';
import type { SavedRun } from '../../train/savedRun.ts';

/** Where a run comes from. */
export interface RunOrigin {
  /** Its folder. */
  readonly folder: string;
  /** The text that it learns from, as its tokens. @throws UserError when that cannot be had, or is another by now */
  dataset(): Promise<Dataset>;
}

/** What training goes on from. */
interface TrainingState {
  readonly tensors: readonly NamedTensor[];
  readonly state: RunState;
  /** Why the optimizer begins anew, where it does. */
  readonly fresh?: string;
}

/**
 * Writes programs, checkpoint and tokens: all that training needs to go on.
 * @param weights the run's weights, for runs without the state of an optimizer
 * @throws UserError for a run that was tuned on prompts and answers, a style that no program computes, or a text that is not there
 */
export async function writeTorch(
  run: SavedRun,
  weights: readonly NamedTensor[],
  origin: RunOrigin,
  folder: string,
): Promise<{ files: string[]; load: string; notes: string[] }> {
  const { config, model, tunedFrom } = run;
  if (tunedFrom?.chat) {
    throw new UserError(
      `${origin.folder} was tuned on prompts and answers, and torch goes on with runs that learn from a text: export the run that it was tuned from`,
    );
  }
  const programs = await torchPrograms(model.config, config);
  const training = await stateOfTraining(run, weights, origin.folder);
  await refuseLater(folder, training.state);
  const { train, validation } = await origin.dataset();
  const { tensors, state } = training;
  const files: Record<string, string | Iterable<Uint8Array>> = {
    ...programs,
    [CHECKPOINT]: encodeSafetensors(tensors, { state: JSON.stringify(state) }),
    'train.bin': [tokenBytes(train, model.config)],
    'validation.bin': [tokenBytes(validation, model.config)],
    'README.md': readMe(run, training, origin.folder),
  };
  for (const [name, content] of Object.entries(files)) await writeAtomic(join(folder, name), content);
  const script = shellWord(join(folder, 'train.py'));
  return {
    files: Object.keys(files),
    load: `python3 ${script}, or torchrun --nproc_per_node=2 ${script}`,
    notes: notesOn(run, training),
  };
}

const CHECKPOINT = 'checkpoint.safetensors';

/** @throws UserError when PyTorch has gone on in the folder: its work would be lost */
async function refuseLater(folder: string, { step }: RunState): Promise<void> {
  if (!existsSync(join(folder, CHECKPOINT))) return;
  const { step: theirs } = stateOf(await readWeights(folder, CHECKPOINT));
  if (theirs <= step) return;
  throw new UserError(
    `in ${folder} PyTorch has gone on to step ${theirs}, and this run is at step ${step}: choose another folder with --out, or remove that one`,
  );
}

/** The checkpoint of a run that can be resumed; else its weights, with an optimizer that has seen nothing. */
async function stateOfTraining(
  { model }: SavedRun,
  weights: readonly NamedTensor[],
  folder: string,
): Promise<TrainingState> {
  const { specs } = model.parameters;
  const parts = specs.flatMap(({ name, shape }) => [
    { name, shape },
    ...MOMENTS.map((which) => ({ name: momentName(name, which), shape })),
  ]);
  const file = existsSync(join(folder, FILES.resume)) ? await readWeights(folder, FILES.resume) : undefined;
  if (file && parts.every(({ name }) => file.tensors.has(name))) {
    const tensors = parts.map(({ name, shape }) => ({ name, shape, data: tensorOf(file, name, shape) }));
    return { tensors, state: stateOf(file) };
  }
  const own = new Map(weights.map(({ name, data }) => [name, data]));
  return {
    tensors: parts.map(({ name, shape }) => ({ name, shape, data: own.get(name) ?? new Float32Array(sizeOf(shape)) })),
    state: { step: 0, timeMs: 0, bestValidationLoss: null, bestStep: 0 },
    fresh: file ? 'only a part of its model was trained' : 'the run folder has no resume.safetensors',
  };
}

/** Numbers of 16 or 32 bits, as the programs read them. */
function tokenBytes(tokens: Tokens, model: { vocabSize: number }): Uint8Array {
  return bytesOf(tokenType(model) === 'int16' ? Int16Array.from(tokens) : Int32Array.from(tokens));
}

function notesOn({ config, model }: SavedRun, { fresh, state }: TrainingState): string[] {
  const { steps, precision, fillInMiddle, copyFraction } = config;
  const notes = [];
  if (fresh) notes.push(`${fresh}: the optimizer begins anew, at step 0 of ${steps}, with all weights`);
  else if (state.step >= steps) notes.push(`all of the ${steps} steps are done: raise STEPS in train.py to train on`);
  else notes.push(`it goes on after step ${state.step} of ${steps}, whatever --checkpoint says`);
  if (model.config.dropout > 0) notes.push('what dropout drops is drawn by PyTorch: losses are others than here');
  if (fillInMiddle > 0)
    notes.push('PyTorch reads windows as they stand in the text: it moves the middle of none to its end');
  if (state.step < copyFraction * steps)
    notes.push('PyTorch reads the text from its first step on, and copies nothing');
  if (precision === 'mixed') notes.push('the run is in mixed precision, and PyTorch goes on in float32');
  return notes;
}

function readMe({ config, model, dataCard }: SavedRun, { state, fresh }: TrainingState, run: string): string {
  const begins = fresh ? `The optimizer begins anew (${fresh}).` : `It goes on after step ${state.step}.`;
  const same = model.config.dropout > 0 ? ' But for dropout, whose random numbers are its own, the' : ' The';
  return `# A run of dawnlm in PyTorch

A ${model.config.style} model of ${model.parameters.count.toLocaleString('en')} parameters that learns from ${dataCard.name}. ${begins}
PyTorch 1.13 or later is all that is needed.

    python3 train.py                          # one process, on a GPU where there is one
    torchrun --nproc_per_node=2 train.py      # two processes on one machine, a GPU each, or both on the CPU
    torchrun --nnodes=2 --nproc_per_node=8 --rdzv_backend=c10d --rdzv_endpoint=HOST:29500 train.py    # on each of two machines

Where there is no \`torchrun\`, \`python3 -m torch.distributed.run\` is the same; that of PyTorch 1.13 on Python 3.11, which Debian 12
has, ends with \`'NoneType' object has no attribute 'get'\` unless it is given \`--redirects 1 --tee 1\` too. The number of processes has to divide the batch of
${config.batchSize}. Run it again to go on from the last checkpoint; several machines have to share the folder.

| File | What it is |
|---|---|
| \`model.py\` | the model |
| \`optimizer.py\` | ${config.optimizer === 'muon' ? 'Muon, and AdamW for what is no matrix of a block' : 'AdamW'} |
| \`train.py\` | settings, the learning rate, and the loop |
| \`windows.py\` | which tokens a step sees |
| \`checkpoint.py\` | how checkpoint.safetensors is read and written |
| \`checkpoint.safetensors\` | weights, moments of the optimizer, step |
| \`train.bin\`, \`validation.bin\` | the text's tokens, ${tokenType(model.config)}, one after another |

${same.trim()} losses of one process are those that dawnlm would have had next, to about four digits: the same batches in the same order, in
float32. Several processes give the losses of one. For speed on a GPU let \`attend\` in model.py call
\`F.scaled_dot_product_attention\`, wrap the model in \`torch.compile\`, and compute in bfloat16 (\`torch.autocast\`).

Back in dawnlm, the weights are sampled from, and the run is resumed, with

    cp checkpoint.safetensors ${shellWord(join(run, FILES.last))}
    npx dawnlm sample --run ${shellWord(run)} --checkpoint last
    cp checkpoint.safetensors ${shellWord(join(run, FILES.resume))}
    npx dawnlm train --resume --out ${shellWord(run)}
`;
}
