/** What dawnlm shows by itself, on the engine's adapter: kernels against a copy, attention, what JavaScript costs. */

import { type HeldWork, timesInTurns } from '../../src/check/measure.ts';
import type { AnyCase, AnyOp } from '../../src/check/ops.ts';
import { makeWork } from '../../src/check/opWork.ts';
import { bufferCopy } from '../../src/check/speed.ts';
import { attention } from '../../src/kernels/attention/attention.ts';
import { layerNorm } from '../../src/kernels/norm/norm.ts';
import { softmax } from '../../src/kernels/softmax.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import { ELEMENT_BYTES } from '../../src/tensor/tensor.ts';
import type { ClaimMeasurement } from '../record.ts';
import { benchTrain, type TrainMeasurement } from '../train.ts';
import { ATTENTION, ROWS, SCRIPT } from './catalog.ts';
import { judged, spreadOf } from './judge.ts';

/** Time for the rounds of some kernels. */
const BUDGET_MS = 3000;

/** Times of works in turns, work by work; then their memory is free again. */
async function timeHeld(engine: Engine, held: readonly HeldWork[]): Promise<number[][]> {
  try {
    const works = held.map(({ work }) => work);
    return await timesInTurns(engine, works, BUDGET_MS);
  } finally {
    for (const { free } of held) free();
  }
}

const held = (engine: Engine, op: unknown, test: AnyCase, backward = false): HeldWork =>
  makeWork(engine, { op: op as AnyOp, case: test }, backward);

const ROW_SHAPE = [3072, 256] as const;

/** Row kernels read a matrix and write one; so do the copies, one of a matrix as large and one larger than caches. */
export async function rowClaims(engine: Engine): Promise<ClaimMeasurement[]> {
  const [R, C] = ROW_SHAPE;
  const moved = 2 * R * C * ELEMENT_BYTES;
  const copies = { 'a copy of 64 MiB': bufferCopy(engine), 'a copy of as much': bufferCopy(engine, R * C) };
  const kernels = {
    softmax: held(engine, softmax, [{ x: ROW_SHAPE }]),
    'layer norm': held(engine, layerNorm, [{ x: ROW_SHAPE, weight: [C], bias: [C] }, { eps: 1e-5 }]),
  };
  const amounts = Object.values(copies);
  const times = await timeHeld(engine, [...Object.values(kernels), ...amounts]);
  const rates = times.map((own, i) => own.map((timeMs) => (amounts[i - 2]?.amount ?? moved) / timeMs / 1e6));
  return Object.keys(kernels).flatMap((kernel, i) =>
    Object.keys(copies).map((against, j) => {
      const theirs = rates[2 + j];
      const ratios = rates[i].map((rate, round) => rate / theirs[round]);
      const figures = { rateUnit: 'GB/s', ours: spreadOf(rates[i]).value, theirs: spreadOf(theirs).value };
      return judged({ row: `${kernel} ${R}x${C}`, against, unit: 'x', ...spreadOf(ratios), ...figures, ...ROWS });
    }),
  );
}

const SIZES = { B: 8, H: 6, T: 256, D: 64 };

/** Causal attention of 48 heads: operations of pairs that see one another, two products forward and five backward. */
export async function attentionClaims(engine: Engine): Promise<ClaimMeasurement[]> {
  const { B, H, T, D } = SIZES;
  const test: AnyCase = [{ qkv: [B, T, 3 * H * D] }, { nHead: H, nKvHead: H, causal: true }];
  const both = [held(engine, attention, test), held(engine, attention, test, true)];
  const [forward, all] = await timeHeld(engine, both);
  const product = 2 * D * ((B * H * T * (T + 1)) / 2); // operations
  const backward = all.map((timeMs, round) => timeMs - forward[round]);
  const claim = (pass: keyof typeof ATTENTION, times: readonly number[], products: number): ClaimMeasurement => {
    const rates = spreadOf(times.map((timeMs) => (products * product) / timeMs / 1e6));
    const row = `causal attention ${pass}, ${B * H} heads, T ${T} D ${D}`;
    return judged({ row, unit: 'GFLOP/s', ...rates, ours: rates.value, ...ATTENTION[pass] });
  };
  return [claim('forward', forward, 2), claim('backward', backward, 5)];
}

/** What JavaScript takes of a training step. */
export async function scriptClaim(
  engine: Engine,
  adapter: { name: string; software: boolean },
  seconds: number,
): Promise<ClaimMeasurement> {
  const measured = await benchTrain(engine, adapter, { preset: 'nano', seconds, autotune: true });
  const { details, runs } = measured.find(({ kind }) => kind === 'train') as TrainMeasurement;
  const value = details.javaScriptShare;
  const row = "JavaScript's share of a training step, nano";
  return judged({ row, unit: 'share', value, runs, ours: value, atMost: true, ...SCRIPT });
}
