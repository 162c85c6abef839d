/** Which planted faults does a check-up name, and does it find any in sound runs? */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { decodeSafetensors } from '../../src/export/safetensors.ts';
import { examine } from '../../src/health/examine.ts';
import { tryAdvice } from '../../src/health/trial.ts';
import { FoundCard, type HealthCard, TrialCard } from '../../src/report/healthCard.ts';
import { seriesOf } from '../../src/report/series.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import { mix } from '../../src/text/windows/permutation.ts';
import { resolveConfig, type TrainConfig } from '../../src/train/config.ts';
import { trainRun } from '../../src/train/run/run.ts';
import { FILES, writeWeights } from '../../src/train/runFolder.ts';
import { loadRun } from '../../src/train/savedRun.ts';
import { FAULTS, type Fault, materialOf, type Planted } from './faults.ts';
import { corpusOf, TEXTS, textOf } from './texts.ts';

/** A run of the study, before it is made. */
export interface Case {
  readonly name: string;
  /** Undefined of sound runs. */
  readonly fault?: string;
  /** Drawn by seed after the rules stood. */
  readonly drawn: boolean;
  readonly size: 'tiny' | 'small' | 'mid';
  readonly text: (typeof TEXTS)[number];
  readonly style: 'gpt2' | 'llama';
  readonly optimizer: 'adamw' | 'muon';
  readonly draw: number;
}

export const StudyRecord = z.object({
  name: z.string(),
  fault: z.string().optional(),
  drawn: z.boolean(),
  what: z.string(),
  line: z.string(),
  findings: z.array(FoundCard),
  trials: z.array(TrialCard.omit({ curves: true })),
  /** Of faults: whether a problem is named right, and whether it is the first; of sound runs: whether none was found. */
  right: z.boolean(),
  first: z.boolean(),
  confirmed: z.boolean(),
  validationLoss: z.number().nullable(),
});
export type StudyRecord = z.infer<typeof StudyRecord>;

const SIZES: Record<Case['size'], Partial<TrainConfig>> = {
  tiny: { steps: 300, warmupSteps: 20 },
  small: { nLayer: 2, nHead: 4, nEmbd: 64, blockSize: 48, batchSize: 8, steps: 300, warmupSteps: 20 },
  mid: { nLayer: 3, nHead: 4, nEmbd: 64, blockSize: 64, batchSize: 12, steps: 400, warmupSteps: 30 },
};

/** Half of the faults and sound runs as they were when rules were made, the other half drawn. */
export function studyCases(seed: number, quick: boolean): Case[] {
  const fixed = { text: 'novel', style: 'gpt2', optimizer: 'adamw', drawn: false } as const;
  const planted = FAULTS.map(({ name, size = 'tiny' }, i): Case => ({ ...fixed, name, fault: name, size, draw: i }));
  const sound = ['tiny', 'mid', 'tiny'].map((size, i): Case => {
    const text = TEXTS[i % TEXTS.length];
    return { ...fixed, name: `sound, ${size}, ${text}`, size: size as Case['size'], text, draw: 100 + i };
  });
  if (quick) return [...planted.filter(({ size }) => size === 'tiny'), ...sound.filter(({ size }) => size === 'tiny')];
  return [...planted, ...sound, ...FAULTS.map((fault, i) => drawFault(fault, mix(seed, i))), ...drawSound(seed, 7)];
}

const one = <T>(list: readonly T[], draw: number): T => list[draw % list.length];

const drawnOf = (draw: number): Omit<Case, 'name'> => ({
  ...{ drawn: true, draw, size: one(['tiny', 'small'], mix(draw, 1)), text: one(TEXTS, mix(draw, 2)) },
  ...{ style: one(['gpt2', 'llama'], mix(draw, 3)), optimizer: one(['adamw', 'muon'], mix(draw, 4)) },
});

/** Heads are killed in GPT-2's layout alone, and the rate of Muon is another: such faults keep what they need. */
function drawFault({ name, size }: Fault, draw: number): Case {
  const some = drawnOf(draw);
  const isOf = (part: string): boolean => name.includes(part);
  const style = isOf('head') ? 'gpt2' : some.style;
  return { ...some, name: `${name}, drawn`, fault: name, size: size ?? some.size, style };
}

const drawSound = (seed: number, count: number): Case[] =>
  Array.from({ length: count }, (_, i) => {
    const some = drawnOf(mix(seed, 1000 + i));
    return { ...some, name: `sound ${i + 1}: ${some.size}, ${some.text}, ${some.style}, ${some.optimizer}` };
  });

async function plantedOf({ size, text, style, optimizer, draw, fault }: Case): Promise<Planted> {
  const rate = optimizer === 'muon' ? { learningRate: 3e-3, minLearningRate: 3e-4, muonFactor: 3 } : {};
  const settings = {
    ...SIZES[size],
    style,
    optimizer,
    ...rate,
    seed: draw,
    evalEvery: 25,
    evalBatches: 20,
    checkpointEvery: 1000,
  };
  const sound: Planted = { settings, text: await textOf(text, 250_000 + (mix(draw, 5) % 150_000), mix(draw, 6)) };
  return FAULTS.find(({ name }) => name === fault)?.plant(sound, draw) ?? sound;
}

export interface StudyOptions {
  readonly engine: Engine;
  readonly adapter: { name: string; software: boolean };
  readonly folder: string;
  readonly trySteps: number;
  readonly signal?: AbortSignal;
}

/** Makes a run, checks it up and tries what is advised. */
export async function runCase(one: Case, options: StudyOptions): Promise<StudyRecord> {
  const { engine, adapter, folder, trySteps, signal } = options;
  const planted = await plantedOf(one);
  const config = resolveConfig('tiny', { ...planted.settings });
  const material = await materialOf(planted, config, false);
  const given = { engine, adapter, corpus: corpusOf('study', planted.text), folder, signal };
  const spoil = () => planted.spoil?.(material) ?? material;
  const killAt = Math.floor(config.steps / 2);
  if (planted.kill) await trainTo(killAt, { ...given, spoil }, config, planted.kill);
  const result = await trainRun({ ...given, spoil, config, resume: planted.kill !== undefined });
  const { model } = await loadRun(engine, folder, 'last');
  const patient = { config, card: material.card, status: result.status, isFresh: true, log: result.log, model };
  const { validation, tokens, tokenizer } = material;
  const health = await examine({ ...patient, validation, tokens, tokenizer });
  if (!health) throw new Error('a run of the study is too short to be checked');
  const trials = await Promise.resolve(
    tryAll(health, { config, planted, log: result.log, model, ...options, trySteps }),
  );
  return recordOf(one, config, health, trials, result.bestValidationLoss);
}

async function tryAll(
  health: HealthCard,
  run: { config: TrainConfig; planted: Planted; log: Awaited<ReturnType<typeof trainRun>>['log'] } & StudyOptions & {
      model: Awaited<ReturnType<typeof loadRun>>['model'];
    },
): Promise<TrialCard[]> {
  const { config, planted, log, engine, folder, trySteps: steps, model, signal } = run;
  const done: TrialCard[] = [];
  for (const found of health.findings.filter(({ severity }) => severity === 'problem')) {
    done.push(
      await tryAdvice(found, {
        ...{ engine, config, steps, signal, logged: seriesOf(log, 'loss') },
        material: (set, refit) => materialOf(planted, set, refit),
        weights: async (which) => (which === 'last' ? model : (await loadRun(engine, folder, which)).model),
      }),
    );
  }
  return done;
}

/** Trains to a step, and takes away what heads see and say: a saddle that no gradient leaves. */
async function trainTo(
  step: number,
  given: Pick<Parameters<typeof trainRun>[0], 'engine' | 'adapter' | 'corpus' | 'folder' | 'spoil'>,
  config: TrainConfig,
  heads: NonNullable<Planted['kill']>,
): Promise<void> {
  const stop = new AbortController();
  const onEvent = (event: { type: string; record?: { step: number } }): void => {
    if (event.type === 'log' && event.record!.step >= step) stop.abort();
  };
  await trainRun({ ...given, config, resume: false, signal: stop.signal, onEvent });
  const path = join(given.folder, FILES.resume);
  const { tensors, metadata } = decodeSafetensors(await readFile(path), path);
  const { nEmbd: C, nHead } = config;
  const D = C / nHead;
  const dead = [...tensors].map(([name, { shape, data }]) => {
    const values = data.slice();
    for (const [layer, head] of heads) {
      const isOut = name.includes(`.h.${layer}.attn.c_proj.weight`);
      if (!isOut && !name.includes(`.h.${layer}.attn.c_attn.weight`)) continue;
      for (let i = 0; i < values.length; i++) {
        const at = isOut ? Math.floor(i / C) : (i % (3 * C)) - 2 * C;
        if (at >= head * D && at < (head + 1) * D) values[i] = 0;
      }
    }
    return { name, shape, data: values };
  });
  await writeWeights(given.folder, FILES.resume, dead, metadata);
}

function recordOf(
  { name, fault, drawn, size, text, style, optimizer }: Case,
  config: TrainConfig,
  { findings, line }: HealthCard,
  trials: readonly TrialCard[],
  validationLoss: number,
): StudyRecord {
  const problems = findings.filter(({ severity }) => severity === 'problem');
  const names = FAULTS.find((one) => one.name === fault)?.right ?? [];
  const named = problems.find((problem) => names.includes(problem.name));
  const right = fault ? named !== undefined : problems.length === 0;
  const trial = trials.find(({ finding }) => finding === named?.name);
  return {
    ...{
      name,
      drawn,
      line,
      findings,
      right,
      first: named === problems[0],
      confirmed: right && (!fault || trial?.verdict === 'confirmed'),
    },
    ...(fault && { fault }),
    what: `${size}, ${text}, ${style}, ${optimizer}, ${config.steps} steps`,
    trials: trials.map(({ finding, verdict, sentence }) => ({ finding, verdict, sentence })),
    validationLoss: Number.isFinite(validationLoss) ? validationLoss : null,
  };
}
