/** Is dawnlm as fast as it should be? Every row of the list in one run, each against its rivals in turns. */

import type { SizeName } from '../src/check/workloads.ts';
import type { Engine } from '../src/tensor/engine.ts';
import { CONTESTS, type Contest, type Part } from './claims/catalog.ts';
import { aloneClaim, rivalClaim } from './claims/judge.ts';
import { lossClaim } from './claims/loss.ts';
import { attentionClaims, rowClaims, scriptClaim } from './claims/own.ts';
import { type ModelJob, makeModelJob, recordName } from './peers/job.ts';
import { comparePeers, type Entrant, type PeerFigure, type RoundOptions } from './peers/rounds.ts';
import type { ClaimMeasurement } from './record.ts';

export interface ClaimOptions extends RoundOptions {
  parts: readonly Part[];
  /** Told what happens in work that takes minutes. */
  say: (sentence: string) => void;
}

/** Measures parts of the list. Rows whose rival is not among the entrants, or fails, have no figure and say why. */
export async function* measureClaims(
  engine: Engine,
  adapter: { name: string; software: boolean },
  entrants: readonly Entrant[],
  options: ClaimOptions,
): AsyncGenerator<ClaimMeasurement> {
  const { parts, signal } = options;
  yield* contestClaims(entrants, options);
  const has = (part: Part): boolean => parts.includes(part) && !signal?.aborted;
  if (has('rows')) yield* await rowClaims(engine);
  if (has('attention')) yield* await attentionClaims(engine);
  if (has('script')) yield await scriptClaim(engine, adapter, options.rounds * options.seconds);
  const loss = has('loss') ? await lossClaim(options.say, signal) : undefined;
  if (loss) yield loss;
}

async function* contestClaims(entrants: readonly Entrant[], options: ClaimOptions): AsyncGenerator<ClaimMeasurement> {
  const jobs = new Map<SizeName, Awaited<ReturnType<typeof makeModelJob>>>();
  try {
    for (const contest of CONTESTS.filter(({ part }) => options.parts.includes(part))) {
      const { preset } = contest;
      if (options.signal?.aborted) return;
      if (!jobs.has(preset)) jobs.set(preset, await makeModelJob(preset));
      yield* contestIn(contest, entrants, jobs.get(preset)!.model, options);
    }
  } finally {
    for (const { dispose } of jobs.values()) await dispose();
  }
}

async function* contestIn(
  { work, preset, rivals, alone }: Contest,
  entrants: readonly Entrant[],
  model: ModelJob,
  options: RoundOptions,
): AsyncGenerator<ClaimMeasurement> {
  const names = ['dawnlm', ...rivals.map(({ peer }) => peer)];
  const present = entrants.filter(({ name }) => names.includes(name));
  const figures = new Map<string, PeerFigure>();
  for await (const figure of comparePeers(present, [work], model, options)) figures.set(figure.peer, figure);
  const ours = figures.get('dawnlm');
  if (!ours) return; // stopped
  const row = recordName(work, preset);
  if (alone) yield aloneClaim(row, ours, alone);
  for (const rival of rivals) yield rivalClaim(row, rival, ours, figures.get(rival.peer));
}
