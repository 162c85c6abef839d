/** The shape of a model: everything that fixes its parameters and what they compute. Field names follow nanoGPT. */
export interface ModelConfig {
  /** `gpt2`: learned positions, layer norm, GELU. `llama`: rotary positions, RMS norm, SwiGLU, grouped-query attention. */
  style: 'gpt2' | 'llama';
  /** V: rows of the embedding, one a token id. */
  vocabSize: number;
  /** T: the longest context, in tokens. */
  blockSize: number;
  /** Transformer blocks. */
  nLayer: number;
  /** H: query heads of each attention; divides nEmbd. */
  nHead: number;
  /** Key and value heads, each shared by nHead / nKvHead query heads; nHead in the gpt2 style. */
  nKvHead: number;
  /** C: width of the residual stream. */
  nEmbd: number;
  /** Width of the MLP between its two (gpt2) or three (llama) matrices; 4 nEmbd in GPT-2. */
  nHidden: number;
  /** Probability that an activation is dropped in training: of the embedding and of what each block adds. */
  dropout: number;
  /** Added to the variance in the norms. */
  normEps: number;
  /** Base of the rotary frequencies; unused in the gpt2 style. */
  ropeBase: number;
  /** Whether the output layer is the transposed token embedding. */
  tieEmbeddings: boolean;
  /** gpt2 style: whether linear layers and norms have biases. The llama style has none. */
  bias: boolean;
}
