/** What generating costs, by how many sequences are written at once and how much stands before them. */
import { NO_FILTERS } from '../kernels/sampling/settings.ts';
import { bytesPerSequence } from '../model/cache.ts';
import { Generator } from '../model/generate.ts';
import type { GPT } from '../model/gpt.ts';
import { weightBytes } from '../model/quantized.ts';

/** Sequences that are written at once. */
export const BATCHES = [1, 8, 32] as const;

/** Generating with so many sequences, each behind a prompt of so many tokens. */
export interface GenerationCost {
  readonly batch: number;
  readonly promptTokens: number;
  /** From the prompts to the first token of each. */
  readonly firstTokenMs: number;
  /** One more token for all sequences, after that. */
  readonly tokenMs: number;
  readonly tokensPerSecond: number;
  /** What a token of all sequences reads: the weights once, and each sequence's keys and values so far. */
  readonly weightBytes: number;
  readonly cacheBytes: number;
  /** Tokens a second if nothing but reading that took time, at the bandwidth of a copy that is larger than caches. */
  readonly ceiling: number;
  /** `tokensPerSecond` of that: above 1 where weights stay in the processor's caches. */
  readonly share: number;
}

/** Tokens that are timed behind a prompt. */
const TOKENS = 32;
const ROUNDS = 3;

/** Prompts of a few tokens, and long ones that leave room for what is timed. */
function promptLengths(context: number): number[] {
  const long = Math.max(Math.floor(context / 2), context - TOKENS - 1, 1);
  return [...new Set([Math.min(4, long), long])];
}

/** Measures generating for each batch and length of prompt. @param bytesPerSecond the adapter's measured bandwidth */
export async function measureGeneration(model: GPT, bytesPerSecond: number): Promise<GenerationCost[]> {
  const costs: GenerationCost[] = [];
  for (const batch of BATCHES) {
    const generator = new Generator(model, batch);
    for (const promptTokens of promptLengths(model.config.blockSize)) {
      costs.push(await measureOne(model, generator, { batch, promptTokens, bytesPerSecond }));
    }
  }
  return costs;
}

async function measureOne(
  model: GPT,
  generator: Generator,
  { batch, promptTokens, bytesPerSecond }: { batch: number; promptTokens: number; bytesPerSecond: number },
): Promise<GenerationCost> {
  const { vocabSize, blockSize } = model.config;
  const prompts = Array.from({ length: batch }, (_, b) =>
    Array.from({ length: promptTokens }, (_, i) => (7 * i + b) % vocabSize),
  );
  const more = Math.max(1, Math.min(TOKENS, blockSize - promptTokens));
  const timeOf = async (tokens: number): Promise<number> => {
    const startedAt = performance.now();
    for await (const _ of generator.generate(prompts, { ...NO_FILTERS, seed: 1, tokens }));
    return performance.now() - startedAt;
  };
  await timeOf(1 + more); // compiles
  let [firstTokenMs, allMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round++) {
    firstTokenMs = Math.min(firstTokenMs, await timeOf(1));
    allMs = Math.min(allMs, await timeOf(1 + more));
  }
  const tokenMs = Math.max(0, allMs - firstTokenMs) / more;
  const seen = promptTokens + more / 2; // on average
  const cacheBytes = (batch * bytesPerSequence(model.config) * seen) / blockSize;
  const { read } = weightBytes(model);
  const tokensPerSecond = (1000 * batch) / tokenMs;
  const ceiling = (batch * bytesPerSecond) / (read + cacheBytes);
  return {
    ...{ batch, promptTokens, firstTokenMs, tokenMs, tokensPerSecond },
    ...{ weightBytes: read, cacheBytes, ceiling, share: tokensPerSecond / ceiling },
  };
}
