/** Runs of adapters as ones that stand by themselves. */
import { relative, resolve } from 'node:path';
import type { Engine } from '../../tensor/engine.ts';
import { FILES, weightsOf, writeRunCard, writeWeights } from '../../train/runFolder.ts';
import { linkTo, loadRun } from '../../train/savedRun.ts';
import { readParts, readTuned, type TunedCard, writeTuned } from '../folder.ts';

/**
 * Writes a run whose weights are those of the base with the adapters of `folder` added; its card says where it comes from.
 * @throws UserError when the run or its base cannot be loaded, or `out` cannot be written
 */
export async function mergeAdapters(
  engine: Engine,
  folder: string,
  checkpoint: 'best' | 'last',
  out: string,
): Promise<void> {
  const { model, tokenizer, state, ...card } = await loadRun(engine, folder, checkpoint);
  const weights = await weightsOf(model.parameters);
  await writeWeights(out, FILES.last, weights, state && { state: JSON.stringify(state) });
  const link = await linkTo(folder, out, checkpoint);
  const { path } = card.dataCard;
  const moved = { ...card.dataCard, path: path && relative(resolve(out), resolve(folder, path)) };
  const tunedFrom = { ...card.tunedFrom, ...link, method: 'full' } as const;
  await writeRunCard(out, { ...card, dataCard: moved, tunedFrom }, tokenizer, model);
}

/**
 * The same of a model that was tuned to labels: its head, labels, scores and parts go along.
 * @throws UserError when the tuned model or its base cannot be read, or `out` cannot be written
 */
export async function mergeTuned(engine: Engine, folder: string, card: TunedCard, out: string): Promise<void> {
  const { adapters, ...tuned } = await readTuned(engine, folder, card);
  adapters?.merge();
  const base = { ...card.base, folder: relative(resolve(out), resolve(folder, card.base.folder)) };
  await writeTuned(out, { ...card, base, method: 'full' }, tuned, await readParts(folder, card));
}
