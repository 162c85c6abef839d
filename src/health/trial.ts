/** An advice is tried: some steps from the same point with the change and without it, or a score that the change would give. */
import { mean } from 'simple-statistics';
import type { GPT } from '../model/gpt.ts';
import { largest } from '../numbers.ts';
import { exact, figure, loss } from '../report/format.ts';
import { type FoundCard, flagsOf, type TrialCard } from '../report/healthCard.ts';
import { type Point, smooth } from '../report/series.ts';
import type { TrainConfig } from '../train/config.ts';
import { tryData } from './dataTrial.ts';
import { passOf } from './evidence.ts';
import { drawHeads } from './redraw.ts';
import { type ShortRun, shortRun } from './shortRun.ts';
import type { Trials } from './trials.ts';

/** Differences below this are of no use, however sure: nats a token. */
const USEFUL = 0.01;

/** Tries what one finding advises. */
export async function tryAdvice(found: FoundCard, trials: Trials): Promise<TrialCard> {
  const settings = (found.advice?.settings ?? {}) as Partial<TrainConfig>;
  const data = await tryData(found.name, trials);
  if (data) return { finding: found.name, ...data };
  if (found.name === 'dead-head') return { finding: found.name, ...(await tryHeads(trials)) };
  if (found.name === 'targets-unrelated') return { finding: found.name, ...(await tryTargets(trials)) };
  if (Object.keys(settings).length === 0) {
    return {
      finding: found.name,
      verdict: 'not tried',
      sentence: 'This advice is no setting that steps could be taken with.',
    };
  }
  const onward = settings.dropout !== undefined;
  return { finding: found.name, ...(onward ? await tryOnward(settings, trials) : await tryFresh(settings, trials)) };
}

/**
 * From fresh weights of the same seed; another training, of another seed without the change, tells what seeds alone do. A lower rate is
 * tried twice, the second time half way down: what is best in some hundred steps is not always what is safe.
 */
async function tryFresh(settings: Partial<TrainConfig>, trials: Trials): Promise<Omit<TrialCard, 'finding'>> {
  const { config, steps } = trials;
  const before = await train('without the change', config, trials);
  const isTokenizer = settings.tokenizer !== undefined;
  const changed: { set: Partial<TrainConfig>; run: ShortRun }[] = [];
  for (const set of [settings, ...halfWay(settings, config)]) {
    changed.push({ set, run: await train(flags(set), { ...config, ...set }, trials, undefined, isTokenizer) });
  }
  const other = await train('without it, another seed', { ...config, seed: (config.seed + 1) % 2 ** 32 }, trials);
  const scoreOf = ({ heldOut, bitsPerByte }: ShortRun): number => (isTokenizer ? bitsPerByte : heldOut);
  const [best] = changed.toSorted((a, b) => scoreOf(a.run) - scoreOf(b.run));
  const [gain, noise] = [scoreOf(before) - scoreOf(best.run), Math.abs(scoreOf(before) - scoreOf(other))];
  const unit = isTokenizer ? ' bits a byte' : '';
  const reached = changed.map(({ set, run }) => `${loss(scoreOf(run))}${unit} with ${flags(set)}`).join(', ');
  return {
    verdict: verdictOf(gain, noise),
    sentence: `${exact(steps)} steps from fresh weights reach a held-out loss of ${reached}; ${loss(scoreOf(before))} without (another seed differs by ${loss(noise)}).`,
    curves: curvesOf(before, best.run),
  };
}

const flags = (set: Partial<TrainConfig>): string => flagsOf(set as Record<string, string | number | boolean>);

/** A rate that is lowered, lowered half as far: by the root of the factor. */
function halfWay({ learningRate, ...settings }: Partial<TrainConfig>, config: TrainConfig): Partial<TrainConfig>[] {
  if (learningRate === undefined || learningRate >= config.learningRate) return [];
  const factor = Math.sqrt(config.learningRate / learningRate);
  const divided = (rate: number): number => Number((rate / factor).toPrecision(2));
  const set = { learningRate: divided(config.learningRate), minLearningRate: divided(config.minLearningRate) };
  return [{ ...settings, ...set }];
}

/** From the best weights on, at a tenth of the largest rate and more, where what is learned by heart goes on being learned. */
async function tryOnward(settings: Partial<TrainConfig>, trials: Trials): Promise<Omit<TrialCard, 'finding'>> {
  const { steps } = trials;
  const best = await trials.weights('best');
  const begin = copying(best);
  const config: TrainConfig = { ...trials.config, schedule: 'constant', warmupSteps: Math.floor(steps / 10), steps };
  const { dropout = 0 } = settings;
  const before = await train('without the change', config, trials, begin);
  const after = await train('with it', { ...config, dropout }, trials, begin);
  const other = await train(
    'without it, other windows',
    { ...config, seed: (config.seed + 1) % 2 ** 32 },
    trials,
    begin,
  );
  const [gain, noise] = [before.heldOut - after.heldOut, Math.abs(before.heldOut - other.heldOut)];
  return {
    verdict: verdictOf(gain, noise),
    sentence: `${exact(steps)} steps on from the best weights with --dropout ${dropout}: held-out loss ${loss(after.heldOut)}, ${loss(before.heldOut)} without (other windows differ by ${loss(noise)}).`,
    curves: curvesOf(before, after),
  };
}

/** From the last weights on, with heads that add nothing drawn anew. */
async function tryHeads(trials: Trials): Promise<Omit<TrialCard, 'finding'>> {
  const { config: whole, steps } = trials;
  const last = await trials.weights('last');
  const material = await trials.material(whole, false);
  const dead = await passOf(last, material.validation);
  const copy = copying(last);
  const config: TrainConfig = { ...whole, schedule: 'constant', warmupSteps: Math.floor(steps / 10), steps };
  const before = await train('as they are', config, trials, copy);
  const lowestOf = async ({ model }: ShortRun): Promise<number> =>
    Math.min(...((await passOf(model, material.validation))?.heads ?? []).flat().map(({ share }) => share));
  const shareBefore = await lowestOf(before);
  const after = await train('drawn anew', config, trials, async (model) => {
    await copy(model);
    await drawHeads(model, dead?.heads ?? [], config);
  });
  const shareAfter = await lowestOf(after);
  const gain = before.heldOut - after.heldOut;
  return {
    verdict: shareAfter > 10 * shareBefore && shareAfter > 0.005 && gain > -USEFUL ? 'confirmed' : 'not confirmed',
    sentence: `${exact(steps)} steps on with the dead heads drawn anew: the weakest head adds ${figure(shareAfter)} times what it reads, ${figure(shareBefore)} without; held-out loss ${loss(after.heldOut)}, ${loss(before.heldOut)} without.`,
    curves: curvesOf(before, after),
  };
}

/** From fresh weights, on windows of the text whose targets are made anew; against what the run logged. */
async function tryTargets(trials: Trials): Promise<Omit<TrialCard, 'finding'>> {
  const { config, logged } = trials;
  const steps = Math.min(trials.steps, logged.length);
  const after = await train('windows made anew', config, { ...trials, steps });
  const end = (points: readonly Point[]): number =>
    mean(points.slice(steps - Math.ceil(steps / 10), steps).map(({ value }) => value));
  const [was, is] = [end(logged), end(after.training)];
  return {
    verdict: verdictOf(was - is, 0.03),
    sentence: `${exact(steps)} steps from fresh weights on windows of the text that were made anew: training loss ${loss(is)}, ${loss(was)} in the run.`,
    curves: { without: [...smooth(logged.slice(0, steps))], with: [...smooth(after.training)] },
  };
}

async function train(
  what: string,
  config: TrainConfig,
  { engine, material, steps, signal, onStep }: Trials,
  begin?: (model: GPT) => Promise<void> | void,
  refit = false,
): Promise<ShortRun> {
  const text = await material(config, refit);
  return shortRun({ engine, config, material: text, steps, begin, signal, onStep: (step) => onStep?.(what, step) });
}

/** Puts the weights of a model into another of the same shape. */
const copying = (from: GPT) => async (to: GPT) => {
  to.parameters.values.write((await from.parameters.values.floats()) as Float32Array<ArrayBuffer>);
};

const verdictOf = (gain: number, noise: number): TrialCard['verdict'] =>
  gain > largest([USEFUL, noise]) ? 'confirmed' : 'not confirmed';

const curvesOf = (before: ShortRun, after: ShortRun): NonNullable<TrialCard['curves']> => ({
  without: [...smooth(before.training)],
  with: [...smooth(after.training)],
});
