/** What a check-up goes by: everything that can be measured of a run, once. The rules read it, and measure nothing themselves. */
import type { GPT } from '../model/gpt.ts';
import type { Inside, LogRecord } from '../report/logRecord.ts';
import type { DataCard, Dataset } from '../text/windows/dataset.ts';
import type { CountedBatches } from '../text/windows/windows.ts';
import type { TrainConfig } from '../train/config.ts';
import { Gathered } from '../train/watch/gathered.ts';
import { PassMeasures } from '../train/watch/pass.ts';
import { type Curve, curveOf } from './curve.ts';
import type { Finding } from './finding.ts';
import type { Rung } from './rungs.ts';

/** How a matrix differs from what it began as. */
export interface Moved {
  readonly name: string;
  /** Whether it is one of the blocks' matrices, and no embedding or head. */
  readonly inner: boolean;
  /** Root mean squares of fresh weights and of the last ones. */
  readonly fresh: number;
  readonly rms: number;
  /** ||W - W0|| / ||W0|| */
  readonly distance: number;
}

export interface Evidence {
  readonly config: TrainConfig;
  readonly card: DataCard;
  /** Learned numbers. */
  readonly parameters: number;
  readonly status: 'finished' | 'stopped' | 'diverged';
  /** Whether it began with fresh weights of its seed. */
  readonly isFresh: boolean;
  readonly log: readonly LogRecord[];
  readonly curve: Curve;
  readonly rungs: readonly Rung[];
  /** Of fresh runs. */
  readonly moved: readonly Moved[];
  /** Heads and units of the last weights, on held-out text or in the last watched step. */
  readonly pass?: Pick<Inside, 'heads' | 'deadUnits'>;
  /** What was found in the text itself. */
  readonly data: readonly Finding[];
}

/** The matrices of a model against the fresh ones of its seed. */
export async function movedOf(model: GPT, config: TrainConfig): Promise<Moved[]> {
  const { parameters } = model;
  const values = new Map(parameters.split(await parameters.values.floats()).map(({ name, data }) => [name, data]));
  const moved: Moved[] = [];
  for (const [{ name, shape, matrices }, before] of model.fresh(config.seed, config)) {
    const now = values.get(name)!;
    const fresh = rms(before);
    // zeros that something starts as are no size to go by
    if (shape.length < 2 || fresh === 0) continue;
    const distance = rms(now.map((value, i) => value - before[i])) / fresh;
    moved.push({ name, inner: matrices !== undefined, fresh, rms: rms(now), distance });
  }
  return moved;
}

const rms = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

/** Heads and units of a model, measured in one pass over the first windows of a text. */
export async function passOf(
  model: GPT,
  text: CountedBatches,
): Promise<Pick<Inside, 'heads' | 'deadUnits'> | undefined> {
  const [first] = text.batches();
  const rows = Math.floor(first.count / model.config.blockSize);
  if (rows < 1) return undefined;
  const { engine } = model;
  const T = model.config.blockSize;
  const ids = engine.tensor(first.inputs.slice(0, rows * T), [rows, T]);
  const results = new Gathered();
  const pass = new PassMeasures(model, results, rows * T);
  const work = engine.withoutGradients(() =>
    engine.record(() => {
      model.hidden(ids, { observer: pass });
      return { all: results.gather(engine) };
    }),
  );
  work.run();
  const figures = pass.figures(results.split(await work.outputs.all.floats()));
  work.dispose();
  return figures;
}

/** What a run is checked by, beside its log. Without a text, what stands without one. */
export interface Patient {
  readonly config: TrainConfig;
  readonly card: DataCard;
  readonly status: Evidence['status'];
  readonly isFresh: boolean;
  readonly log: readonly LogRecord[];
  /** With the last weights. */
  readonly model: GPT;
  readonly validation?: CountedBatches;
  readonly tokens?: Pick<Dataset, 'train' | 'validation'>;
}

/** Measures; undefined of a run that is too short for anything to be said. */
export async function evidenceOf(
  patient: Patient,
  { rungs, data }: Pick<Evidence, 'rungs' | 'data'>,
): Promise<Evidence | undefined> {
  const { model, validation, log, isFresh, config } = patient;
  const curve = curveOf(log);
  if (!curve) return undefined;
  return {
    ...{ config, card: patient.card, status: patient.status, isFresh, log, curve, rungs, data },
    parameters: model.parameters.count,
    moved: isFresh ? await movedOf(model, config) : [],
    pass: validation ? await passOf(model, validation) : log.findLast(({ inside }) => inside)?.inside,
  };
}
