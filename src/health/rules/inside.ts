/** Parts of a model that do nothing, and steps that were not taken as gradients said. */
import { median } from 'simple-statistics';
import { largest, smallest } from '../../numbers.ts';
import { count, exact, figure, percent } from '../../report/format.ts';
import { insideOf, stepsCutShort } from '../../report/inside.ts';
import type { Evidence } from '../evidence.ts';
import type { Finding } from '../finding.ts';

/** A head adds nothing when it adds less than a hundredth of what the median head of its layer does. The weakest of sound ones add a fifth. */
const DEAD_HEAD = 0.01;
/** Layers whose units are dead to more than half have half of their width for nothing. */
const DEAD_UNITS = 0.5;

export function deadHeads(run: Evidence): Finding | undefined {
  const { config, pass } = run;
  const dead = (pass?.heads ?? []).flatMap((heads, layer) => {
    const usual = median(heads.map(({ share }) => share));
    const reference = Math.max(usual, largest(heads.map(({ share }) => share)) / 10);
    return heads.flatMap(({ share }, head) =>
      share < DEAD_HEAD * reference ? [{ layer, head, share, usual: reference }] : [],
    );
  });
  if (dead.length === 0) return undefined;
  const [first] = dead;
  const all = dead.map(({ layer, head }) => `${layer + 1}.${head + 1}`).join(', ');
  return {
    name: 'dead-head',
    severity: 'problem',
    sentence: `${exact(dead.length)} of ${exact(config.nLayer * config.nHead)} heads add nothing (block.head ${all}): head ${first.head + 1} of block ${first.layer + 1} adds ${figure(first.share)} times what it reads, others of the block ${figure(first.usual)}.`,
    advice: {
      sentence:
        'Draw its weights anew and train on, or train anew; where heads die again, lower the rate or warm it up for longer.',
    },
  };
}

export function deadUnits({ pass, config }: Evidence): Finding | undefined {
  const worst = largest(pass?.deadUnits ?? [0]);
  if (worst < DEAD_UNITS) return undefined;
  const layer = pass!.deadUnits.indexOf(worst);
  return {
    name: 'dead-units',
    severity: 'problem',
    sentence: `${percent(worst)} of the units of block ${layer + 1}'s MLP put out nothing for any token.`,
    advice: {
      sentence: 'Lower the learning rate three times.',
      settings: { learningRate: config.learningRate / 3, minLearningRate: config.minLearningRate / 3 },
    },
  };
}

/** Attention that looks at one token alone, in all heads of a layer. */
export function entropyCollapse({ pass }: Evidence): Finding | undefined {
  const layers = (pass?.heads ?? []).map((heads) => largest(heads.map(({ entropy }) => entropy)));
  if (layers.length === 0 || smallest(layers) > 0.05) return undefined;
  return {
    name: 'attention-collapsed',
    severity: 'problem',
    sentence: `All heads of block ${layers.indexOf(smallest(layers)) + 1} look at one token alone: their entropy is ${figure(smallest(layers))} nats or less.`,
    advice: { sentence: 'Lower the learning rate, or warm it up for longer.' },
  };
}

/** Sound mixed precision skips some steps while it finds its scale: under a twentieth of them. */
export function skippedSteps({ log, config }: Evidence): Finding | undefined {
  const { skipped } = stepsCutShort(log, config.clipNorm);
  if (skipped < 0.05) return undefined;
  return {
    name: 'steps-skipped',
    severity: 'problem',
    sentence: `${percent(skipped)} of the steps were skipped, since gradients overflowed 16-bit floats.`,
    advice: { sentence: 'Train in float32, or at a lower rate.', settings: { precision: 'float32' } },
  };
}

/** Batches an order of magnitude from the noise scale: as many passes for less gain, or the same tokens in fewer, better steps. */
export function batchSize({ log, config, status }: Evidence): Finding | undefined {
  const noise = insideOf(log)?.noiseScale ?? [];
  const { batchSize, blockSize, gradientAccumulation } = config;
  const tokens = batchSize * blockSize * gradientAccumulation;
  if (noise.length < 5 || status === 'diverged') return undefined;
  const usual = median(noise.slice(-Math.ceil(noise.length / 2)).map(({ value }) => value));
  if (usual > tokens / 10 && usual < 20 * tokens) return undefined;
  const better = Math.max(1, Math.round(usual / blockSize / gradientAccumulation));
  return {
    name: usual > tokens ? 'batch-small' : 'batch-large',
    severity: 'note',
    sentence: `Gradients are as much signal as noise at a batch of ${count(usual)} tokens; this one has ${count(tokens)}.`,
    advice: { sentence: `Batches of about ${better} windows make steps that are worth more.` },
  };
}
