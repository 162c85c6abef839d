/** How fast does the server answer, and does it bear what clients do? Load comes from a second process. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { median } from 'simple-statistics';
import { timingOf } from '../src/check/measure.ts';
import { NO_FILTERS } from '../src/kernels/sampling/settings.ts';
import { Generator } from '../src/model/generate.ts';
import type { GPT } from '../src/model/gpt.ts';
import type { Measurement } from './record.ts';
import type { Latency, Load, LoadResult } from './serve/load.ts';
import { spawnLoad } from './serve/spawned.ts';

/** Where requests go. */
export type Target = Pick<Load, 'url' | 'key' | 'model' | 'vocabSize'>;

export interface ServeBenchOptions {
  /** Requests that are open at once, one measurement each. */
  readonly streams: readonly number[];
  /** Tokens of each prompt, and to be generated for it. */
  readonly prompt: number;
  readonly tokens: number;
  /** That each measurement takes, about. */
  readonly seconds: number;
}

export interface ServeMeasurement extends Measurement {
  details: Pick<LoadResult, 'answered' | 'refused' | 'first' | 'gap'> & {
    /** Tokens a second of the same sequences in a plain batch, in turns with the server, and the server's share of that. */
    plain?: number;
    share?: number;
  };
}

const ROUNDS = 5;

/** Streams at a server; against a plain batch of `model`, where that is what is served, and by this process. */
export async function* benchServe(
  target: Target,
  { streams, prompt, tokens, seconds }: ServeBenchOptions,
  model?: GPT,
): AsyncGenerator<ServeMeasurement> {
  const load = { ...target, prompt: [prompt, prompt], tokens: [tokens, tokens], disconnects: 0, seed: 1 } as const;
  for (const count of streams) {
    const plain = model && plainBatch(model, count, prompt, tokens);
    await plain?.();
    await spawnLoad({ ...load, streams: count, requests: count });
    const rounds: { served: LoadResult; plain?: number }[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      const rate = await plain?.();
      rounds.push({ plain: rate, served: await spawnLoad({ ...load, streams: count, seconds: seconds / ROUNDS }) });
    }
    yield measurementOf(count, { prompt, tokens }, rounds);
  }
}

function measurementOf(
  streams: number,
  { prompt, tokens }: Pick<ServeBenchOptions, 'prompt' | 'tokens'>,
  rounds: readonly { served: LoadResult; plain?: number }[],
): ServeMeasurement {
  const rates = rounds.map(({ served }) => rateOf(served));
  const middle = (of: (one: LoadResult) => Latency): Latency => {
    const at = (p: keyof Latency) => median(rounds.map(({ served }) => of(served)[p]));
    return { p50: at('p50'), p95: at('p95'), p99: at('p99') };
  };
  const total = (of: (one: LoadResult) => number) => rounds.reduce((sum, { served }) => sum + of(served), 0);
  const plain = rounds.flatMap((round) => round.plain ?? []);
  const share = () => ({ plain: median(plain), share: median(rates.map((rate, i) => rate / plain[i])) });
  return {
    ...{ kind: 'serve', op: 'completions', unit: 'tokens/s', ...timingOf(rates) },
    shape: `${streams} ${streams === 1 ? 'stream' : 'streams'}, ${tokens} tokens after ${prompt}`,
    details: {
      ...{ answered: total(({ answered }) => answered), refused: total(({ refused }) => refused) },
      ...{ first: middle(({ first }) => first), gap: middle(({ gap }) => gap), ...(plain.length > 0 && share()) },
    },
  };
}

const rateOf = ({ tokens, wallMs }: LoadResult): number => (1000 * tokens) / wallMs;

/** The same sequences without a server: prompts of one length begin and end together. Tokens a second. */
function plainBatch(model: GPT, streams: number, prompt: number, tokens: number): () => Promise<number> {
  const generator = new Generator(model, streams);
  const prompts = Array.from({ length: streams }, (_, b) => new Uint32Array(prompt).fill(b % model.config.vocabSize));
  return async () => {
    const startedAt = performance.now();
    for await (const _ of generator.generate(prompts, { ...NO_FILTERS, seed: 1, tokens }));
    return (1000 * streams * tokens) / (performance.now() - startedAt);
  };
}

/** What was in use after a part of the requests: bytes. */
export interface MemoryUse {
  readonly requests: number;
  readonly residentBytes: number;
  readonly deviceBytes: number;
}

export interface HarmResult extends Pick<LoadResult, 'answered' | 'cut' | 'failed' | 'refused' | 'failures'> {
  readonly requests: number;
  readonly memory: readonly MemoryUse[];
}

const PARTS = 5;

/**
 * So many requests of random lengths, 40 at once, a fifth of whose clients go away in the middle.
 * @param model what this process serves: its memory is told after each fifth of the requests
 */
export async function benchHarm(
  target: Target,
  requests: number,
  model: GPT,
  onPart: (done: number) => void,
): Promise<HarmResult> {
  const { blockSize } = model.config;
  const lengths = { prompt: [1, blockSize], tokens: [1, Math.max(1, Math.floor(blockSize / 2))] } as const;
  const results: LoadResult[] = [];
  const memory: MemoryUse[] = [];
  for (let part = 0; part < PARTS; part++) {
    const load = { ...target, ...lengths, streams: 40, disconnects: 0.2, seed: 1000 * part };
    results.push(await spawnLoad({ ...load, requests: Math.ceil(requests / PARTS) }));
    memory.push(memoryOf(model, Math.ceil(requests / PARTS) * (part + 1)));
    onPart(memory.at(-1)!.requests);
  }
  const total = (name: 'answered' | 'cut' | 'failed' | 'refused') => results.reduce((sum, one) => sum + one[name], 0);
  return {
    ...{ answered: total('answered'), cut: total('cut'), failed: total('failed'), refused: total('refused') },
    ...{ failures: results.flatMap(({ failures }) => failures), requests: memory.at(-1)!.requests, memory },
  };
}

/** After all garbage was collected. */
function memoryOf({ engine }: GPT, requests: number): MemoryUse {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return { requests, residentBytes: process.memoryUsage.rss(), deviceBytes: engine.device.pool.allocatedBytes };
}
