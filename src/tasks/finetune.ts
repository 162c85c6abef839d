/** Fine-tunes a run to labels, and keeps what comes of it in a folder: from there it is used, merged and gone on with. */
import { join, resolve } from 'node:path';
import { UsageError, UserError } from '../errors.ts';
import { sweepTemporary } from '../node/files.ts';
import type { FolderLock } from '../node/lock.ts';
import type { Engine } from '../tensor/engine.ts';
import type { TaggedSentence } from '../text/labels/conll.ts';
import type { LabelledText } from '../text/labels/labelled.ts';
import { isRunFolder } from '../train/runFolder.ts';
import { linkTo, loadRun } from '../train/savedRun.ts';
import { Classifier } from './classify/classifier.ts';
import { type ClassifyEvent, type TunedClassifier, tuneClassifier } from './classify/classify.ts';
import type { ClassifyOverrides } from './classify/settings.ts';
import { keptParts, type LabelledData } from './data.ts';
import { type CardOf, EVALUATIONS, PARTS, readTuned, type TunedCard, writeTuned } from './folder.ts';
import type { TagOverrides, TagSettings } from './tag/settings.ts';
import { type TagEvent, type TunedTagger, tuneTagger } from './tag/tag.ts';
import { Tagger } from './tag/tagger.ts';
import type { FineTuned, FineTuneOptions } from './tune.ts';
import { TuneCheckpoint } from './tuneCheckpoint.ts';

/** The folder that was asked for, or one beside the run that is tuned. */
export const tunedFolder = (run: string, name: string, out?: string): string =>
  out ?? `${run.replace(/[\\/]+$/, '')}-${name}`;

/** @throws UserError where another run would be written over, UsageError where that is the one that is tuned */
export function refuseOccupied(folder: string, run: string, force = false): void {
  if (resolve(folder) === resolve(run)) {
    throw new UsageError(`${folder} is the run that is to be tuned: choose another folder with --out`);
  }
  if (force || !isRunFolder(folder)) return;
  throw new UserError(
    `${folder} holds a run already: go on with --resume if it was stopped, begin anew with --force, which keeps it as ${folder}.1, or choose another folder with --out.`,
  );
}

export interface FinetuneRunOptions<Example, Overrides, Event>
  extends Pick<FineTuneOptions<Example, Overrides, Event>, 'labels' | 'signal' | 'onEvent'> {
  readonly engine: Engine;
  readonly adapter: TunedCard['adapter'];
  /** Folder of the run that is tuned, which of its weights, and the lock of the folder that the tuned model is kept in. */
  readonly run: string;
  readonly checkpoint: 'best' | 'last';
  readonly lock: FolderLock;
  readonly data: LabelledData<Example>;
  readonly overrides: Overrides;
  /** What else the tuning depends on: how the data was read. */
  readonly identity: Readonly<Record<string, unknown>>;
  /** Whether to go on where the same tuning was stopped. */
  readonly resume: boolean;
}

type Finetune<Example, Overrides, Event, Result> = (
  options: FinetuneRunOptions<Example, Overrides, Event>,
) => Promise<Result>;

/** @throws UserError for a run or data that cannot be used; UsageError for settings that do not fit together; see `tuneClassifier` */
export const finetuneClassifier: Finetune<LabelledText, ClassifyOverrides, ClassifyEvent, TunedClassifier> = (
  options,
) => finetune(options, 'classify', tuneClassifier);

/** @throws UserError for a run or data that cannot be used; UsageError for settings that do not fit together; see `tuneTagger` */
export const finetuneTagger: Finetune<TaggedSentence, TagOverrides, TagEvent, TunedTagger> = (options) =>
  finetune(options, 'tag', tuneTagger);

/** Tunes to a task, and writes the folder. */
async function finetune<
  Example,
  Overrides,
  Event,
  Result extends FineTuned<Example, TunedClassifier['settings'] | TagSettings, unknown>,
>(
  options: FinetuneRunOptions<Example, Overrides, Event>,
  task: TunedCard['task'],
  tune: (options: FineTuneOptions<Example, Overrides, Event>) => Promise<Result>,
): Promise<Result> {
  const { engine, adapter, run, lock, data, overrides, labels, identity, signal, onEvent } = options;
  const { folder } = lock;
  await sweepTemporary(join(folder, PARTS));
  const startedAt = new Date().toISOString();
  const base = await loadRun(engine, run, options.checkpoint);
  const link = await linkTo(run, folder, options.checkpoint);
  const { parts, card: dataCard } = data;
  const depends = { task, base: link.sha256, data: dataCard.sha256, labels, ...identity, ...overrides };
  const checkpoint = new TuneCheckpoint(folder, depends, options.resume, { lock, evaluation: EVALUATIONS[task] });
  const tuned = await tune({ base, parts, name: dataCard.name, overrides, labels, checkpoint, signal, onEvent });
  const { status, best, history, settings, report } = tuned;
  const card = {
    ...{ version: 1, task, labels: tuned.labels, method: settings.method, base: link, dataCard, adapter, startedAt },
    ...{ settings: { ...settings, status, best, history }, report },
  } as Omit<TunedCard, 'splits'>;
  const kept = keptParts({ card: dataCard, parts: tuned.parts });
  await lock.write(() => writeTuned(folder, card, tuned.tuned, kept));
  if (status !== 'stopped') await checkpoint.remove();
  return tuned;
}

/** A classifier at work. @throws UserError when a file is missing or damaged, or the base is not what it was */
export async function openClassifier(engine: Engine, folder: string, card: CardOf<'classify'>): Promise<Classifier> {
  const { pooling, temperature, maxTokens } = card.settings;
  const tuned = await readTuned(engine, folder, card);
  return new Classifier({ ...tuned, classes: card.labels, pooling, temperature, maxTokens });
}

/** Sentences that are tagged at once. */
const TAGGED_AT_ONCE = 16;

/** A tagger at work, for so many sentences. @throws UserError when a file is missing or damaged, or the base is not what it was */
export async function openTagger(
  engine: Engine,
  folder: string,
  card: CardOf<'tag'>,
  sentences: number,
): Promise<Tagger> {
  const parts = { tags: card.labels, bidirectional: card.settings.bidirectional };
  return new Tagger({ ...(await readTuned(engine, folder, card)), ...parts }, Math.min(TAGGED_AT_ONCE, sentences));
}
