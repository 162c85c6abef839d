/** Settings that go together, where they are others than the defaults, which are those of `nano`. */

/** Muon at a high rate: fewest steps to a loss. */
const byMuon = { optimizer: 'muon', learningRate: 3e-3, muonFactor: 3 } as const;

/**
 * A loss in the fewest seconds, in a shape that every format of the exports holds: rotary positions; queries and keys that are large
 * from the start, and short contexts first, so that heads soon look at single tokens; high rates that fall to nothing, and little
 * momentum. The head is its own, and the MLP's width a multiple of 64, for which products take the least time.
 */
const soon = {
  ...{ style: 'llama', tieEmbeddings: false, nHidden: 320, queryKeyGain: 1, contextGrowth: 0.6 },
  ...({ optimizer: 'muon', muonFactor: 1, muonMomentum: 0.85, learningRate: 1e-2, minLearningRate: 0 } as const),
  ...({ schedule: 'linear', warmupSteps: 20 } as const),
} as const;

export const PRESETS = {
  quick: {
    about: "nano's model by Muon, for about three minutes on two cores",
    settings: { ...byMuon, steps: 900, evalEvery: 100, checkpointEvery: 100 },
  },
  nano: { about: "nanoGPT's CPU setting: 4 layers, 4 heads, width 128, context 64, batch 12", settings: {} },
  fast: {
    about: "nano's size in Llama's style, by the settings that learn most in a minute: in 600 steps beyond quick's 900",
    settings: { ...soon, steps: 600, evalEvery: 100, checkpointEvery: 100 },
  },
  small: {
    about: "nanoGPT's GPU setting: 6 layers, 6 heads, width 384, context 256, batch 64, dropout 0.2",
    settings: { nLayer: 6, nHead: 6, nEmbd: 384, blockSize: 256, dropout: 0.2, batchSize: 64, steps: 5000 },
  },
  tiny: {
    about: '2 layers, 2 heads, width 32, context 32: trains in seconds, for tests and lessons',
    settings: {
      ...{ nLayer: 2, nHead: 2, nEmbd: 32, blockSize: 32, batchSize: 8, steps: 200, warmupSteps: 20 },
      ...{ evalEvery: 100, checkpointEvery: 100 },
    },
  },
  base: {
    about:
      "nano's model with pieces of words and a context of 128, by Muon, for about 20 minutes on two cores: to be tuned",
    settings: {
      ...byMuon,
      ...{ tokenizer: 'bpe:2048', blockSize: 128, batchSize: 8, steps: 6000, evalEvery: 500, checkpointEvery: 500 },
    },
  },
  llama: {
    about: "nano's size in the style of Llama: RoPE, RMS norm, SwiGLU, grouped-query attention, untied head",
    settings: { style: 'llama', nKvHead: 2, tieEmbeddings: false },
  },
} as const;
