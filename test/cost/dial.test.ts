import { describe, expect, it } from 'vitest';
import {
  candidates,
  choose,
  configOf,
  stepsForOperations,
  stepsForSeconds,
  stepsForSize,
  type TextSize,
  type Wishes,
} from '../../src/cost/dial.ts';
import type { ScalingLaw } from '../../src/cost/law.ts';
import { RECIPE } from '../../src/cost/rule.ts';
import { resolveConfig, type TrainConfig } from '../../src/train/config.ts';

const LAW: ScalingLaw = {
  ...{ version: 1, corpus: 'text', uniqueTokens: 1.1e6, tokenizer: 'char', blockSize: 64, parameters: 'all' },
  ...{ fit: { E: 1.1, A: 40, alpha: 0.4, B: 90, beta: 0.36 }, draws: [], residual: 0.01, repetition: 15.4 },
  ...{ range: { parameters: [3e4, 3e6], tokens: [1e5, 1e8] }, from: 'nowhere' },
};
const sized = (trainTokens: number): TextSize => ({ trainTokens, heldOutTokens: trainTokens / 9, vocabSize: 80 });
const MOBY = sized(1.1e6);

/** A machine of so many operations a second, each step of which takes 10 ms beside. */
const machine = (rate: number) => (operations: number) => 0.01 + (768 * operations) / rate;
const SLOW = 3e10;

/** What is chosen for seconds on a machine. */
const inSeconds = (seconds: number, text = MOBY, wishes: Wishes = {}, rate = SLOW) =>
  choose(LAW, text, wishes, (one) => {
    const step = machine(rate)(one.size.operations);
    return stepsForSeconds(seconds, step, (steps) => secondsOf(configOf(one, steps), step));
  });

/** A whole run: steps, validations on the way, and four seconds at the end. */
const secondsOf = ({ steps, evalEvery, evalBatches }: TrainConfig, step: number): number =>
  steps * step + ((Math.ceil(steps / evalEvery) - 1) * evalBatches * step) / 3 + 4;

const MINUTES = [0.2, 0.5, 1, 2, 3, 5, 10, 30, 60, 240, 1000];

describe('the dial', () => {
  it.each([sized(1e4), sized(1e5), MOBY, sized(1e9)])('gives no smaller model to more minutes (%#)', (text) => {
    const sizes = MINUTES.map((minutes) => inSeconds(60 * minutes, text).size.parameters);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
  });

  it('gives no smaller model to a faster machine, and none that is no better', () => {
    const sizes = [1e10, 1e11, 1e12, 1e13].map((rate) => inSeconds(120, sized(1e9), {}, rate));
    for (const [i, { size, expected }] of sizes.entries()) {
      if (i === 0) continue;
      expect(size.parameters).toBeGreaterThanOrEqual(sizes[i - 1].size.parameters);
      expect(expected.loss).toBeLessThan(sizes[i - 1].expected.loss);
    }
    expect(sizes[3].size.parameters).toBeGreaterThan(3 * sizes[0].size.parameters);
  });

  it('has a tiny model and few epochs for a tiny text, however long it may take', () => {
    const { size, epochs, textEnds, config } = inSeconds(1800, sized(20_000));
    expect(size.parameters).toBeLessThan(4 * 20_000);
    expect(epochs).toBeLessThan(20.1);
    expect(textEnds).toBe(true);
    expect(config.steps).toBe(Math.round((20 * 20_000) / 768));
    const enough = inSeconds(120, sized(1e9));
    expect(enough.textEnds).toBe(false);
    expect(enough.epochs).toBeLessThan(1);
  });

  it('shortens windows for a text whose held-out part would hold none', () => {
    expect(inSeconds(60, { trainTokens: 270, heldOutTokens: 30, vocabSize: 20 }).config.blockSize).toBe(16);
    expect(inSeconds(60).config.blockSize).toBe(64);
    expect(inSeconds(60, { ...MOBY, heldOutTokens: 30 }, { blockSize: 8 }).config.blockSize).toBe(8);
  });

  it.each(MINUTES.filter((minutes) => minutes >= 0.5))('is done within %d minutes', (minutes) => {
    const { config, size } = inSeconds(60 * minutes, sized(1e9));
    const step = machine(SLOW)(size.operations);
    const seconds = secondsOf(config, step);
    expect(seconds).toBeLessThanOrEqual(60 * minutes);
    expect(seconds).toBeGreaterThan(0.93 * 60 * minutes);
  });

  it('leaves settings as they were given', () => {
    const wishes: Wishes = { learningRate: 1e-4, batchSize: 3, tokenizer: 'byte', evalEvery: 7, dropout: 0.1 };
    expect(inSeconds(60, MOBY, wishes).config).toMatchObject(wishes);
    const wide: Wishes = { nEmbd: 96, nLayer: 7 };
    expect(candidates(MOBY, wide)).toHaveLength(1);
    expect(inSeconds(60, MOBY, wide).config).toMatchObject({ ...wide, nHead: resolveConfig(RECIPE).nHead });
  });

  it('spends operations', () => {
    for (const operations of [1e11, 1e12, 1e13]) {
      const { size, tokens } = choose(LAW, sized(1e9), {}, stepsForOperations(operations));
      expect((size.operations * tokens) / operations).toBeCloseTo(1, 1);
    }
  });

  it('trains a depth until more operations would go into a larger one', () => {
    const text = sized(1e9);
    for (const shape of [
      { nLayer: 2, nHead: 2, nEmbd: 64 },
      { nLayer: 4, nHead: 4, nEmbd: 128 },
    ]) {
      const { size, tokens, expected } = choose(LAW, text, shape, stepsForSize(LAW, text));
      const { A, alpha, B, beta, E } = LAW.fit;
      const N = size.parameters;
      expect((alpha * A) / N ** alpha / ((beta * B) / tokens ** beta)).toBeCloseTo(1, 2);
      expect(expected.loss).toBeCloseTo(E + A / N ** alpha + B / tokens ** beta, 6);
    }
    const little = sized(2e4);
    const { epochs } = choose(LAW, little, { nLayer: 4, nHead: 4, nEmbd: 128 }, stepsForSize(LAW, little));
    expect(epochs).toBeCloseTo(20, 0);
  });

  it('is the same of the same, and takes one step where there is no time', () => {
    expect(inSeconds(90)).toEqual(inSeconds(90));
    const none = inSeconds(0.001);
    expect(none.config.steps).toBe(1);
    expect(none.config.nEmbd).toBe(16);
    expect(none.expected.loss).toBe(Math.log(80));
  });
});
