/** The same recipe on what is no prose: each domain's model trained by its own settings, and judged by its own judges. */
import { join } from 'node:path';
import { z } from 'zod';
import type { Domain } from '../../data/domain.ts';
import { domainParts } from '../../data/prepare.ts';
import { appraiser } from '../../src/cli/appraise.ts';
import { asTrained, openCorpus } from '../../src/cli/corpus.ts';
import { DEFAULT_PRESET } from '../../src/cli/trainPlan.ts';
import type { Say } from '../../src/node/npm.ts';
import { Energy } from '../../src/report/costCard.ts';
import { Score } from '../../src/report/judged.ts';
import { askedModel } from '../../src/tasks/domain.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import { resolveConfig, type TrainConfig } from '../../src/train/config.ts';
import type { RunEvent } from '../../src/train/run/events.ts';
import { trainRun } from '../../src/train/run/run.ts';
import { checkSameSettings } from '../../src/train/run/saving.ts';
import { isRunFolder, readRunCard } from '../../src/train/runFolder.ts';
import { loadRun } from '../../src/train/savedRun.ts';

/** What came of one model of a domain. */
export const DomainRecord = z.object({
  domain: z.string(),
  seed: z.int().min(0),
  /** Of the training part, and different ones. */
  tokens: z.int(),
  vocabulary: z.int(),
  parameters: z.int(),
  steps: z.int(),
  /** On the held-out part: nats a token. */
  loss: z.number(),
  scores: z.array(Score),
  notes: z.array(z.string()),
  /** Of training; of judging. */
  seconds: z.number().min(0),
  judgedSeconds: z.number().min(0),
  energy: Energy.optional(),
});
export type DomainRecord = z.infer<typeof DomainRecord>;

export interface DomainStudyOptions {
  readonly engine: Engine;
  readonly adapter: { name: string; software: boolean };
  readonly folder: string;
  readonly quick: boolean;
  readonly signal?: AbortSignal;
  readonly say: Say;
  readonly onEvent?: (event: RunEvent) => void;
}

/** Steps of a quick study, as a share of the domain's own. */
const QUICK = 0.1;

/** The settings of a domain's model: its own over those of the preset that trains without any. */
export function studyConfig({ settings }: Domain, seed: number, quick: boolean): TrainConfig {
  const config = resolveConfig(DEFAULT_PRESET, settings, { seed });
  if (!quick) return config;
  const steps = Math.max(10, Math.round(QUICK * config.steps));
  const { warmupSteps: _, ...rest } = settings;
  return resolveConfig(DEFAULT_PRESET, rest, { seed, steps });
}

/** Where the run of a domain's model is kept. */
export const runFolder = (folder: string, domain: Domain, seed: number): string =>
  join(folder, `${domain.name}-${seed}`);

/** What a run settles by its adapter. */
const BY_ADAPTER = ['precision'];

/**
 * @throws UsageError when a domain's model that is there already was trained by other settings than the domain has now, of which an
 * earlier version of dawnlm may have had others: the two are no seeds of the same thing
 */
export async function checkModel(
  domain: Domain,
  seed: number,
  { folder, quick }: Pick<DomainStudyOptions, 'folder' | 'quick'>,
): Promise<void> {
  const run = runFolder(folder, domain, seed);
  if (isRunFolder(run)) checkSameSettings(await readRunCard(run), studyConfig(domain, seed, quick), run, BY_ADAPTER);
}

/** Trains a domain's model, or goes on with one that was stopped, and judges it. @throws what the signal aborts with */
export async function runDomain(domain: Domain, seed: number, options: DomainStudyOptions): Promise<DomainRecord> {
  const { engine, adapter, quick, signal, say, onEvent } = options;
  await checkModel(domain, seed, options);
  const config = studyConfig(domain, seed, quick);
  const corpus = await asTrained(await openCorpus(domain.name), config);
  const folder = runFolder(options.folder, domain, seed);
  const run = { engine, adapter, corpus, config, folder, signal, onEvent, appraise: appraiser(adapter) };
  const { status, validationLoss, appraisal } = await trainRun({ ...run, resume: isRunFolder(folder) });
  signal?.throwIfAborted();
  if (status !== 'finished') throw new Error(`the model of ${domain.name} ${status}`);
  const saved = await loadRun(engine, folder);
  const began = performance.now();
  const asked = askedModel(saved, { parts: await domainParts(domain, say), seed, quick, signal, say });
  const { scores, notes } = await domain.judge(asked);
  const { cost } = appraisal;
  return DomainRecord.parse({
    ...{ domain: domain.name, seed, steps: config.steps, loss: validationLoss, scores, notes },
    ...{ tokens: saved.dataCard.trainTokens, vocabulary: saved.tokenizer.vocabSize },
    ...{ parameters: saved.model.parameters.count, energy: cost?.energy },
    ...{ seconds: (cost?.timeMs ?? 0) / 1000, judgedSeconds: (performance.now() - began) / 1000 },
  });
}
