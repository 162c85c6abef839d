import { expectedEnergy } from '../cost/energy.ts';
import { type GenerationCost, measureGeneration } from '../cost/generation.ts';
import { roofAbove } from '../cost/roof.ts';
import { bandInWords, energyInWords } from '../report/costWords.ts';
import { bytes, count, durationInWords, percent } from '../report/format.ts';
import type { WeightFormat } from '../tensor/operands/packing.ts';
import { loadRun } from '../train/savedRun.ts';
import { consequences, priceOf, type Rates } from './consequences.ts';
import { openEngine } from './engine.ts';
import { print, printJson, table } from './terminal/output.ts';

/** Flags of `dawnlm cost --generate`. */
interface GenerationFlags {
  run: string;
  adapter?: string;
  weights: WeightFormat;
}

/** Measures what it costs to generate with a run, and prints it: a row for each batch and length of prompt. */
export async function printGeneration(
  { run, adapter: choice, weights }: GenerationFlags,
  flags: Rates & { json?: boolean },
): Promise<void> {
  const { engine, adapter } = await openEngine(choice);
  const { model } = await loadRun(engine, run, 'best', weights);
  const { bytesPerSecond } = await roofAbove(engine, adapter.name, 0);
  const costs = await measureGeneration(model, bytesPerSecond);
  const priced = await Promise.all(
    costs.map(async (cost) => ({ ...cost, million: await million(cost, adapter, flags) })),
  );
  if (flags.json) return void priced.map(printJson);
  const heading = ['sequences', 'prompt', 'first token', 'a token', 'tokens/s', 'weights', 'cache', 'ceiling', 'share'];
  const more = ['a million tokens', 'energy', ...(priceOf(flags) ? ['money'] : [])];
  print(table([[...heading, ...more], ...priced.map(rowOf)]));
  const bandwidth = (bytesPerSecond / 1e9).toFixed(1);
  print(`
weights, cache: what a token of all sequences reads; ceiling: tokens/s at the ${bandwidth} GB/s of a large copy
`);
}

/** What a million tokens take. */
async function million({ tokensPerSecond }: GenerationCost, { software }: { software: boolean }, flags: Rates) {
  const timeMs = 1e9 / tokensPerSecond;
  const energy = await expectedEnergy(software, timeMs);
  return { timeMs, energy, ...consequences(energy, timeMs, flags).figures };
}

function rowOf({
  million: { timeMs, energy, money },
  ...cost
}: GenerationCost & { million: Awaited<ReturnType<typeof million>> }) {
  return [
    ...[`${cost.batch}`, `${cost.promptTokens}`, milliseconds(cost.firstTokenMs), milliseconds(cost.tokenMs)],
    ...[count(cost.tokensPerSecond), bytes(cost.weightBytes), bytes(cost.cacheBytes), count(cost.ceiling)],
    ...[percent(cost.share), durationInWords(timeMs), energyInWords(energy)],
    ...(money ? [bandInWords(money)] : []),
  ];
}

const milliseconds = (timeMs: number): string => `${timeMs.toPrecision(3)} ms`;
