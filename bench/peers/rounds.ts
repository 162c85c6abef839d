/** Takes turns: every peer warms up, then each measures for some seconds, one after the other, round after round. */
import { setTimeout as pause } from 'node:timers/promises';
import { timingOf } from '../../src/check/measure.ts';
import type { PeerMeasurement, Provenance } from '../record.ts';
import { type Answer, type Job, type ModelJob, recordName, type Work, type WorkName } from './job.ts';

/** Whoever takes part. */
export interface Entrant {
  name: string;
  works: readonly WorkName[];
  ask(job: Job): Promise<Answer>;
}

/** What a peer came to on a work: the median of the rounds, units a second. */
export interface PeerFigure extends Omit<PeerMeasurement, 'kind' | 'work'> {
  work: Work;
  /** What each round came to, in order. */
  values: readonly number[];
  /** The value in that of the first entrant. */
  ratio?: number;
  /** Why there is no value. */
  error?: string;
  adapter?: Provenance['adapter'];
}

export interface RoundOptions {
  rounds: number;
  /** That each peer works in a round. */
  seconds: number;
  /** Told every value as it comes. */
  onValue?: (peer: string, name: string, value: number, unit: string) => void;
  signal?: AbortSignal;
}

/** So that threads that spin for a while after their work do not do so in the next one's time. */
const PAUSE_MS = 100;

/** Results are f32 sums in different orders: losses and logits agree to some 1e-6, and this is far from any other model. */
const TOLERANCE = 1e-3;

/** Measures works one after the other. Figures come in the order of the entrants; ratios are to the first of them. */
export async function* comparePeers(
  entrants: readonly Entrant[],
  works: readonly Work[],
  model: ModelJob,
  options: RoundOptions,
): AsyncGenerator<PeerFigure> {
  for (const work of works) {
    const able = entrants.filter((entrant) => entrant.works.includes(work.work));
    const name = recordName(work, model.preset);
    const figures = await compareOn(able, { ...work, name, model, seconds: 0 }, options);
    if (options.signal?.aborted) return;
    const reference = figures.find(({ peer }) => peer === entrants[0].name)?.value;
    for (const figure of figures) {
      yield reference && figure.value ? { ...figure, ratio: figure.value / reference } : figure;
    }
  }
}

async function compareOn(able: readonly Entrant[], job: Job, options: RoundOptions): Promise<PeerFigure[]> {
  const all: Participation[] = [];
  for (const entrant of able) {
    if (!options.signal?.aborted) all.push({ entrant, answer: await warmUp(entrant, job, all), values: [] });
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const part of all) if (!part.answer.error && !options.signal?.aborted) await measure(part, job, options);
  }
  return all.map((part) => figureOf(part, job));
}

/** An entrant's part in a work. */
interface Participation {
  entrant: Entrant;
  /** Of its warm-up; with an error as soon as anything fails. */
  answer: Answer;
  values: number[];
}

/** The answer to a job that only prepares, refused when its result is not that of the others. */
async function warmUp(entrant: Entrant, job: Job, before: readonly Participation[]): Promise<Answer> {
  const answer = await entrant.ask(job);
  return {
    ...answer,
    error:
      answer.error ??
      problemOf(
        answer,
        before.find(({ answer: { error } }) => !error),
      ),
  };
}

/** What is wrong with results: no numbers (JSON has null for NaN), no training, or not those of another one. */
function problemOf({ work, check = [] }: Answer, reference: Participation | undefined): string | undefined {
  const list = check.join(', ');
  if (check.length === 0 || !check.every(Number.isFinite)) return `its results are no numbers: ${list}`;
  if (work === 'train' && !(check[check.length - 1] < check[0])) return `its loss does not fall on one batch: ${list}`;
  const expected = reference?.answer.check ?? check;
  const near = (value: number, i: number) =>
    Math.abs(value - expected[i]) <= TOLERANCE * Math.max(1, Math.abs(expected[i]));
  if (check.length === expected.length && check.every(near)) return undefined;
  return `its results differ from those of ${reference?.entrant.name}: ${list}, not ${expected.join(', ')}`;
}

async function measure(part: Participation, job: Job, { seconds, onValue }: RoundOptions): Promise<void> {
  await pause(PAUSE_MS);
  const { value, error, unit = '' } = await part.entrant.ask({ ...job, seconds });
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) {
    part.values.push(value);
    onValue?.(part.entrant.name, job.name, value, unit);
  } else part.answer = { ...part.answer, error: error ?? `it answered with the value ${value}` };
}

function figureOf({ entrant, answer, values }: Participation, { model, name, seconds, ...work }: Job): PeerFigure {
  const { unit = '', version, note, error, adapter } = answer;
  const figure = { peer: entrant.name, work, unit, version, note, adapter, values };
  if (error || values.length === 0) return { ...figure, value: null, error: error ?? 'it was not measured' };
  const { median: value, ...timing } = timingOf(values);
  return { ...figure, value, ...timing };
}
